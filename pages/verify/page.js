// The page /verify: fetches or takes an audit, has it verified, and says what came of it.

import { fromFiles, fromShop, withKeys } from "./sources.js";
import { QUEUE_ID } from "./shape.js";
import { BUSY, CHECKS, LATE, STANDING, TRUST, earlierOf, lookedOf, number, ownOf, sentenceOf,
  verdictOf } from "./words.js";

const find = (selector) => document.querySelector(selector);
const show = (selector, shown) => (find(selector).hidden = !shown);
const asked = new URLSearchParams(location.search).get("queue");
const queue = QUEUE_ID.test(asked ?? "") ? asked : undefined;

let worker;
let run = 0; // which run is under way: what comes of an older one is not heard
let result;
let given = { audit: [] }; // what was last verified, for files that belong to it

const element = (name, className, text) => {
  const made = document.createElement(name);
  made.className = className;
  made.textContent = text;
  return made;
};

// ---- the verdict

function stand({ state = "", heading, lead }) {
  find("#verdict").className = `card ${state}`;
  find("#verdict h2").textContent = heading;
  find("#lead").textContent = lead;
  document.title = `${heading} – Check the order`;
  find("#say").textContent = heading;
  show("#own", false);
  show("#promised", false);
  show("#again", false);
  show("#progress", false);
}

/** Says why there is nothing to check. */
function standStill(standing, snapshot) {
  clear();
  stand({ ...STANDING[standing], state: standing === "files" ? "" : "waiting" });
  show("#again", standing === "early" || standing === "lost");
  if (snapshot === undefined) return;
  const { opensAt, shuffle } = snapshot;
  show("#promised", opensAt || shuffle?.commitment);
  const [when, what] = find("#promised").children;
  when.hidden = !opensAt;
  if (opensAt) {
    when.querySelector("time").dateTime = new Date(opensAt).toISOString();
    when.querySelector("time").textContent = moment(opensAt);
  }
  what.hidden = !shuffle?.commitment;
  what.querySelector("code").textContent = shuffle?.commitment ?? "";
}

const moment = (at) =>
  new Date(at).toLocaleString([], { dateStyle: "medium", timeStyle: "medium" });

function clear() {
  result = undefined;
  find("#checks").replaceChildren();
  find("#looked").textContent = "";
  for (const part of ["#trust", "#earlier", "#made", "#look", "#figures"]) show(part, false);
}

// ---- checking

async function checkQueue() {
  clear();
  stand(BUSY.fetching);
  const mine = ++run;
  const { standing, snapshot, given: fetched, late } = await fromShop(queue);
  if (mine !== run) return;
  if (standing === "ready") check(fetched, late);
  else standStill(standing, snapshot);
}

async function checkFiles(files) {
  const mine = ++run;
  const taken = await fromFiles(files);
  // A receipt alone belongs to the audit that is here already.
  const audit = taken.audit.length > 0 ? taken.audit : given.audit;
  if (mine !== run) return;
  find("#taken").textContent = audit.length > 0 ? "" : "There is no audit among these files.";
  if (audit.length === 0) return;
  // What was given with another audit says nothing of this one.
  const kept = taken.audit.length > 0 ? {} : given;
  stand(BUSY.checking);
  const whole = await withKeys({ ...kept, ...taken, audit });
  if (mine === run) check(whole);
}

function check(toCheck, late = false) {
  given = toCheck;
  clear();
  stand(BUSY.checking);
  show("#progress", true);
  find("#progress").removeAttribute("value");
  show("#made", true);
  const mine = ++run;
  worker?.terminate();
  worker = new Worker(new URL("worker.js", import.meta.url), { type: "module" });
  worker.onerror = () => mine === run && standStill("broken");
  worker.onmessage = ({ data }) => {
    if (data.run !== run) return;
    if (data.share !== undefined) find("#progress").value = data.share;
    else if (data.check) find("#checks").append(row(data.check, true));
    else if (data.result) conclude(data.result, late);
    else find("#looked").textContent = lookedOf(data.looked, result.summary.entrants);
  };
  worker.postMessage({ run, given });
}

