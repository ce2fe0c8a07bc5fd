// The invariants 1 to 6, judged from outside: what clients were told and what audits showed, held
// against each other. What cannot be concluded for certain is no violation.

import assert from "node:assert/strict";

/** What ends an admission, if it is heard. */
const ENDINGS = ["complete", "release", "leave"];
const ACTIVE = ["admitted", "redeemed"];
/** What of a snapshot never goes back. */
const GROWING = ["entered", "boarding", "admitted", "completed"];
/** How far the client's clock and the queue's may be apart. */
const SKEW_MS = 1_000;
const MINUTE_MS = 60_000;

/** Fails where a journal shows that an invariant did not hold. */
export function assertInvariants(journal) {
  const found = violations(journal);
  assert.equal(found.length, 0, [`${found.length} violations`, ...found.slice(0, 20)].join("\n"));
}

/** Every violation that a journal (see `support/journal.mjs`) shows, each with its invariant's name. */
export function violations(journal) {
  assert.ok(journal.audits.length > 0, "a journal without an audit proves nothing");
  const seen = read(journal);
  return Object.entries(INVARIANTS).flatMap(([name, check]) => check(journal, seen).map((what) => `${name}: ${what}`));
}

const INVARIANTS = {
  "unique and dense": uniqueAndDense,
  "real-time order": realTimeOrder,
  "in order": inOrder,
  "never over-admitted": (journal, seen) => [
    ...limitsByAudits(journal),
    ...limitsByTheQueue(journal, seen),
    ...limitsByClients(journal, seen),
  ],
  "one each": oneEach,
  durable: (journal, seen) => [
    ...grows(journal),
    ...journal.audits.flatMap((audit) => survived(audit, seen)),
    ...stayEnded(seen),
  ],
};

const isAcknowledged = ({ status }) => status >= 200 && status < 300;

/** The calls by entry and by what came of them, and the last audit. */
function read({ calls, audits }) {
  const entries = new Map();
  for (const call of calls) {
    const entry = entries.get(call.entry) ?? { name: call.entry, calls: [], firstSent: call.sent };
    entries.set(call.entry, entry);
    entry.calls.push(call);
    entry.firstSent = Math.min(entry.firstSent, call.sent);
  }
  for (const entry of entries.values()) {
    entry.acknowledged = entry.calls.filter(isAcknowledged);
    const entered = entry.acknowledged.filter(({ index }) => index !== undefined);
    entry.index = entered[0]?.index;
    entry.enteredAt = Math.min(...entered.map(({ answered }) => answered));
  }
  const all = [...entries.values()];
  const known = all.filter(({ index }) => index !== undefined);
  const byIndex = new Map(known.map((entry) => [entry.index, entry]));
  return { entries: all, known, byIndex, last: audits.at(-1) };
}

function uniqueAndDense(_, { entries, known, byIndex, last }) {
  const found = [];
  for (const entry of known) {
    const indices = new Set(entry.acknowledged.map(({ index }) => index).filter((index) => index !== undefined));
    if (indices.size > 1) found.push(`entry ${entry.name} was told the indices ${[...indices].join(", ")}`);
    const holder = byIndex.get(entry.index);
    if (holder !== entry) found.push(`index ${entry.index} was given to ${entry.name} and to ${holder.name}`);
    if (entry.index >= last.after.entered) found.push(`index ${entry.index} of ${last.after.entered} entries`);
  }
  // Whoever never heard of their index may have one all the same.
  const missing = last.after.entered - byIndex.size;
  const unheard = entries.length - known.length;
  if (missing > unheard) found.push(`${missing} of ${last.after.entered} indices are nobody's; ${unheard} never heard of theirs`);
  return found;
}

function realTimeOrder(_, { known }) {
  const found = [];
  const byAnswer = known.toSorted((a, b) => a.enteredAt - b.enteredAt);
  let [next, highest] = [0, -1];
  for (const entry of known.toSorted((a, b) => a.firstSent - b.firstSent)) {
    while (byAnswer[next].enteredAt < entry.firstSent) highest = Math.max(highest, byAnswer[next++].index);
    if (entry.index < highest) found.push(`index ${entry.index} was asked for after index ${highest} was answered`);
  }
  return found;
}

/**
 * A grant passes over nobody who was present by the queue's own clock. Within one millisecond nothing
 * can be concluded.
 */
