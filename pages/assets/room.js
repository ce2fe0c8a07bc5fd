// The waiting room in a browser: asks for the status, keeps the page up to date, claims when called
// up and hands over to the checkout. Without it the page's forms do the same by hand. Its sentences
// come from the page (#words, and a template for each state); it stores no ticket and no token.
(() => {
  "use strict";

  const find = (selector) => document.querySelector(selector);
  const room = find("#room");
  const { queue, product, access, opensAt } = room.dataset;
  const numbers = new Intl.NumberFormat(document.documentElement.lang);
  const plurals = new Intl.PluralRules(document.documentElement.lang);
  const words = {};
  for (const one of find("#words").content.children) words[one.dataset.name] = one.textContent;
  const draw = access === "draw";
  const IN_LINE = ["waiting", "sealing", "queued", "ready", "reserve"];
  const STATES = { NOT_SELECTED: "notSelected" };
  const SAME = ["WAITING", "QUEUED", "READY", "LAPSED", "RESERVE"];
  for (const status of SAME) STATES[status] = status.toLowerCase();
  const REFUSALS = { SOLD_OUT: "soldOut", QUEUE_CLOSED: "closed" };

  let state = room.dataset.state;
  let last; // the last status
  let lost = !find("#lost").hidden;
  let failures = 0;
  let timer;
  let due = Infinity; // when the next poll is, while none is under way
  let round = 0; // the poll under way; an older one that comes back late is not heard
  let over = false; // nothing is left to ask
  let entering = false;
  let present = "present" in room.dataset; // claimed, and waits for a free slot
  let manual = false; // the claim was refused in a way that only the shopper can answer
  let claimAgainAt = 0;
  let presentSince = 0; // by the queue's clock: an older status knows nothing of the claim
  let saidCount = Number(room.dataset.count) || Infinity;
  let drawn = "drawn" in room.dataset; // the order is, and can be checked

  const fill = (sentence, values) => sentence.replace(/\{(\w+)\}/g, (_, name) => values[name]);
  const inLine = () => IN_LINE.includes(state);
  const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms));
  const say = (sentence, loudly) => (find(loudly ? "#call" : "#say").textContent = sentence);

  // Not at once after loading: were page and status to disagree, the page would reload without end.
  const reload = () => {
    over = true;
    setTimeout(() => location.reload(), Math.max(0, 5000 - performance.now()));
  };

  // ---- asking

  // Answers with code and body. Throws what time can cure: no network, 429, 5xx, foreign answers.
  async function call(method, path, body) {
    const response = await fetch(`/v1/queues/${queue}/${path}`, {
      method,
      body,
      credentials: "same-origin",
      cache: "no-store",
      headers: body ? { "content-type": "application/json" } : {},
      signal: AbortSignal.timeout?.(15000),
    });
    const code = response.status;
    const answer = await response.json().catch(() => ({}));
    if (code === 429 || code >= 500 || (code === 200 && !answer.status)) {
      const after = Number(response.headers.get("retry-after")) || 0;
      throw Object.assign(new Error(`HTTP ${code}`), { after, code: answer.code });
    }
    return { code, answer };
  }

  // Full jitter from 1 s up to 30 s, on top of what the server asked for.
  function pauseAfter(error) {
    const most = Math.min(30000, 1000 * 2 ** failures);
    failures += 1;
    return (error.after ?? 0) * 1000 + Math.max(1000, Math.random() * most);
  }

  function schedule(ms) {
    clearTimeout(timer);
    due = Date.now() + ms;
    timer = setTimeout(tick, ms);
  }

  // One poll, and a claim where it is time for one. `known`: a status that came another way.
  async function tick(known) {
    const mine = ++round;
    let pause = 5000;
    clearTimeout(timer);
    due = Infinity;
    try {
      const { code, answer } = known ? { code: 200, answer: known } : await call("GET", "status");
      if (over || mine !== round) return;
      const isNew = inLine() || answer.phase !== room.dataset.phase;
      const gone = answer.status === "NOT_QUEUED" && isNew;
      if (code === 200 && !gone) {
        await take(answer);
        failures = 0;
        connection(answer.stale);
        // An end is final but for a restock, a reopening or a reset.
        const rests = !inLine() && answer.status !== "NOT_QUEUED";
        pause = Math.max(1000, answer.pollAfterMs || pause) * (rests ? 4 : 1);
        // The status does not know of the claim: its pause is for a winner who has yet to come.
        if (present && draw) pause = Math.min(pause, 2500);
      } else if (!entering) {
        reload();
      }
    } catch (error) {
      if (over || mine !== round) return;
      connection(true);
      pause = pauseAfter(error);
    }
    if (!over) schedule(pause);
  }

  async function take(status) {
    const before = last?.phase ?? room.dataset.phase;
    const isPlaced = !["WAITING", "CLOSED"].includes(status.status) && status.phase !== "sealing";
    if (isPlaced && (before === "sealing" || state === "waiting")) drawn = true;
    last = status;
    announce(status.notice);
    const next = stateOf(status);
    if (next) show(next);
    if (next === "sealing" && find("#state dl").hidden) sealed();
    const collect = present && status.collect && status.serverTime > presentSince;
    const due = status.phase !== "paused" && Date.now() >= claimAgainAt;
    if (next === "ready" && (collect || (due && !isOffered()))) await claim();
  }

  function stateOf({ status, phase }) {
    const end = { soldOut: phase, closed: phase }[phase];
    // A place in a draw that nobody took is gone with the draw.
    if (status === "CLOSED" || (status === "READY" && end && draw && !present)) return end;
    // Who came in time waits for a slot, also when the time is over.
    if (status === "LAPSED" && present) return "ready";
    return status === "WAITING" && phase === "sealing" ? phase : STATES[status];
  }

  // When the place lapses, in Unix milliseconds, where it does.
  const claimBy = () => (last ? last.claimBy : Number(room.dataset.claimBy) || undefined);

  // Won, and up to the shopper: an admission is too short for a page that nobody looks at.
  const isOffered = () => draw && state === "ready" && !present;

  // Round and list stand in the public snapshot alone. Without them the page says enough.
  async function sealed() {
    const asked = fetch(`/v1/queues/${queue}`).then((response) => response.json());
    const { shuffle } = await asked.catch(() => ({}));
    if (state !== "sealing" || !shuffle?.beaconRound) return;
    show(state, { round: shuffle.beaconRound, root: shuffle.root });
    find("#state dl").hidden = false;
  }

  async function claim() {
    const { code, answer } = await call("POST", "claim");
    if (over) return;
    if (code === 200) return hand(answer);
    if (code === 401) return reload();
    if (code === 410) {
      // What an operator closed may be opened again; what became of an admission stays.
      over = answer.code !== "QUEUE_CLOSED";
      present = false;
      claimAgainAt = Date.now() + 10000;
      return show(REFUSALS[answer.code] ?? "over");
    }
    // Who is present has been heard. The status says when there is something to collect; this is
    // only for the case that it does not.
    claimAgainAt = Date.now() + Math.max(answer.retryAfterMs ?? 0, 10000) * (1 + Math.random() / 5);
    present = code === 202;
    if (present) presentSince = answer.serverTime ?? 0;
    manual = code !== 202 && code !== 409;
    show("ready");
  }

  // ---- the checkout

  function hand({ handoffToken, checkoutUrl, expiresAt }) {
    over = true;
    show("granted", { expires: expiresAt });
    const form = find("#handoff");
    form.elements.handoffToken.value = handoffToken;
    form.action = checkoutUrl;
    // The checkout moved since this page was loaded: a page of now may go there.
    document.addEventListener("securitypolicyviolation", reload);
    proceed();
  }

  // Goes on by itself, once in a minute: a checkout that sends shoppers back here would otherwise
  // send them round and round.
  function proceed() {
    const key = `tidegate-${queue}`;
    let before = 0;
    try {
      before = Number(sessionStorage.getItem(key));
      sessionStorage.setItem(key, Date.now());
    } catch {
      // No storage: the shopper has the button.
      before = Date.now();
    }
    if (Date.now() - before > 60000) find("#handoff").submit();
  }

  // ---- joining

  // The same entry however often it is sent, so a retry cannot cost the place.
  async function enter(form) {
    if (entering) return;
    entering = true;
    const button = form.querySelector("button");
    button.textContent = words.joining;
    button.setAttribute("aria-disabled", "true");
    const hex = (byte) => byte.toString(16).padStart(2, "0");
    const random = () => Array.from(crypto.getRandomValues(new Uint8Array(16)), hex).join("");
    const body = JSON.stringify({ entryKey: form.elements.entryKey?.value || random() });
    for (failures = 0;;) {
      try {
        const { code, answer } = await call("POST", "enter", body);
        if (code !== 200) break;
        keep(answer.receipt);
        entering = over = false;
        present = manual = false;
        failures = claimAgainAt = 0;
        return tick(answer.status);
      } catch (error) {
        // A poll found that an earlier try had arrived.
        if (inLine()) return (entering = false);
        note(error.code === "QUEUE_FULL" ? words.full : words.lostOutside);
        await sleep(pauseAfter(error));
      }
    }
    // Refused: the plain form leads to a page that says why.
    form.submit();
  }

  // For the page that checks the order. It names nobody, and is worth keeping.
  function keep(receipt) {
    try {
      if (receipt) localStorage.setItem(`tidegate-receipt-${queue}`, JSON.stringify(receipt));
    } catch {
      // No storage: the proof after the opening is as good.
    }
  }

  // ---- showing

  function note(sentence) {
    const box = find("#lost");
    if (box.hidden || box.textContent !== sentence) say(sentence);
    box.textContent = sentence;
    box.hidden = false;
  }

  // What the operator says, as it changes.
  function announce(notice) {
    const box = find("#notice");
    const [label, text] = box.children;
    const isSame = text.textContent === (notice?.text ?? "");
    if (isSame && box.matches(notice ? `.${notice.level}` : "*")) return;
    box.hidden = !notice;
    box.className = `note ${notice?.level ?? ""}`;
    label.textContent = words[notice?.level] ?? "";
    text.textContent = notice?.text ?? "";
    if (notice) say(`${label.textContent} ${notice.text}`);
  }

  function connection(isLost) {
    const was = lost;
    lost = isLost;
    if (lost) note(inLine() ? words.lost : words.lostOutside);
    else find("#lost").hidden = true;
    if (was === lost || over) return;
    show(state);
    if (!lost && inLine()) say(words.back);
  }

  function show(next, values = {}) {
    const changed = next !== state;
    if (changed) change(next);
    if (last && STATES[last.status] === next) ({ queued, reserve })[next]?.(values);
    if (lost || holds("paused")) values.wait = words.waitUnknown;
    for (const one of room.querySelectorAll("[data-if]")) one.hidden = !holds(one.dataset.if);
    values.updated = last?.serverTime;
    values.claimBy = claimBy();
    for (const element of document.querySelectorAll("[data-v]")) {
      const value = values[element.dataset.v];
      if (value === undefined) continue;
      if (element.matches("time")) element.dateTime = new Date(value).toISOString();
      else element.textContent = value;
    }
    find("#tide")?.setAttribute("width", values.tide ?? 380);
    times();
    const heading = find("#state h2").textContent;
    const title = "count" in values ? words.titlePlace : words.titleOther;
    document.title = fill(title, { ...values, product, state: heading });
    if (changed) say(heading, state === "ready");
    // Not each step: that would be chatter. The last few of a reserve list are slow, and count.
    const isFar = values.count > saidCount / 2 && !(draw && values.count < 10);
    if (values.count < saidCount && !isFar) {
      saidCount = values.count;
      say(fill(words.say, { ...values, state: heading }));
    }
  }

  function change(next) {
    const box = find("#state");
    const focused = box.contains(document.activeElement);
    box.replaceChildren(find(`#state-${next}`).content.cloneNode(true));
    state = next;
    find("#said")?.remove();
    find("#leave").hidden = !inLine();
    if (focused) find("#state h2").focus();
    if (!inLine()) find("#lost").hidden = true;
    saidCount = Infinity;
  }

  function holds(condition) {
    const phase = last?.phase ?? room.dataset.phase;
    const paused = phase === "paused";
    return {
      paused,
      sealing: phase === "sealing",
      late: last?.serverTime - opensAt > 90000,
      drawn: drawn && !["join", "entryClosed", "granted"].includes(state),
      present: present && !paused,
      called: !present && !paused,
      until: !present && !paused && Boolean(claimBy()),
      kept: !present && !paused && !claimBy(),
      manual: (manual || isOffered()) && !paused,
    }[condition];
  }

  // The same figures as the server writes.
  function queued(values) {
    const { position, ahead, boarding } = last;
    const share = 1 - Math.log1p(ahead) / Math.log1p(Math.max(position, 1));
    values.tide = Math.round(60 + 320 * Math.min(1, Math.max(0, share)));
    values.count = ahead;
    values.ahead = numbers.format(ahead);
    const people = words[`ahead_${plurals.select(ahead)}`] ?? words.ahead_other;
    values.label = ahead ? people : words.aheadNone;
    values.position = numbers.format(position);
    values.wait = wait(last.waitRange ?? { atLeastSeconds: 0, atMostSeconds: null });
    const front = numbers.format(boarding);
    values.front = boarding ? fill(words.front, { front }) : words.frontNone;
  }

  function reserve(values) {
    values.count = last.rank;
    values.rank = numbers.format(last.rank);
    values.need = fill(last.rank > 1 ? words.reserve_other : words.reserve_one, values);
  }

  function wait({ atLeastSeconds: least, atMostSeconds: most }) {
    const write = (sentence, low, high) =>
      fill(sentence, { low: numbers.format(low), high: numbers.format(high) });
    if (most === null || most > 172800) {
      if (least < 120) return words.waitUnknown;
      if (least >= 86400) return words.waitDays;
      if (least < 7200) return write(words.waitLeastMinutes, Math.floor(least / 60), 0);
      return write(words.waitLeastHours, Math.floor(least / 3600), 0);
    }
    if (most <= 60) return words.waitUnder;
    const [between, upTo, unit] = most <= 5400
      ? [words.waitMinutes, words.waitMostMinutes, 60]
      : [words.waitHours, words.waitMostHours, 3600];
    const step = most > 1800 && unit === 60 ? 5 : 1;
    const high = Math.ceil(most / unit / step);
    // A range of nothing would promise too much.
    const low = Math.min(Math.floor(least / unit / step), high - 1);
    return write(low ? between : upTo, low * step, high * step);
  }

  // Times of the server's in UTC become the shopper's own.
  function times() {
    for (const element of document.querySelectorAll("time")) {
      const withDay = { dateStyle: "medium", timeStyle: "short" };
      const style = "day" in element.dataset ? withDay : { timeStyle: "medium" };
      element.textContent = new Date(element.dateTime).toLocaleString([], style);
    }
  }

  // ---- beginning

  times();
  document.addEventListener("submit", (event) => {
    if (!("enter" in event.target.dataset)) return;
    event.preventDefault();
    enter(event.target);
  });
  // Who has just been told something reads it first, and goes on by the button.
  if (find("#handoff")) return find("#said") ? undefined : proceed();
  // A hidden tab's timers may be slow; a shopper who looks again should not wait for them.
  const wake = () => {
    if (!over && !document.hidden && Date.now() >= due) tick();
  };
  document.addEventListener("visibilitychange", wake);
  addEventListener("pageshow", wake);
  addEventListener("online", () => {
    if (failures && due < Infinity) schedule(Math.random() * 1000);
  });
  over = state === "over";
  if (!over) schedule(state === "ready" && !isOffered() ? 0 : Number(room.dataset.pollAfterMs));
})();
