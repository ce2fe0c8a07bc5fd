// The judge of journals is itself on trial: a journal in which all went well has no violation, and each
// thing that could go wrong is found, under the name of its invariant.

import assert from "node:assert/strict";
import { test } from "node:test";

import { mostAtOnce, violations } from "./support/invariants.mjs";

const LIMITS = { maxActive: 2, maxAdmissions: 3, admitRatePerMinute: 4 };
/** The beginning of the story; times are counted from it. */
const T = 1_795_000_000_000;

/** A call of entry `entry`, answered 10 ms after it was sent. */
const call = (verb, entry, at, status, said = {}) => ({ verb, entry, sent: T + at, answered: T + at + 10, status, ...said });
const lost = (verb, entry, at) => ({ verb, entry, sent: T + at });
const admission = (index, state, admittedAt, expiresAt, redeemedAt) => ({
  admissionId: `e-${index}`,
  position: index + 1,
  state,
  admittedAt: T + admittedAt,
  expiresAt: T + expiresAt,
  redeemedAt: redeemedAt === undefined ? null : T + redeemedAt,
});
const audit = (at, before, admissions, after = before) => ({
  sent: T + at,
  answered: T + at + 10,
  before: { ...before, serverTime: T + at },
  admissions,
  after: { ...after, serverTime: T + at + 10 },
});

/**
 * Two slots. a and b have them, c and d wait; b buys and c is next; a gives up and d is next. e leaves
 * the line and enters anew, as f.
 */
function good() {
  return {
    limits: { ...LIMITS },
    calls: [
      lost("enter", "a", 0),
      call("enter", "a", 20, 200, { index: 0 }),
      call("enter", "b", 40, 200, { index: 1 }),
      call("enter", "c", 60, 200, { index: 2 }),
      call("enter", "d", 80, 200, { index: 3 }),
      call("enter", "e", 100, 200, { index: 4 }),
      call("leave", "e", 120, 204),
      call("enter", "f", 140, 200, { index: 5 }),
      call("claim", "a", 1_000, 200, { admissionId: "e-0", expiresAt: T + 121_000 }),
      call("claim", "b", 1_020, 200, { admissionId: "e-1", expiresAt: T + 121_020 }),
      call("claim", "d", 1_040, 202, { presentAt: T + 1_045 }),
      call("claim", "c", 1_060, 202, { presentAt: T + 1_065 }),
      call("redeem", "b", 1_080, 200, { key: "1", admissionId: "e-1", expiresAt: T + 601_000 }),
      call("redeem", "b", 1_090, 409, { key: "2", code: "ALREADY_REDEEMED" }),
      call("complete", "b", 3_000, 200, { admissionId: "e-1", state: "completed", expiresAt: T + 3_005 }),
      call("claim", "c", 3_020, 200, { admissionId: "e-2", expiresAt: T + 123_000 }),
      call("leave", "a", 4_000, 204),
      call("claim", "d", 4_020, 200, { admissionId: "e-3", expiresAt: T + 124_000 }),
      call("claim", "b", 5_000, 410, { code: "ADMISSION_EXPIRED" }),
      call("enter", "f", 5_020, 200, { index: 5 }),
    ],
    audits: [
      audit(2_000, { entered: 6, boarding: 4, admitted: 2, active: 2, completed: 0 }, [
        admission(0, "admitted", 1_005, 121_000),
        admission(1, "redeemed", 1_025, 601_000, 1_085),
      ]),
      audit(6_000, { entered: 6, boarding: 5, admitted: 4, active: 2, completed: 1 }, [
        admission(0, "left", 1_005, 4_005),
        admission(1, "completed", 1_025, 3_005, 1_085),
        admission(2, "admitted", 3_005, 123_000),
        admission(3, "admitted", 4_005, 124_000),
      ]),
    ],
  };
}

const named = ({ calls }, verb, entry, status = 200) =>
  calls.find((call) => call.verb === verb && call.entry === entry && call.status === status);
