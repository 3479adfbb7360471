// The one state that a call shows, and what must be said about its silence; mirrors calls/web/words.py and rows.py.

import { pageData } from "./dom.js";

export const words = pageData("words") ?? {};

const QUIET_S = 5;
const SILENT_S = 15;

export function face(row) {
  const { faces, faults } = words;
  if (!row.state || row.state === "ringing" || row.state === "accepted") {
    return faces.ringing;
  }
  if (row.state === "active") {
    return faces[row.floor] ?? faces.listening;
  }
  if (row.state === "lost" || (row.state === "ended" && faults.includes(row.end_reason))) {
    return faces.failed;
  }
  return faces[row.state];
}

export function isLive(row) {
  return ["ringing", "accepted", "active", "transferring"].includes(row.state);
}

/** Seconds since the last event of a call that should have some; 0 for all others. */
export function quietFor(row, now) {
  if (row.state !== "active" && row.state !== "transferring") {
    return 0;
  }
  const last = row.last_event_at ?? row.answered_at;
  return last ? (now - Date.parse(last)) / 1_000 : 0;
}

/** "", "quiet" (marked), "silent" (may have ended), "reattaching" (nobody hears it) */
export function silence(row, now) {
  if (row.state === "active" && row.attachment === "reattaching") {
    return "reattaching";
  }
  const seconds = quietFor(row, now);
  return seconds >= SILENT_S ? "silent" : seconds >= QUIET_S ? "quiet" : "";
}

export function needsYou(row, now) {
  return face(row).key === "failed" || ["silent", "reattaching"].includes(silence(row, now));
}
