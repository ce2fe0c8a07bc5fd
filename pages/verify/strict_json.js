// JSON as an audit is written, and nothing that merely means the same: no field twice, and numbers
// that are plain integers below 2^53. What `JSON.parse` lets pass could hide an altered byte.

const DEEPEST = 16;
const WHOLE_NUMBER = /0|[1-9]\d*/y;
const IN_STRING = /(?:[^"\\\u0000-\u001f]|\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4}))*/y;
const SPACE = /[ \t\n\r]*/y;
const WORDS = { t: ["true", true], f: ["false", false], n: ["null", null] };

/**
 * Why a text is not such JSON. `fault` says where, with a path as in `groups[3].root`, and none for
 * the whole.
 */
export class JsonError extends Error {
  constructor(what, path, offset) {
    super(`${path || "the text"}: ${what} (at character ${offset + 1})`);
    this.fault = { path, what: `has ${what} (at character ${offset + 1})` };
  }
}

/** The value that `text` holds; objects have no prototype. Throws `JsonError`. */
export function parseStrictly(text) {
  return new Reader(text).whole();
}

export const below = (path, name) => (path ? `${path}.${name}` : name);

class Reader {
  constructor(text) {
    this.text = text;
    this.at = 0;
  }

  whole() {
    const value = this.value("", 0);
    this.space();
    if (this.at < this.text.length) this.fail("something after its end", "");
    return value;
  }

  fail(what, path) {
    throw new JsonError(what, path, this.at);
  }

  space() {
    this.match(SPACE);
  }

  match(pattern) {
    pattern.lastIndex = this.at;
    const found = pattern.exec(this.text);
    if (found !== null) this.at = pattern.lastIndex;
    return found?.[0];
  }

  /** Takes the mark if it is next. */
  took(mark) {
    this.space();
    if (this.text[this.at] !== mark) return false;
    this.at += 1;
    return true;
  }

  value(path, depth) {
    this.space();
    if (depth > DEEPEST) this.fail("too many values inside each other", path);
    const first = this.text[this.at];
    if (first === "{") return this.object(path, depth);
    if (first === "[") return this.list(path, depth);
    if (first === '"') return this.string(path);
    if (first in WORDS) return this.word(path, ...WORDS[first]);
    const digits = this.match(WHOLE_NUMBER);
    if (digits === undefined || /[\d.eE]/.test(this.text.charAt(this.at))) {
      this.fail("neither a plain whole number nor another value", path);
    }
    if (!Number.isSafeInteger(Number(digits))) this.fail("a number of 2^53 or more", path);
    return Number(digits);
  }

  word(path, spelled, value) {
    for (const letter of spelled) {
      if (this.text[this.at] !== letter) {
        this.fail(`something else where ${spelled} should be`, path);
      }
      this.at += 1;
    }
    return value;
  }

  string(path) {
    const start = this.at;
    if (this.text[start] !== '"') this.fail("no string where one should be", path);
    this.at += 1;
    const inside = this.match(IN_STRING);
    if (this.text[this.at] !== '"') {
      this.fail("a string that breaks off, or a character that no string can have", path);
    }
    this.at += 1;
    return inside.includes("\\") ? JSON.parse(this.text.slice(start, this.at)) : inside;
  }

  list(path, depth) {
    const values = [];
    this.at += 1;
    if (this.took("]")) return values;
    do values.push(this.value(`${path}[${values.length}]`, depth + 1)); while (this.took(","));
    if (!this.took("]")) this.fail("a list that goes on without a comma", path);
    return values;
  }

  object(path, depth) {
    const fields = Object.create(null);
    this.at += 1;
    if (this.took("}")) return fields;
    do {
      this.space();
      const name = this.string(path);
      if (name in fields) this.fail("the same field twice", below(path, name));
      if (!this.took(":")) this.fail("no colon after the field's name", below(path, name));
      fields[name] = this.value(below(path, name), depth + 1);
    } while (this.took(","));
    if (!this.took("}")) this.fail("fields that go on without a comma", path);
    return fields;
  }
}
