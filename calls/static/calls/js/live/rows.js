// Paints one row of the Live page from the feed's picture. The server's fragment _row.html has the same parts.

import { attribute, clone, icon, part, text } from "../lib/dom.js";
import { face, isLive, needsYou, quietFor, silence, words } from "../lib/faces.js";
import { age, took } from "../lib/format.js";

const SILENCES = { quiet: "no news", silent: "no news", reattaching: "attaching again" };

export function newRow(row, base) {
  const node = clone("row");
  node.dataset.code = row.code;
  part(node, "link").href = `${base}${row.code}/`;
  node.classList.add("fresh");
  return node;
}

/** Everything that an event changes. */
export function paintRow(node, row, now) {
  const shown = face(row);
  attribute(node, "data-face", shown.key);
  attribute(node, "data-over", isLive(row) ? null : "");
  text(part(node, "word"), shown.word);
  icon(part(node, "badge"), shown.icon);
  text(part(node, "link"), row.from || "unknown");
  text(part(node, "to"), row.to ? `→ ${row.to}` : "");
  text(part(node, "agent"), row.agent || "no agent");
  text(part(node, "version"), row.version ? `v${row.version}` : "");
  const over = !isLive(row);
  text(part(node, "words"), over ? row.detail || words.reasons[row.end_reason] || shown.word : row.last_words);
  attribute(part(node, "words"), "data-speaker", over ? null : row.last_speaker || null);
  text(part(node, "reply"), took(row.reply_ms));
  paintSilence(node, row, now);
}

/** What passes without any event: how old the news are, and whether they need a person. */
export function paintSilence(node, row, now) {
  const kind = silence(row, now);
  attribute(node, "data-silence", kind || null);
  attribute(node, "data-need", needsYou(row, now) ? "" : null);
  const mark = kind ? `${SILENCES[kind]} ${kind === "reattaching" ? "" : age(quietFor(row, now))}`.trim() : "";
  text(part(node, "mark"), mark);
  attribute(part(node, "link"), "aria-label", sentence(row, mark));
}

function sentence(row, mark) {
  return [
    warning(mark, row),
    `open call ${row.from || "from an unknown number"}`,
    [row.agent, row.version ? `v${row.version}` : ""].filter(Boolean).join(" "),
    face(row).word.toLowerCase(),
  ]
    .filter(Boolean)
    .join(", ");
}

function warning(mark, row) {
  return face(row).key === "failed" ? "Failed" : mark ? `Warning: ${mark.replace(/ [\d.]+ (s|min)$/, "")}` : "";
}
