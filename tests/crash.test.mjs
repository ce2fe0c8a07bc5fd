// workerd killed with -9 again and again while a whole launch goes on, and the invariants held
// against everything that was acknowledged. The usual run is small; TIDEGATE_LONG=1 makes it 20,000
// shoppers. TEST_SEED repeats a run's behaviours and the progress at which workerd is killed.

import assert from "node:assert/strict";
import { test } from "node:test";
import { setTimeout as pause } from "node:timers/promises";

import { Crowd, News } from "./support/crowd.mjs";
import { Journal } from "./support/journal.mjs";
import { seededRandom } from "./support/random.mjs";
import { forEachAtOnce, until } from "./support/until.mjs";
import { startWorld } from "./support/world.mjs";

const SHOPPERS = process.env.TIDEGATE_LONG ? 20_000 : 4_000;
const KILLS = 10;
/** Half of them can buy: at the end the stock is the limit, before it the slots are. */
const LIMITS = { maxActive: 100, maxAdmissions: SHOPPERS / 2 };
const ENTERING_AT_ONCE = 100;
/** Places that are looked up again after a kill. */
const LOOKED_UP = 30;
/** A bound, not an expectation. */
const LONGEST_MS = 900_000;

test("workerd killed ten times in a launch loses, repeats, over-admits none", async (context) => {
  const random = seededRandom(context);
  const world = await startWorld();
  const queue = await world.createSettledQueue({ ...LIMITS, handoffSeconds: 12, lanes: 8 });
  const journal = new Journal(LIMITS);
  const news = new News(queue);
  const crowd = new Crowd(queue, journal, news, random);
  const following = news.follow();

  let progress = 0;
  const visits = [];
  const launch = async () => {
    const enter = (_, number) =>
      new Promise((entered, failed) => {
        const visit = crowd.visit(number, () => entered(progress++)).then(() => progress++);
        visits.push(visit);
        visit.catch(failed);
      });
    await forEachAtOnce(Array.from({ length: SHOPPERS }), ENTERING_AT_ONCE, enter);
    await Promise.all(visits);
  };

  let [isOver, kills, killsSeen] = [false, 0, 0];
  const crashes = async () => {
    // A visit counts twice: when it has a place, and when it ends. The last ones end all together.
    const moments = Array.from({ length: KILLS }, () => Math.floor(random() * SHOPPERS * 1.6));
    for (const moment of moments.toSorted((a, b) => a - b)) {
      const isTime = () => isOver || progress >= moment;
      await until("the moment of the next kill", isTime, { withinMs: LONGEST_MS, everyMs: 5 });
      await pause(random() * 50);
      if (isOver) return;
      await world.crash();
      kills++;
    }
  };

  /**
   * After a kill: everything that the operator sees, and some whose place must not have changed.
   */
  const lookAround = async () => {
    // Another kill may fall into an audit: then it begins anew.
    const audited = () => journal.audit(queue).then(() => true, () => false);
    await until("an audit", audited, { withinMs: LONGEST_MS, everyMs: 100 });
    const some = crowd.absent.toSorted(() => random() - 0.5).slice(0, LOOKED_UP);
    await forEachAtOnce(some, 10, ({ entry, entryKey }) => crowd.enter(entry, entryKey));
  };
  const audits = async () => {
    while (!isOver) {
      await until("another kill", () => isOver || kills > killsSeen, { withinMs: LONGEST_MS });
      killsSeen = kills;
      await lookAround();
    }
  };

  const everything = Promise.all([launch().finally(() => (isOver = true)), crashes(), audits()]);
  await everything.finally(() => news.stop());
  await following;
  await until("the last admission has ended", async () => (await queue.snapshot()).active === 0, {
    withinMs: LONGEST_MS,
  });
  await forEachAtOnce(crowd.absent, 20, ({ entry, entryKey }) => crowd.enter(entry, entryKey));
  await lookAround();

  const count = (isSuch) => journal.calls.filter(isSuch).length;
  const entered = count(({ verb, status }) => verb === "enter" && status === 200);
  const unanswered = count(({ status }) => status === undefined);
  const present = count(({ status }) => status === 202);
  const audited = journal.audits.length;
  context.diagnostic(
    JSON.stringify({
      calls: journal.calls.length,
      entered,
      unanswered,
      present,
      audited,
      ...crowd.outcomes,
    }),
  );
  assert.equal(kills, KILLS, "all of them while it went on");
  assert.ok(unanswered > 0, "kills met calls under way");
  assert.ok(present > 0, "some waited for their admission");
  assert.ok(entered >= SHOPPERS);
  await journal.assertKept();
  assert.equal(journal.audits.at(-1).after.completed, LIMITS.maxAdmissions,
    "all of the stock was sold");
});
