// What a refusal must look like: RFC 9457 with Tidegate's codes.

import assert from "node:assert/strict";

const STATUS = {
  VALIDATION_ERROR: 400,
  UNAUTHORIZED: 401,
  TICKET_VOID: 401,
  FORBIDDEN: 403,
  NOT_FOUND: 404,
  QUEUE_NOT_FOUND: 404,
  METHOD_NOT_ALLOWED: 405,
  NOT_YET_SERVED: 409,
  ALREADY_REDEEMED: 409,
  PAUSED: 409,
  CONFLICT: 409,
  ADMISSION_EXPIRED: 410,
  QUEUE_CLOSED: 410,
  SOLD_OUT: 410,
  PAYLOAD_TOO_LARGE: 413,
  NOT_OPEN: 423,
  QUEUE_FULL: 429,
  SERVICE_UNAVAILABLE: 503,
};
const RETRYABLE = ["NOT_YET_SERVED", "PAUSED", "NOT_OPEN", "QUEUE_FULL", "SERVICE_UNAVAILABLE"];
const WITH_RETRY_AFTER = [423, 429, 503];

/** Checks that `reply` is the refusal `code`, in every part; `says` must be in its detail. */
export function assertProblem(reply, code, says) {
  const status = STATUS[code];
  assert.equal(reply.json?.code, code, `${reply.status} ${reply.text}`);
  assert.equal(reply.status, status);
  assert.equal(reply.headers.get("content-type"), "application/problem+json");
  assert.equal(reply.headers.get("cache-control"), "no-store");
  const { type, title, detail, requestId, retryAfterSeconds, ...rest } = reply.json;
  assert.deepEqual(rest, { status, code, retryable: RETRYABLE.includes(code) });
  assert.equal(type, `urn:tidegate:problem:${code.toLowerCase().replaceAll("_", "-")}`);
  for (const text of [title, detail, requestId]) {
    assert.ok(typeof text === "string" && text !== "", reply.text);
  }
  assert.equal(reply.headers.get("x-request-id"), requestId);
  if (WITH_RETRY_AFTER.includes(status)) {
    assert.ok(Number.isInteger(retryAfterSeconds) && retryAfterSeconds > 0, reply.text);
    assert.equal(reply.headers.get("retry-after"), String(retryAfterSeconds));
  } else {
    assert.equal(retryAfterSeconds, undefined);
    assert.equal(reply.headers.get("retry-after"), null);
  }
  if (status === 401) assert.equal(reply.headers.get("www-authenticate"), "Bearer");
  if (says !== undefined) assert.ok(detail.includes(says), `"${detail}" does not say "${says}"`);
}
