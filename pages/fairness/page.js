// The page /fairness: fetches or takes a report, and shows it in words, plots and tables.

import { moment, number } from "./format.js";
import { plots, swatch } from "./plots.js";
import { ask, read } from "./report.js";
import { FETCHING, STANDING, headline, lead, leftOf, overtakings, phaseOf } from "./words.js";
import { QUEUE_ID } from "../verify/shape.js";

const find = (selector) => document.querySelector(selector);
const show = (selector, shown) => (find(selector).hidden = !shown);
const asked = new URLSearchParams(location.search).get("queue");
const queue = QUEUE_ID.test(asked ?? "") ? asked : undefined;

let run = 0; // which report is awaited: what comes of an older one is not shown

/** An element with attributes, of nodes or text. */
const element = (name, attributes, ...children) => {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  made.append(...children);
  return made;
};

function stand({ state = "", heading, title = heading, lead }) {
  find("#verdict").className = `card ${state}`;
  find("#verdict h2").textContent = heading;
  find("#lead").textContent = lead;
  document.title = `${title} – The fairness report`;
  find("#say").textContent = heading;
  show("#again", false);
}

/** Says why there is no report. */
function standStill(standing) {
  clear();
  stand({ ...STANDING[standing], state: standing === "files" ? "" : "waiting" });
  show("#again", ["early", "making", "offline", "lost"].includes(standing));
}

function clear() {
  find("#plots").replaceChildren();
  for (const part of ["#part", "#figures"]) show(part, false);
}

async function fetchReport() {
  clear();
  stand(FETCHING);
  const mine = ++run;
  const { standing, report } = await ask(queue);
  if (mine !== run) return;
  if (report) tell(report);
  else standStill(standing);
}

async function openFile(file) {
  const { report, fault } = read(await file.text());
  find("#taken").textContent = report
    ? `${file.name} is shown.`
    : `${file.name} is no fairness report: ${fault}.`;
  if (!report) return;
  run += 1;
  show("#raw", false);
  tell(report);
}

function tell(report) {
  stand({
    ...headline(report),
    lead: [lead(report), overtakings(report)].filter(Boolean).join(" "),
  });
  show("#part", !report.complete);
  figures(report);
  find("#plots").replaceChildren(...plots(report).map((plot) => card(plot, report)));
  for (const drawn of document.querySelectorAll(".drawn")) resized.observe(drawn);
  find(".check").href = `/verify?queue=${report.queueId}`;
}

function figures(report) {
  const { queueId, access, openedAt, entered, entrants, calledUp, came, noShows, admitted,
    completed } = report;
  const left = leftOf(report);
  const known = (value) => (value === null ? "not known" : number(value));
  const rows = [
    [access === "draw" ? "Draw" : "Queue", queueId],
    ["How it ended", phaseOf(report)],
    ...(openedAt === null ? [] : [["Opened", moment(openedAt)]]),
    ["Entered", number(entered)],
    ["Of them shuffled", number(entrants)],
    ["Called up", number(calledUp)],
    ["Came", number(came)],
    ["Did not come", known(noShows)],
    ["Left before coming", known(left)],
    ["Let in", number(admitted)],
    ...overtakenRows(report),
    ["Orders completed", number(completed)],
    ["Never called up", number(Math.max(0, entered - calledUp))],
  ];
  find("#figures dl").replaceChildren(
    ...rows.map(([name, value]) =>
      element("div", {}, element("dt", {}, name), element("dd", {}, value))
    ),
  );
  show("#figures", true);
}

/** Two rows, where it was counted. */
function overtakenRows({ overtaken }) {
  if (!overtaken) return [];
  return [
    ["Let in ahead of a lower place that still had time to hear", number(overtaken.withinHearing)],
    ["Let in ahead of a lower place that came after its time", number(overtaken.afterHearing)],
  ];
}

// ---- plots

const drawings = new WeakMap(); // how each is drawn, by where it stands

/** Drawings fit their place, whatever its width becomes. */
const resized = new ResizeObserver((entries) => {
  for (const { target, contentRect } of entries) {
    const { draw, label, width } = drawings.get(target);
    const now = Math.floor(contentRect.width);
    if (now === width || now === 0) continue;
    const drawing = draw(now);
    drawing.setAttribute("role", "img");
    drawing.setAttribute("aria-label", label);
    target.replaceChildren(drawing);
    drawings.set(target, { draw, label, width: now });
  }
});

function card({ name, title, words, isOdd, legend, draw, label, table }, { queueId }) {
  const made = element("section", {
    class: "card plot",
    id: name,
    "aria-labelledby": `${name}-heading`,
  });
  made.append(element("h2", { id: `${name}-heading` }, title), element("p", {}, words));
  if (isOdd) {
    const link = element("a", { href: `/verify?queue=${queueId}` }, "check the order");
    made.append(
      element("div", { class: "note warning" },
        element("p", {}, "This table proves nothing by itself, but it calls for a look: ", link,
          ".")),
    );
  }
  if (!draw) return made;
  if (legend.length > 0) {
    made.append(
      element("ul", { class: "legend" }, ...legend.map((one) =>
        element("li", {}, swatch(one), one[1])
      )),
    );
  }
  const drawn = element("div", { class: "drawn" });
  drawings.set(drawn, { draw, label: `${label} The table below has the same numbers.` });
  made.append(drawn,
    element("details", {}, element("summary", {}, "The numbers as a table"), tableOf(table)));
  return made;
}

function tableOf({ caption, head, rows }) {
  const cell = (name, attributes) => (text) => element(name, attributes, text);
  const made = element("table", {}, element("caption", {}, caption));
  made.append(element("thead", {}, element("tr", {}, ...head.map(cell("th", { scope: "col" })))));
  const row = ([first, ...rest]) =>
    element("tr", {}, element("th", { scope: "row" }, first), ...rest.map(cell("td", {})));
  made.append(element("tbody", {}, ...rows.map(row)));
  // It may be wider than a phone: the keyboard must be able to move it.
  return element("div", { class: "scroll", role: "region", tabindex: "0", "aria-label": caption },
    made);
}

// ---- what a visitor does

find("#chosen").addEventListener("change", ({ target }) => {
  const [file] = target.files;
  if (file) openFile(file);
  target.value = ""; // so that the same file can be chosen again
});

find("#again").addEventListener("click", () => {
  // The button goes, and the focus stays where it was.
  find("#verdict h2").focus();
  fetchReport();
});

// Files may be dropped anywhere: one that misses would otherwise replace the page.
for (const kind of ["dragenter", "dragover", "dragleave", "drop"]) {
  document.addEventListener(kind, (event) => {
    if (!event.dataTransfer?.types.includes("Files")) return;
    event.preventDefault();
    find("#files").classList.toggle("over", kind === "dragenter" || kind === "dragover");
    if (kind === "drop" && event.dataTransfer.files.length > 0) {
      openFile(event.dataTransfer.files[0]);
    }
  });
}

for (const part of ["#verdict", "#files", "#limits"]) show(part, true);
if (queue !== undefined) {
  show("#links", true);
  find("#back").href = `/queue/${queue}`;
  find("#raw").href = `/v1/queues/${queue}/fairness`;
  find(".check").href = `/verify?queue=${queue}`;
  fetchReport();
} else {
  standStill(asked === null ? "files" : "unknown");
}
