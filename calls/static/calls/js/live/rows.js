// Paints one row of the Live page from the feed's picture. The server's fragment _row.html has the same parts.

import { wording } from "../lib/attention.js";
import { attribute, clone, icon, part, show, text } from "../lib/dom.js";
import { face, isLive, words } from "../lib/faces.js";
import { took, wholeAge } from "../lib/format.js";

export function newRow(row, base) {
  const node = clone("row");
  node.dataset.code = row.code;
  part(node, "link").href = `${base}${row.code}/`;
  node.classList.add("fresh");
  return node;
}

/** Everything that an event changes. */
export function paintRow(node, row) {
  const shown = face(row);
  const over = !isLive(row);
  attribute(node, "data-face", shown.key);
  attribute(node, "data-over", over ? "" : null);
  text(part(node, "word"), shown.word);
  icon(part(node, "badge"), shown.icon);
  text(part(node, "link"), row.from || "unknown");
  text(part(node, "to"), row.to ? `→ ${row.to}` : "");
  text(part(node, "agent"), row.agent || "no agent");
  text(part(node, "version"), row.version ? `v${row.version}` : "");
  text(part(node, "words"), said(row));
  attribute(part(node, "words"), "data-speaker", over ? null : row.last_speaker || null);
  text(part(node, "cuts"), row.interruptions || "");
  text(part(node, "reply"), took(row.reply_ms));
}

/** Last words, or how it ended. */
export function said(row) {
  if (isLive(row)) {
    return row.last_words;
  }
  return [words.reasons[row.end_reason], row.detail].filter(Boolean).join(". ") || face(row).word;
}

/** Why it needs somebody: changes with time alone, too. */
export function paintNeed(node, row, need, now) {
  attribute(node, "data-severity", need?.severity ?? null);
  const mark = part(node, "mark");
  show(mark, Boolean(need) && isLive(row));
  if (need) {
    icon(mark, words.severities[need.severity].icon);
    text(part(node, "why"), wording(need, words.attention));
    text(part(node, "age"), aged(need, now));
  }
  attribute(part(node, "link"), "aria-label", sentence(row, need));
}

export function aged({ since }, now) {
  return since ? wholeAge((now - Date.parse(since)) / 1_000) : "";
}

/** The whole row for those who listen; mirrors row_sentence of calls_tags.py. */
export function sentence(row, need) {
  const warning = need ? [words.severities[need.severity].word, wording(need, words.attention)] : [];
  return [
    warning.filter(Boolean).join(": "),
    `open call ${row.from || "from an unknown number"}`,
    [row.agent, row.version ? `v${row.version}` : ""].filter(Boolean).join(" "),
    face(row).word.toLowerCase(),
  ]
    .filter(Boolean)
    .join(", ");
}
