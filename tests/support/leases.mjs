// Leases as lanes ask for them, without shoppers: a call that a real lane made, sent again and again with
// other numbers. It is taken as it travelled, so that only their places in it are known here
// (core/src/wire.rs: postcard in base64url; a lease ends with lane, sequence, count and root).

import assert from "node:assert/strict";

/** How a root travels: its length, and 64 characters. */
const ROOT_BYTES = 65;

const varint = (value) => {
  const bytes = [];
  for (; value > 127; value = Math.floor(value / 128)) bytes.push((value % 128) + 128);
  return Buffer.from([...bytes, value]);
};

/** Takes a lane's first lease, of one entry. Returns `{lane, leaseOf}`: that lane, and `(lane, sequence) => call`. */
export function leasesLike(call) {
  const dot = call.lastIndexOf(".");
  const [label, body] = [call.slice(0, dot + 1), Buffer.from(call.slice(dot + 1), "base64url")];
  assert.ok(label.startsWith("Lease."), label);
  const end = body.subarray(-ROOT_BYTES);
  assert.match(end.toString("latin1"), /^@[0-9a-f]{64}$/);
  const [begin, numbers] = [body.subarray(0, -ROOT_BYTES - 3), body.subarray(-ROOT_BYTES - 3, -ROOT_BYTES)];
  const [lane, ...rest] = numbers;
  assert.deepEqual(rest, [1, 1], "sequence and count");
  const leaseOf = (lane, sequence) => label + Buffer.concat([begin, varint(lane), varint(sequence), Buffer.of(1), end]).toString("base64url");
  assert.equal(leaseOf(lane, 1), call);
  return { lane, leaseOf };
}
