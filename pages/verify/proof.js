// A proof: the way from a shopper's own entry to its group, and from there to the root of the log.

import { COUNT, LANE } from "./audit.js";
import { fromHex, toHex } from "./bytes.js";
import { groupLeaf } from "./log.js";
import { leafHash, rootByPath } from "./merkle.js";
import { notChecked, failed, ok } from "./outcome.js";
import { ENTRY_LEAF, PATH, readStrictly, unlike } from "./receipt.js";
import { hex, integer, inWords, object, within } from "./shape.js";
import { positionOf } from "./shuffle.js";

const PROOF = object({
  leaf: ENTRY_LEAF,
  index: integer(),
  position: integer(),
  path: PATH,
  group: object({
    lane: LANE,
    sequence: integer(),
    first: integer(),
    granted: COUNT,
    count: COUNT,
    root: hex(32),
    number: integer(),
  }),
  groupPath: PATH,
  groups: integer(),
  root: hex(32),
  place: COUNT,
  shopper: hex(16),
});

export function checkProof({ audit, proof: text, own }) {
  if (text === undefined) return notChecked("no proof was given");
  const { value: proof, faults } = readStrictly(text, PROOF);
  if (faults.length === 0) {
    faults.push(...unlike(proof, proof.group, audit.epoch), ...unlikeLog(proof, audit));
  }
  if (faults.length > 0) return failed(inWords(within("proof", faults)));
  own.index = proof.index;
  own.position = proof.position;
  return ok(
    `entry ${proof.index} is in the log, in groups[${proof.group.number}], and stands at ` +
      `position ${proof.position}`,
  );
}

/** What is wrong with a proof's group, and with its figures, against the audit. */
function unlikeLog({ group, groupPath, groups, root, index, place, position }, audit) {
  const faults = [];
  const logged = audit.groups[group.number];
  if (logged === undefined) {
    faults.push({
      path: "group.number",
      what: `is ${group.number}, of ${audit.groups.length} groups`,
    });
  } else {
    for (const field of ["lane", "sequence", "first", "granted", "root"]) {
      if (group[field] !== logged[field]) {
        faults.push({
          path: `group.${field}`,
          what: `differs from groups[${group.number}].${field}`,
        });
      }
    }
  }
  if (groups !== audit.groups.length) {
    faults.push({ path: "groups", what: `is ${groups}, and the log has ${audit.groups.length}` });
  }
  if (root !== audit.root) faults.push({ path: "root", what: "differs from the audit's" });
  const led = rootByPath(leafHash(groupLeaf(group, audit.epoch)), group.number, groups,
    groupPath.map(fromHex));
  if (led === undefined) {
    faults.push({ path: "groupPath", what: `does not fit group ${group.number} of ${groups}` });
  } else if (toHex(led) !== root) {
    faults.push({ path: "groupPath", what: "does not lead from the group to the root" });
  }
  if (index !== group.first + place) {
    faults.push({
      path: "index",
      what: `is ${index}, and group.first and place make ${group.first + place}`,
    });
  }
  if (index >= audit.entrants) {
    faults.push({ path: "index", what: `is ${index}, of ${audit.entrants} entrants` });
  } else {
    const computed = positionOf(index, audit.entrants, audit.seed) + 1;
    if (position !== computed) {
      faults.push({ path: "position", what: `is ${position}, and the shuffle gives ${computed}` });
    }
  }
  return faults;
}