function inOrder(_, { known, last }) {
  const admittedAt = new Map(last.admissions.map(({ position, admittedAt }) => [position - 1, admittedAt]));
  const spans = known.flatMap((entry) => presence(entry, admittedAt.get(entry.index), last.after.serverTime));
  const grants = [...admittedAt].map(([index, at]) => ({ index, at })).toSorted((a, b) => a.at - b.at);
  spans.sort((a, b) => a.from - b.from);
  const found = [];
  let [next, present] = [0, []];
  for (const { index, at } of grants) {
    while (next < spans.length && spans[next].from < at) present.push(spans[next++]);
    present = present.filter(({ until }) => at < until);
    const passed = present.find((span) => span.index < index);
    if (passed) found.push(`index ${index} was admitted while ${passed.index} was present`);
  }
  return found;
}

/** When an entry was present for certain: from its first answer 202 until its admission. */
function presence({ index, calls }, admittedAt, end) {
  const seen = calls.filter(({ presentAt }) => presentAt !== undefined).map(({ presentAt }) => presentAt);
  if (seen.length === 0) return [];
  const left = calls.some(({ verb }) => verb === "leave");
  const until = admittedAt ?? (left ? Math.max(...seen) : end);
  return [{ index, from: Math.min(...seen), until }];
}

function limitsByAudits({ limits, audits }) {
  const { maxActive = Infinity, maxAdmissions = Infinity } = limits;
  const snapshots = audits.flatMap(({ before, after }) => [before, after]);
  return snapshots.flatMap(({ active, completed }) => [
    ...(active > maxActive ? [`${active} active in a snapshot`] : []),
    ...(completed + active > maxAdmissions ? [`${completed} completed and ${active} active in a snapshot`] : []),
  ]);
}

/** The live set over time, as the last audit's admissions have it. An ended one's `expiresAt` is its end. */
function limitsByTheQueue({ limits }, { byIndex, last }) {
  const { maxActive = Infinity, maxAdmissions = Infinity, admitRatePerMinute = Infinity } = limits;
  const held = last.admissions.map((admission) => ({ from: admission.admittedAt, to: heldUntil(admission, byIndex) }));
  const completed = last.admissions.filter(({ state }) => state === "completed");
  const taken = [...held, ...completed.map(({ expiresAt }) => ({ from: expiresAt, to: Infinity }))];
  const granted = last.admissions.map(({ admittedAt }) => ({ from: admittedAt, to: admittedAt + MINUTE_MS }));
  const found = [];
  if (mostAtOnce(held) > maxActive) found.push(`${mostAtOnce(held)} admissions at once`);
  if (mostAtOnce(taken) > maxAdmissions) found.push(`${mostAtOnce(taken)} admissions completed or active at once`);
  if (mostAtOnce(granted) > admitRatePerMinute) found.push(`${mostAtOnce(granted)} admissions within a minute`);
  return found;
}

/** Until when an admission took a slot: a late completion ends one whose time, as its client was told, had run out before. */
function heldUntil({ state, position, expiresAt }, byIndex) {
  if (state !== "completed") return expiresAt;
  const told = byIndex.get(position - 1)?.acknowledged.filter(({ verb }) => verb !== "complete") ?? [];
  return Math.min(expiresAt, Math.max(...told.map((call) => call.expiresAt ?? 0)));
}

/** What clients held for certain: from the answer that granted it until they sent what ends it, or its time ran out. */
function limitsByClients({ limits }, { known }) {
  const { maxActive = Infinity, maxAdmissions = Infinity } = limits;
  const spans = known.flatMap((entry) => {
    const grant = entry.acknowledged.find(({ admissionId }) => admissionId !== undefined);
    if (grant === undefined) return [];
    const ending = entry.calls.find(({ verb, sent }) => ENDINGS.includes(verb) && sent > grant.answered);
    const lapses = Math.max(...entry.acknowledged.map(({ expiresAt }) => expiresAt ?? 0)) - SKEW_MS;
    return [{ from: grant.answered, to: Math.min(ending?.sent ?? Infinity, lapses) }];
  });
  const most = mostAtOnce(spans);
  const completed = known.filter(hasCompleted).length;
  const found = [];
  if (most > maxActive) found.push(`clients held ${most} admissions at once`);
  if (completed > maxAdmissions) found.push(`clients completed ${completed} admissions`);
  return found;
}

const hasCompleted = ({ acknowledged }) => acknowledged.some(({ verb, state }) => verb === "complete" && state === "completed");

/** How many of `spans` (`{from, to}`, the end not included) overlap at most. */
export function mostAtOnce(spans) {
  const lasting = spans.filter(({ from, to }) => from < to);
  const edges = lasting.flatMap(({ from, to }) => [[from, 1], [to, -1]]);
  // At the same moment, an end comes before a beginning: the slot is free, then given.
  edges.sort(([a, up], [b, down]) => a - b || up - down);
  let [now, most] = [0, 0];
  for (const [, step] of edges) {
    now += step;
    most = Math.max(most, now);
  }
  return most;
}

