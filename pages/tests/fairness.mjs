// The page /fairness as its tests visit it.

import { open, page, tell } from "./static_page.mjs";

/** From now on the shop says this of the queue: a report, a status, or "hang up". */
export const says = (answer) =>
  tell((url) => (url === "/v1/queues/demo/fairness" || answer === "hang up" ? answer : 404));

/** Comes to the page of a shop that says this. */
export const visit = (answer, path = "/fairness?queue=demo") => {
  says(answer);
  return open(path);
};

/** Waits until these plots are drawn. */
export const drawn = (...names) =>
  Promise.all(names.map((name) => page.locator(`#${name} .drawn svg`).waitFor()));

/** The sentence of a plot. */
export const words = (name) => page.locator(`#${name} > p`).textContent();
