// The head of the call page: state, timer, and how old the news are. An open socket proves nothing about the call.

import { attribute, icon, part, show, text } from "../lib/dom.js";
import { face, isLive, quietFor, silence, words } from "../lib/faces.js";
import { age, timer, took } from "../lib/format.js";

/** What an event changes. `cost`: what is known of it, in words. */
export function paintHead(head, call, cost) {
  const shown = face(call);
  attribute(head, "data-face", shown.key);
  icon(part(head, "badge"), shown.icon);
  text(part(head, "word"), shown.word);
  text(part(head, "from"), call.from || "Unknown caller");
  text(part(head, "to"), call.to || "");
  text(part(head, "agent"), call.agent || "no agent");
  text(part(head, "version"), call.version ? `v${call.version}` : "");
  text(part(head, "span"), isLive(call) ? "Running" : "Length");
  text(part(head, "cost-label"), isLive(call) ? "Cost so far" : "Cost");
  text(part(head, "cost"), cost);
  text(part(head, "reply"), call.reply_ms === null || call.reply_ms === undefined ? "no data" : took(call.reply_ms));
  const reason = isLive(call) ? "" : [words.reasons[call.end_reason], call.detail].filter(Boolean).join(". ");
  text(part(head, "reason"), reason);
  show(part(head, "reason"), reason !== "");
}

/** What passes without any event; `stale` pages stop their clocks. `replayed`: a moment that is long over. */
export function paintAge(head, call, now, replayed = "") {
  const live = isLive(call);
  const kind = live && !replayed ? silence(call, now) : "";
  attribute(head, "data-silence", kind || null);
  text(part(head, "timer"), timer(call, now));
  show(part(head, "news"), live || Boolean(replayed));
  text(part(head, "news"), replayed || newsSentence(call, kind, quietFor(call, now)));
  show(head.querySelector("[data-part=probe]"), kind === "quiet" || kind === "silent");
  return kind;
}

/** Who else looks at this call, as initials with their names; at most `MOST` of them. */
export function paintWatchers(box, present) {
  const others = (present?.members ?? []).filter((one) => !one.you);
  const shown = others.slice(0, MOST).map(({ name }) => watcher(initials(name), name));
  const rest = others.length - shown.length + (present?.more ?? 0);
  part(box, "watchers").replaceChildren(...shown, ...(rest > 0 ? [watcher(`+${rest}`, `${rest} more`)] : []));
  show(box, others.length > 0);
}

const MOST = 5;

function watcher(short, name) {
  const entry = document.createElement("li");
  const letters = document.createElement("span");
  const whole = document.createElement("span");
  letters.ariaHidden = "true";
  letters.append(short);
  whole.className = "away";
  whole.append(name);
  entry.title = name;
  entry.append(letters, whole);
  return entry;
}

/** `ana.lopez@acme.example` → `AL` */
export function initials(name) {
  const [local] = name.split("@");
  const letters = local.split(/[^\p{L}\p{N}]+/u).filter(Boolean).map((word) => [...word][0]);
  return (letters.length > 1 ? letters[0] + letters.at(-1) : [...local].slice(0, 2).join("")).toUpperCase();
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