function oneEach(_, { known, byIndex, last }) {
  const found = [];
  const holders = new Map();
  for (const entry of known) {
    const ids = new Set(entry.acknowledged.map(({ admissionId }) => admissionId).filter((id) => id !== undefined));
    if (ids.size > 1) found.push(`entry ${entry.name} was given the admissions ${[...ids].join(", ")}`);
    for (const id of ids) {
      if (holders.has(id)) found.push(`admission ${id} was given to ${holders.get(id)} and to ${entry.name}`);
      holders.set(id, entry.name);
    }
    const redemptions = entry.acknowledged.filter(({ verb }) => verb === "redeem");
    const keys = new Set(redemptions.map(({ key }) => key));
    if (keys.size > 1) found.push(`entry ${entry.name} was redeemed under the keys ${[...keys].join(", ")}`);
  }
  const listed = new Set();
  for (const { admissionId, position } of last.admissions) {
    if (listed.has(admissionId)) found.push(`admission ${admissionId} is listed twice`);
    listed.add(admissionId);
    const claimed = byIndex.get(position - 1)?.calls.some(({ verb }) => verb === "claim");
    if (!claimed) found.push(`index ${position - 1} was admitted, and nobody claimed it`);
  }
  return found;
}

/** Counters never go back, and what an admission's record says once it says for good. */
function grows({ audits }) {
  const found = [];
  const snapshots = audits.flatMap(({ before, after }) => [before, after]);
  for (const [number, later] of snapshots.entries()) {
    const earlier = snapshots[number - 1] ?? later;
    for (const field of GROWING) {
      if (later[field] < earlier[field]) found.push(`${field} went back from ${earlier[field]} to ${later[field]}`);
    }
  }
  const known = new Map();
  for (const admission of audits.flatMap(({ admissions }) => admissions)) {
    const { admissionId, admittedAt, redeemedAt } = admission;
    const earlier = known.get(admissionId) ?? admission;
    if (admittedAt !== earlier.admittedAt) found.push(`admission ${admissionId} was given anew at ${admittedAt}`);
    if (earlier.redeemedAt && redeemedAt !== earlier.redeemedAt) found.push(`the redemption of ${admissionId} changed`);
    known.set(admissionId, admission);
  }
  return found;
}

/** Everything that was acknowledged before an audit is in it. */
function survived({ sent, before, admissions, after }, { known }) {
  const found = [];
  const listed = new Map(admissions.map((admission) => [admission.position - 1, admission]));
  const completed = admissions.filter(({ state }) => state === "completed").length;
  for (const [name, low, count, high] of [
    ["admitted", before.admitted, admissions.length, after.admitted],
    ["completed", before.completed, completed, after.completed],
  ]) {
    if (count < low || count > high) found.push(`${count} ${name} by the list, ${low} to ${high} by the count`);
  }
  for (const entry of known) {
    const past = entry.acknowledged.filter(({ answered }) => answered < sent);
    if (past.some(({ verb }) => verb === "enter") && entry.index >= before.entered) {
      found.push(`index ${entry.index} is lost: ${before.entered} have entered`);
    }
    const now = listed.get(entry.index);
    for (const call of past) {
      const lost = lostOf(call, now, entry);
      if (lost) found.push(`index ${entry.index}: ${lost}`);
    }
  }
  return found;
}

/** What `admission` (the entry's, if any) lacks of what `call` was told. */
function lostOf({ verb, admissionId, state }, admission, entry) {
  if (admissionId !== undefined && admission?.admissionId !== admissionId) return `its admission ${admissionId} is lost`;
  if (verb === "redeem" && !admission.redeemedAt) return "its redemption is lost";
  if (verb === "leave" && ACTIVE.includes(admission?.state)) return `it was left, and is ${admission.state}`;
  if (state === undefined || state === admission.state) return undefined;
  // A completion that comes late still counts.
  const paid = state !== "completed" && admission.state === "completed" && entry.calls.some((call) => call.verb === "complete");
  return paid ? undefined : `it was ${state}, and is ${admission.state}`;
}

/** Whoever left, or was done, is not served again under the same entry. */
function stayEnded({ known }) {
  return known.flatMap(({ name, acknowledged }) => {
    const ended = Math.min(...acknowledged.filter(({ verb }) => ENDINGS.includes(verb)).map(({ answered }) => answered));
    const served = acknowledged.some(({ verb, sent }) => verb === "claim" && sent > ended);
    return served ? [`entry ${name} had ended, and was served again`] : [];
  });
}
