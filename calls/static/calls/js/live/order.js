// Which row stands where: act now, warnings, everybody else; then the longest. Mirrors calls/web/rows.py. Pure.

import { rank } from "../lib/attention.js";
import { longestRun } from "../lib/runs.js";

/** `seen`: [{row, need}]. The same, in the order of reading. */
export function worstFirst(seen) {
  return [...seen].sort((a, b) => rank(a.need) - rank(b.need) || compare(a.row, b.row, "started_at") || compare(a.row, b.row, "code"));
}

/** For the queue: act now first, and of these what waits for longest; what has no age, last. */
export function mostUrgent(seen) {
  return seen
    .filter(({ need }) => rank(need) < 2)
    .sort((a, b) => rank(a.need) - rank(b.need) || older(a.need, b.need) || compare(a.row, b.row, "code"));
}

/** How many rows would have to move, appear or go to bring `shown` into the order of `wanted`. */
export function changes(shown, wanted) {
  const place = new Map(wanted.map((code, index) => [code, index]));
  const kept = shown.filter((code) => place.has(code)).map((code) => place.get(code));
  const added = wanted.length - kept.length;
  return shown.length - kept.length + added + kept.length - longestRun(kept).size;
}

function older(a, b) {
  return (a.since === null) - (b.since === null) || compare(a, b, "since");
}

function compare(a, b, name) {
  const [left, right] = [a[name] ?? "", b[name] ?? ""];
  return left < right ? -1 : left > right ? 1 : 0;
}
