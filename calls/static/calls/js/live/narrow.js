// What a reader asked to see: filters as plain values, matched against rows, written as an address. Mirrors
// calls/web/narrow.py. Pure.

import { rank } from "../lib/attention.js";
import { face, words } from "../lib/faces.js";

export const NAMES = ["state", "agent", "need", "q"];

/** Whether a row is shown; `need` is its worst reason, if any. */
export function shows({ state, agent, need: needed, q }, row, need) {
  return (
    (!state || face(row).key === state) &&
    (!agent || row.agent === agent) &&
    (!needed || rank(need) < 2) &&
    (!q || [row.from, row.to, row.agent, row.last_words].join(" ").toLowerCase().includes(q.toLowerCase()))
  );
}

/** The address' query, without "?"; empty where nothing is asked. */
export function query(wanted) {
  return new URLSearchParams(NAMES.filter((name) => wanted[name]).map((name) => [name, wanted[name]])).toString();
}

/** [name, words] of each filter that is set. */
export function chips(wanted) {
  const text = { state: words.faces[wanted.state]?.word, agent: wanted.agent, need: "Needs you", q: `“${wanted.q}”` };
  return NAMES.filter((name) => wanted[name]).map((name) => [name, text[name]]);
}

export function without(wanted, name) {
  return name === "all" ? {} : { ...wanted, [name]: "" };
}
