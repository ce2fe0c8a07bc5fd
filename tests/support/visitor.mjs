// A browser without script: it keeps cookies, follows redirects, sends forms with their Origin.

import assert from "node:assert/strict";

import { send } from "./http.mjs";

const HTML = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8";
const REDIRECTS_MAX = 5;
const ENTITIES = {
  "#34": '"',
  quot: '"',
  "#39": "'",
  "#60": "<",
  lt: "<",
  "#62": ">",
  gt: ">",
  "#38": "&",
  amp: "&",
};

export class Visitor {
  /** Cookies by name. */
  cookies = {};
  /** Every answer so far, redirects included. */
  answers = [];
  /** The last page: `{path, status, text, headers}`. */
  page;
  #url;

  /** A visitor of the site at `url`. */
  constructor(url) {
    this.#url = url;
  }

  /** Opens a page, and whatever it redirects to. */
  async open(path) {
    return this.#go(path, { method: "GET" });
  }

  /** Sends the one form on the page whose action is `action`, with its own fields. */
  async submit(action) {
    const form = this.forms().find((candidate) => candidate.action === action);
    assert.ok(form, `no form for ${action} on the page:\n${this.page.text}`);
    assert.equal(form.method, "post");
    return this.#go(action, { method: "POST", from: this.#url, form: form.fields });
  }

  /** The forms of the page that are shown: `{action, method, fields}`. */
  forms() {
    const shown = this.page.text
      .replace(/<template[\s>][\s\S]*?<\/template>/g, "")
      .replace(/<details\b[^>]*\shidden>[\s\S]*?<\/details>/g, "");
    const forms = [...shown.matchAll(/<form\b([^>]*)>([\s\S]*?)<\/form>/g)].filter(([, head]) =>
      !/\shidden\b/.test(head)
    );
    return forms.map(([, head, body]) => ({
      action: attribute(head, "action"),
      method: attribute(head, "method").toLowerCase(),
      fields: Object.fromEntries(
        [...body.matchAll(/<input\b([^>]*)>/g)].map(
          ([, input]) => [attribute(input, "name"), attribute(input, "value")],
        ),
      ),
    }));
  }

  async #go(path, options) {
    for (let hop = 0; hop <= REDIRECTS_MAX; hop++) {
      const answer = await send(new URL(path, this.#url).href, {
        ...options,
        accept: HTML,
        cookies: this.cookies,
      });
      this.answers.push(answer);
      for (const [name, { value, attributes }] of Object.entries(answer.cookies)) {
        if (attributes["max-age"] === "0") delete this.cookies[name];
        else this.cookies[name] = value;
      }
      if (answer.status < 300 || answer.status >= 400) {
        this.page = { path, ...answer };
        return this.page;
      }
      // 303: whatever was sent, look there with GET.
      assert.equal(answer.status, 303, answer.text);
      path = answer.headers.get("location");
      options = { method: "GET" };
    }
    throw new Error(`more than ${REDIRECTS_MAX} redirects, the last to ${path}`);
  }
}

function attribute(text, name) {
  const value = new RegExp(`\\b${name}="([^"]*)"`).exec(text)?.[1] ?? "";
  return value.replace(/&(#34|quot|#39|#60|lt|#62|gt|#38|amp);/g, (_, name) => ENTITIES[name]);
}