/** A check as a row of the list. */
function row(check, read) {
  const made = document.createElement("li");
  made.className = check.outcome.replace(" ", "-");
  made.dataset.name = check.name;
  made.append(element("h3", "", CHECKS[check.name].title),
    element("span", "outcome", check.outcome));
  const sentence = sentenceOf(check, read);
  if (sentence) made.append(element("p", "", sentence));
  made.append(element("p", "found", `${check.name}: ${check.text}`));
  return made;
}

function conclude(concluded, late) {
  result = concluded;
  const { summary, own, checks } = result;
  stand(verdictOf(result));
  find("#checks").replaceChildren(...checks.map((one) => row(one, summary !== undefined)));
  if (summary === undefined) return;
  if (own.position !== undefined && result.verdict === "VERIFIED") {
    show("#own", true);
    [find("#own b").textContent, find("#own span").textContent] = ownOf(result);
  }
  if (late && summary.entrants > 0) find("#lead").textContent += ` ${LATE}`;
  trust(summary);
  const earlier = earlierOf(summary);
  show("#earlier", earlier !== undefined);
  find("#earlier span").textContent = earlier ?? "";
  figures(summary);
  show("#look", summary.entrants > 0);
  find("[data-v=entrants]").textContent = number(summary.entrants);
}

function trust({ trust: name, entrants }) {
  const { level, label, text } = TRUST[name];
  // With a failure there is nothing to trust yet.
  show("#trust", result.verdict === "VERIFIED" && entrants > 0);
  find("#trust").className = `note ${level}`;
  find("#trust strong").textContent = label;
  find("#trust span").textContent = text;
}

function figures({ queueId, access, entrants, groups, winners, openedAt, commitment, secret, root,
  beacon, seed, earlierEpochs }) {
  const rows = [
    ["Queue", queueId],
    ["Entrants", `${number(entrants)} in ${number(groups)} ${groups === 1 ? "group" : "groups"}`],
    ...(access === "draw" ? [["Winners", winners === null ? "everybody" : number(winners)]] : []),
    ["Entrants fixed at", moment(openedAt)],
    ["Commitment", commitment, "code"],
    ["Secret", secret, "code"],
    ["Root of the log", root, "code"],
    ...(beacon === null
      ? []
      : [[`Public randomness, drand round ${number(beacon.round)}`, beacon.randomness, "code"]]),
    ["Seed", seed, "code"],
    ["Earlier epochs of this queue", number(earlierEpochs)],
  ];
  find("#figures dl").replaceChildren(
    ...rows.map(([name, value, kind = "span"]) => {
      const group = document.createElement("div");
      const said = document.createElement("dd");
      said.append(element(kind, "", value));
      group.append(element("dt", "", name), said);
      return group;
    }),
  );
  show("#figures", true);
}

// ---- what a visitor does

find("#look form").addEventListener("submit", (event) => {
  event.preventDefault();
  const typed = event.target.elements.position.value.trim();
  const position = /^\d{1,15}$/.test(typed) ? Number(typed) : 0;
  worker.postMessage({ run, position });
});

find("#chosen").addEventListener("change", ({ target }) => {
  const files = [...target.files];
  target.value = ""; // so that the same file can be chosen again
  if (files.length > 0) checkFiles(files);
});

find("#again").addEventListener("click", checkQueue);

// Files may be dropped anywhere: one that misses would otherwise replace the page.
for (const kind of ["dragenter", "dragover", "dragleave", "drop"]) {
  document.addEventListener(kind, (event) => {
    if (!event.dataTransfer?.types.includes("Files")) return;
    event.preventDefault();
    find("#files").classList.toggle("over", kind === "dragenter" || kind === "dragover");
    if (kind === "drop" && event.dataTransfer.files.length > 0) {
      checkFiles([...event.dataTransfer.files]);
    }
  });
}

for (const part of ["#verdict", "#files", "#limits"]) show(part, true);
if (queue !== undefined) {
  show("#back", true);
  find("#back a").href = `/queue/${queue}`;
  checkQueue();
} else {
  standStill(asked === null ? "files" : "unknown");
}
