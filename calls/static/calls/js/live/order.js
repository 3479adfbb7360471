// Which row stands where: what needs a person first, then the longest. Frozen while someone is about to act on a row.

import { isLive, needsYou } from "../lib/faces.js";
import { longestRun } from "../lib/runs.js";

/** Codes in the order of reading; mirrors worst_first of calls/web/rows.py. */
export function worstFirst(rows, now) {
  return rows
    .map((row) => ({ row, rank: needsYou(row, now) ? 0 : 1 }))
    .sort(
      (a, b) =>
        a.rank - b.rank ||
        (a.row.started_at < b.row.started_at ? -1 : a.row.started_at > b.row.started_at ? 1 : 0) ||
        (a.row.code < b.row.code ? -1 : 1),
    )
    .map(({ row }) => row);
}

/** How many rows would have to move, appear or go to bring `shown` into the order of `wanted`. */
export function changes(shown, wanted) {
  const place = new Map(wanted.map((code, index) => [code, index]));
  const kept = shown.filter((code) => place.has(code)).map((code) => place.get(code));
  const added = wanted.length - kept.length;
  return shown.length - kept.length + added + kept.length - longestRun(kept).size;
}

/** The figures above the list; mirrors tiles of calls/web/rows.py. */
export function figures(rows, now) {
  const replies = rows
    .map((row) => row.reply_ms)
    .filter((ms) => ms !== null && ms !== undefined)
    .sort((a, b) => a - b);
  return {
    live: rows.filter(isLive).length,
    need: rows.filter((row) => needsYou(row, now)).length,
    median: replies[Math.floor((replies.length - 1) / 2)] ?? null,
    p95: replies[Math.ceil(replies.length * 0.95) - 1] ?? null,
  };
}
