// Leases as lanes ask for them, without shoppers: a call that a real lane made, sent again and
// again with other numbers. It is taken as it travelled, so that only their places in it are known
// here (core/src/wire.rs: postcard in base64url, and the length of the fields before them; a lease
// ends with lane, sequence, count and root).

import assert from "node:assert/strict";

/** How a root travels: its length, and 32 bytes. */
const ROOT_BYTES = 33;

const varint = (value) => {
  const bytes = [];
  for (; value > 127; value = Math.floor(value / 128)) bytes.push((value % 128) + 128);
  return Buffer.from([...bytes, value]);
};

/**
 * Takes a lane's first lease, of one entry. Returns `{lane, leaseOf}`: that lane, and `(lane,
 * sequence) => call`.
 */
export function leasesLike(call) {
  const dot = call.lastIndexOf(".");
  const [label, body] = [call.slice(0, dot + 1), Buffer.from(call.slice(dot + 1), "base64url")];
  assert.ok(label.startsWith("Lease."), label);
  // Which call, and which event; then the fields, after their length.
  const [which, length, fields] = [body.subarray(0, 2), body[2], body.subarray(3)];
  assert.equal(length, fields.length, "the length of the fields");
  const end = fields.subarray(-ROOT_BYTES);
  assert.equal(end[0], ROOT_BYTES - 1, "the length of the root");
  const [begin, numbers] = [fields.subarray(0, -ROOT_BYTES - 3),
    fields.subarray(-ROOT_BYTES - 3, -ROOT_BYTES)];
  const [lane, ...rest] = numbers;
  assert.deepEqual(rest, [1, 1], "sequence and count");
  const leaseOf = (lane, sequence) => {
    const fields = Buffer.concat([begin, varint(lane), varint(sequence), Buffer.of(1), end]);
    return label + Buffer.concat([which, varint(fields.length), fields]).toString("base64url");
  };
  assert.equal(leaseOf(lane, 1), call);
  return { lane, leaseOf };
}
