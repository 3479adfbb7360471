// The one state that a call shows, and why it needs somebody; mirrors calls/web/words.py and rows.py.

import { pageData } from "./dom.js";
import { needs, newsAge } from "./attention.js";

export const words = pageData("words") ?? {};

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

/** {reason, severity, since} or undefined */
export function worst(row, now) {
  return needs(row, now, words.attention, words.faults)[0];
}

/** Seconds since the last event of a call that should have some; 0 for all others. */
export function quietFor(row, now) {
  return newsAge(row, now);
}

/** "", "quiet" (marked), "silent" (may have ended), "reattaching" (nobody hears it) */
export function silence(row, now) {
  if (row.state === "active" && row.attachment === "reattaching") {
    return "reattaching";
  }
  const { limits } = words.attention;
  const seconds = quietFor(row, now);
  return seconds >= limits.news_warn ? "silent" : seconds >= limits.news_note ? "quiet" : "";
}
