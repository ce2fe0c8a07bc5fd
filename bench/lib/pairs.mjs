// What is compared alternates in short slices, and is compared slice by slice: what disturbs the
// machine for a while then disturbs both sides.

/**
 * Of the values, a spread leaves out this share at each end: what lies within is the middle 80 %.
 */
const LEFT_OUT = 0.1;

/**
 * Runs each of `loads` (`{name: load}`) once a cycle, for `cycles` cycles. Every second cycle goes
 * backwards, so that a machine that grows steadily slower or faster favours nobody.
 * Returns `{name: [result]}`: results with the same number are of the same cycle.
 */
export async function alternate(loads, cycles) {
  const results = Object.fromEntries(Object.keys(loads).map((name) => [name, []]));
  for (let cycle = 0; cycle < cycles; cycle += 1) {
    const order = Object.entries(loads);
    if (cycle % 2 === 1) order.reverse();
    for (const [name, load] of order) results[name].push(await load());
  }
  return results;
}

/** The quotients of what `figure` reads from the results of each pair. */
export function ratios(above, below, figure) {
  if (above.length !== below.length) {
    throw new Error(`${above.length} results and ${below.length} make no pairs`);
  }
  return above.map((result, number) => figure(result) / figure(below[number]));
}

/** `{value, low, high}`: the median, and between what the middle 80 % of the values lie. */
export function spread(values) {
  return {
    value: quantile(values, 0.5),
    low: quantile(values, LEFT_OUT),
    high: quantile(values, 1 - LEFT_OUT),
  };
}

export const median = (values) => quantile(values, 0.5);

/** The value that a share of the values lies below; between two of them, in proportion. */
function quantile(values, share) {
  const sorted = values.toSorted((a, b) => a - b);
  const at = (sorted.length - 1) * share;
  const below = sorted[Math.floor(at)];
  return below + (sorted[Math.ceil(at)] - below) * (at - Math.floor(at));
}
