// What the page says. The verifier's own words name fields; these say what they mean to a shopper.

/** By the name of a check: its title, and a sentence for each outcome. */
export const CHECKS = {
  format: {
    title: "The audit is whole",
    ok: "All that an audit must say is there, in the form that it must have.",
    failed: "The audit is not in the form that it must have.",
  },
  statement: {
    title: "It is signed",
    ok: "A signature covers these very figures.",
    failed: "The figures are not those that were signed.",
  },
  key: {
    title: "The signature is the shop’s",
    ok: "The key that signed is one that this shop publishes.",
    failed: "The key that signed is not one that this shop publishes.",
    "not checked": "The keys that the shop publishes could not be looked at.",
  },
  commitment: {
    title: "The secret was fixed beforehand",
    ok: "The secret is the one that the shop had committed to before anybody entered.",
    failed: "The secret is not the one that the shop had committed to.",
  },
  groups: {
    title: "Everybody is in the log, once",
    ok: "The log gives each entrant one number, leaves none out and gives none twice.",
    failed: "The log of who entered does not add up.",
  },
  root: {
    title: "The log is the one that was sealed",
    ok: "It is the log that was sealed at the opening, before anybody could know the order.",
    failed: "It is not the log that was sealed at the opening.",
  },
  beacon: {
    title: "Public randomness had its part",
    ok: "A public random number decided with the secret. Nobody could know it when the entrants " +
      "were fixed, nor choose it.",
    failed: "The public random number is not the one that had to be taken.",
    "not checked": "This queue did not use any.",
  },
  seed: {
    title: "The seed was not chosen",
    ok: "The number that drove the shuffle follows from all of this, and from nothing else.",
    failed: "The number that drove the shuffle does not follow from what was published.",
  },
  places: {
    title: "The shuffle was repeated",
    ok: "Your device shuffled everybody again, and each position was given once.",
    failed: "The shuffle does not give each position once.",
    "not checked":
      "There are too many entrants to shuffle them all here. Single positions were computed.",
  },
  receipt: {
    title: "Your receipt",
    ok: "What the shop promised when you entered stands in the log.",
    failed:
      "What the shop promised when you entered is not what it published, or the receipt was " +
      "altered. Keep it: it is evidence.",
    "not checked": "",
  },
  proof: {
    title: "Your own place",
    ok: "Your entry is in the log, and the shuffle gives it the position that you were told.",
    failed: "Your entry, or the position that you were told, is not what was published.",
    "not checked": "",
  },
};

const UNREAD = "This could not be checked, since the audit is not in its form.";

export const sentenceOf = (
  { name, outcome },
  read,
) => (read ? CHECKS[name][outcome] : outcome === "failed" ? CHECKS[name].failed : UNREAD);

export const TRUST = {
  operator: {
    level: "warning",
    label: "You trust the shop in one thing.",
    text: "This queue used no public randomness (trust: operator). The shop could not change the " +
      "order afterwards, and it " +
      "could not fit its secret to who entered. But it alone knew the secret: it could have put " +
      "in entries of its own " +
      "until the order suited it, and known everybody’s place as soon as entry ended.",
  },
  beacon: {
    level: "",
    label: "Nobody could choose the order.",
    text:
      "Part of the seed is a public random number, made by drand’s network after the entrants " +
      "were fixed (trust: beacon). " +
      "Not even the shop could know it by then.",
  },
};

/** What earlier epochs of the queue mean; nothing where there were none that opened. */
export function earlierOf({ epochs, earlierEpochs }) {
  const opened = epochs.filter((one) => one.opened).length;
  if (opened === 0 && earlierEpochs === epochs.length) return undefined;
  const count = earlierEpochs === 1 ? "1 earlier epoch" : `${number(earlierEpochs)} earlier epochs`;
  const listed = epochs.length < earlierEpochs ? `of the ${number(epochs.length)} listed ` : "";
  return `It had ${count}, of which ${number(opened)} ${listed}had opened. ` +
    "A reset after the opening draws anew: ask the shop why.";
}

export const number = new Intl.NumberFormat("en").format;
const list = new Intl.ListFormat("en");

export const BUSY = {
  fetching: { heading: "Fetching the audit …", lead: "" },
  checking: { heading: "Checking …", lead: "Your device repeats what the shop did." },
};

/** How things stand where there is nothing to check. */
export const STANDING = {
  files: {
    heading: "Nothing checked yet",
    lead: "Choose the audit of an opening below. The waiting room links here, too.",
  },
  early: {
    heading: "Too early",
    lead:
      "The queue has not opened. Until then nobody has a place, and there is nothing to check. " +
      "What the shop has committed to is public already: note it, and compare it later.",
  },
  unknown: { heading: "No such queue", lead: "This shop has no queue of that name." },
  lost: {
    heading: "No audit came",
    lead:
      "The shop could not be reached, or it answered something else. It keeps the audit: look " +
      "again in a while.",
  },
  broken: {
    heading: "This browser could not check",
    lead:
      "It stopped half-way. A recent browser can do it, and so does the command tidegate verify.",
  },
};

/** The verdict in words, of what `verify` answered. */
export function verdictOf({ verdict, failed, summary }) {
  if (verdict === "VERIFIED") {
    const { entrants } = summary;
    if (entrants === 0) {
      return {
        state: "verified",
        heading: "Nobody to shuffle",
        lead:
          "Nobody had entered before this queue opened. Those who came after stand in the order " +
          "of entry.",
      };
    }
    const who = entrants === 1 ? "the one person who" : `all ${number(entrants)} who`;
    return {
      state: "verified",
      heading: "Verified",
      lead:
        `The order of ${who} entered before the opening is the one that the published figures ` +
        "give.",
    };
  }
  return {
    state: "failed",
    heading: "Failed",
    lead: `Something does not hold: ${list.format(failed)} failed. ` +
      "Keep what you have, and ask the shop to explain.",
  };
}

/** What is known of the holder of a receipt or a proof: `[figure, words]`. */
export function ownOf({ own, summary: { entrants, winners } }) {
  const won = winners === null
    ? ""
    : own.position <= winners
    ? `, among the ${number(winners)} that won`
    : `, behind the ${number(winners)} that won`;
  return [number(own.position), `is your position of ${number(entrants)}${won}`];
}

export const LATE =
  "You are not in this log: you entered after the opening, and stand behind everybody in it in " +
  "the order of entry; or you left.";

/** What stands at a position that was looked at. */
export function lookedOf({ position, index, group, lane, place }, entrants) {
  if (index === undefined) return `There is no position but 1 to ${number(entrants)}.`;
  return `Position ${number(position)} is entry ${number(index)}: number ${number(place + 1)} of ` +
    `groups[${group}], which came through lane ${lane}.`;
}
