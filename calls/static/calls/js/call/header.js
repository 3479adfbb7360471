// The head of the call page: state, timer, and how old the news are. An open socket proves nothing about the call.

import { attribute, icon, part, show, text } from "../lib/dom.js";
import { face, isLive, quietFor, silence, words } from "../lib/faces.js";
import { age, timer, took } from "../lib/format.js";

/** What an event changes. */
export function paintHead(head, call) {
  const shown = face(call);
  attribute(head, "data-face", shown.key);
  icon(part(head, "badge"), shown.icon);
  text(part(head, "word"), shown.word);
  text(part(head, "from"), call.from || "Unknown caller");
  text(part(head, "to"), call.to || "");
  text(part(head, "agent"), call.agent || "no agent");
  text(part(head, "version"), call.version ? `v${call.version}` : "");
  text(part(head, "span"), isLive(call) ? "Running" : "Length");
  text(part(head, "reply"), call.reply_ms === null || call.reply_ms === undefined ? "no data" : took(call.reply_ms));
  const reason = isLive(call) ? "" : [words.reasons[call.end_reason], call.detail].filter(Boolean).join(". ");
  text(part(head, "reason"), reason);
  show(part(head, "reason"), reason !== "");
}

/** What passes without any event; `stale` pages stop their clocks. */
export function paintAge(head, call, now) {
  const live = isLive(call);
  const kind = live ? silence(call, now) : "";
  attribute(head, "data-silence", kind || null);
  text(part(head, "timer"), timer(call, now));
  const seconds = quietFor(call, now);
  show(part(head, "news"), live);
  text(part(head, "news"), newsSentence(call, kind, seconds));
  return kind;
}

function newsSentence(call, kind, seconds) {
  if (kind === "reattaching") {
    return "Not watched: attaching again";
  }
  if (!call.answered_at) {
    return "not answered yet";
  }
  const since = `last event ${age(seconds)} ago`;
  return kind === "silent" ? `May have ended: ${since}` : kind === "quiet" ? `No news: ${since}` : since;
}