const last = ({ audits }) => audits.at(-1);
const bothSnapshots = (audit, changes) => [audit.before, audit.after].forEach((snapshot) => Object.assign(snapshot, changes));

test("a journal in which all went well shows no violation", () => {
  assert.deepEqual(violations(good()), []);
});

test("a journal without an audit is refused", () => {
  assert.throws(() => violations({ ...good(), audits: [] }), /without an audit/);
});

/** What goes wrong, and the violation that must be found: `[what, tamper, expected]`. */
const WRONGS = [
  ["two entries have one index", (journal) => {
    named(journal, "enter", "c").index = 1;
  }, /unique and dense: index 1 was given to/],
  ["an entry is told two indices", (journal) => {
    journal.calls.push(call("enter", "f", 5_100, 200, { index: 6 }));
  }, /unique and dense: entry f was told the indices 5, 6/],
  ["an index is nobody's", (journal) => {
    for (const { before, after } of journal.audits) [before, after].forEach((snapshot) => snapshot.entered++);
  }, /unique and dense: 1 of 7 indices are nobody's/],
  ["an index lies past the last", (journal) => {
    for (const seen of journal.audits) bothSnapshots(seen, { entered: 5 });
  }, /unique and dense: index 5 of 5/],
  ["somebody passes who entered before", (journal) => {
    [named(journal, "enter", "c").index, named(journal, "enter", "d").index] = [3, 2];
  }, /real-time order: index 2 was asked for after index 3/],
  ["a grant passes over somebody present", (journal) => {
    last(journal).admissions[3].admittedAt = T + 3_000;
  }, /in order: index 3 was admitted while 2 was present/],
  ["a grant passes over somebody who is present to the end", (journal) => {
    last(journal).admissions.splice(2, 1);
    journal.calls = journal.calls.filter(({ admissionId }) => admissionId !== "e-2");
    bothSnapshots(last(journal), { admitted: 3 });
  }, /in order: index 3 was admitted while 2 was present/],
  ["a snapshot has too many active", (journal) => {
    last(journal).after.active = 3;
  }, /never over-admitted: 3 active in a snapshot/],
  ["a snapshot has too many taken", (journal) => {
    journal.limits.maxAdmissions = 2;
  }, /never over-admitted: 1 completed and 2 active in a snapshot/],
  ["a slot is given before it is free", (journal) => {
    last(journal).admissions[2].admittedAt = T + 3_004;
  }, /never over-admitted: 3 admissions at once/],
  ["more are taken than there are", (journal) => {
    journal.limits.maxAdmissions = 2;
    bothSnapshots(last(journal), { active: 1 });
  }, /never over-admitted: 3 admissions completed or active at once/],
  ["a minute has too many admissions", (journal) => {
    journal.limits.admitRatePerMinute = 3;
  }, /never over-admitted: 4 admissions within a minute/],
  ["clients hold too many", (journal) => {
    named(journal, "claim", "d").sent = T + 2_900;
    named(journal, "claim", "d").answered = T + 2_950;
  }, /never over-admitted: clients held 3 admissions at once/],
  ["clients complete too many", (journal) => {
    journal.limits.maxAdmissions = 0;
  }, /never over-admitted: clients completed 1 admissions/],
  ["a ticket gets two admissions", (journal) => {
    journal.calls.push(call("claim", "c", 3_100, 200, { admissionId: "e-9", expiresAt: T + 123_000 }));
  }, /one each: entry c was given the admissions e-2, e-9/],
  ["two tickets get one admission", (journal) => {
    journal.calls.push(call("claim", "f", 5_100, 200, { admissionId: "e-3", expiresAt: T + 124_000 }));
  }, /one each: admission e-3 was given to d and to f/],
  ["a token is redeemed twice", (journal) => {
    named(journal, "redeem", "b", 409).status = 200;
  }, /one each: entry b was redeemed under the keys 1, 2/],
  ["an admission is listed twice", (journal) => {
    last(journal).admissions.push(admission(3, "admitted", 4_005, 124_000));
  }, /one each: admission e-3 is listed twice/],
  ["somebody is admitted who never claimed", (journal) => {
    last(journal).admissions.push(admission(5, "expired", 1_005, 1_006));
  }, /one each: index 5 was admitted, and nobody claimed it/],
  ["an entry is lost", (journal) => {
    journal.audits[0].before.entered = 5;
  }, /durable: index 5 is lost: 5 have entered/],
  ["an admission is lost", (journal) => {
    last(journal).admissions.splice(3, 1);
  }, /durable: index 3: its admission e-3 is lost/],
  ["a redemption is lost", (journal) => {
    journal.audits[0].admissions[1].redeemedAt = null;
  }, /durable: index 1: its redemption is lost/],
  ["a completion is lost", (journal) => {
    last(journal).admissions[1].state = "expired";
  }, /durable: index 1: it was completed, and is expired/],
  ["a slot that was left is held again", (journal) => {
    last(journal).admissions[0].state = "admitted";
  }, /durable: index 0: it was left, and is admitted/],
  ["a count forgets admissions", (journal) => {
    bothSnapshots(last(journal), { admitted: 3 });
  }, /durable: 4 admitted by the list, 3 to 3 by the count/],
  ["a count forgets completions", (journal) => {
    bothSnapshots(last(journal), { completed: 0 });
  }, /durable: 1 completed by the list, 0 to 0 by the count/],
  ["boarding goes back", (journal) => {
    bothSnapshots(last(journal), { boarding: 3 });
  }, /durable: boarding went back from 4 to 3/],
  ["an admission is given anew", (journal) => {
    last(journal).admissions[0].admittedAt = T + 1_006;
  }, /durable: admission e-0 was given anew/],
  ["a redemption is repeated", (journal) => {
    last(journal).admissions[1].redeemedAt = T + 1_086;
  }, /durable: the redemption of e-1 changed/],
  ["whoever left is served", (journal) => {
    journal.calls.push(call("claim", "e", 5_100, 202, { presentAt: T + 5_105 }));
  }, /durable: entry e had ended, and was served again/],
];

for (const [what, tamper, expected] of WRONGS) {
  test(`it is found when ${what}`, () => {
    const journal = good();
    tamper(journal);
    const found = violations(journal);
    assert.ok(found.some((violation) => expected.test(violation)), `${expected} is not among ${JSON.stringify(found)}`);
  });
}

/** What looks odd and is allowed, because nothing can be concluded from it for certain. */
const ALLOWED = [
  ["an unheard entry may have an index or none", (journal) => {
    journal.calls.push(lost("enter", "g", 150));
    for (const { before, after } of journal.audits) [before, after].forEach((snapshot) => snapshot.entered++);
  }],
  ["two who entered at the same time stand either way", (journal) => {
    journal.calls.push(call("enter", "g", 160, 200, { index: 7 }), call("enter", "h", 165, 200, { index: 6 }));
    for (const { before, after } of journal.audits) [before, after].forEach((snapshot) => (snapshot.entered = 8));
  }],
  ["whoever comes in the millisecond of a grant may be passed over", (journal) => {
    named(journal, "claim", "c", 202).presentAt = T + 3_005;
    named(journal, "claim", "c").answered = T + 4_050;
    const [, , second, third] = last(journal).admissions;
    [second.admittedAt, third.admittedAt] = [T + 4_005, T + 3_005];
  }],
  ["a completion counts after its time ran out", (journal) => {
    for (const verb of ["claim", "redeem"]) named(journal, verb, "b").expiresAt = T + 2_500;
    last(journal).admissions[2].admittedAt = T + 2_600;
  }],
];

for (const [what, change] of ALLOWED) {
  test(`it is no violation: ${what}`, () => {
    const journal = good();
    change(journal);
    assert.deepEqual(violations(journal), []);
  });
}

test("spans that touch do not overlap", () => {
  assert.equal(mostAtOnce([{ from: 1, to: 3 }, { from: 3, to: 4 }, { from: 2, to: 3 }]), 2);
});
