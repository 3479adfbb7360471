// Figures of the call beside the transcript; mirrors calls/web/facts.py. Estimates nothing.

import { attribute, show, text } from "../lib/dom.js";
import { byRank } from "../feed/reduce.js";
import { span } from "../lib/clock.js";
import { took } from "../lib/format.js";
import { costNotes, costOf, costWords } from "./cost.js";

export const BUCKETS = [
  "input_text", "input_audio", "input_image", "cached_text", "cached_audio", "cached_image", "output_text", "output_audio",
];
const RARE = ["input_image", "cached_image"];
const CUT_BY = { caller: "by the caller", operator: "from here", application: "by the application" };
const BARS = 24;
const SVG = "http://www.w3.org/2000/svg";
const figure = new Intl.NumberFormat("en-GB");

export function factsOf(state) {
  const turns = [...state.turns.values()].sort(byRank);
  const replies = turns.map((turn) => turn.reply_ms).filter((ms) => ms !== null && ms !== undefined);
  const sorted = [...replies].sort((a, b) => a - b);
  const usage = [...state.usage.values()];
  const gaps = [...state.gaps.values()];
  return {
    replies,
    reply_last: replies.at(-1) ?? null,
    reply_median: sorted[Math.floor((sorted.length - 1) / 2)] ?? null,
    reply_p95: sorted[Math.ceil((sorted.length * 95) / 100) - 1] ?? null,
    cuts: cuts(state.notes),
    talk_share: talkShare(turns),
    tools: turns.filter((turn) => turn.kind === "tool_call").length,
    gaps: gaps.length,
    gap_ms: gaps.reduce((sum, gap) => sum + length(gap), 0),
    tokens: Object.fromEntries(BUCKETS.map((key) => [key, usage.reduce((sum, one) => sum + (one[key] ?? 0), 0)])),
    total: usage.reduce((sum, one) => sum + (one.total ?? 0), 0),
    incomplete: Boolean(state.call.usage_incomplete) || usage.some((one) => !one.complete),
  };
}

export function paintFacts(panel, state, prices) {
  const facts = factsOf(state);
  const cost = costOf(state.usage.values(), prices);
  const put = (name, value) => text(panel.querySelector(`[data-fact="${name}"]`), value);
  put("cost", costWords(cost));
  put("cost_notes", costNotes(cost));
  put("reply_last", facts.reply_last === null ? "no data" : took(facts.reply_last));
  put("reply_middle", facts.replies.length ? `${took(facts.reply_median)}, ${took(facts.reply_p95)}` : "no data");
  put("cuts", facts.cuts);
  put("talk_share", facts.talk_share || "no data");
  put("tools", facts.tools);
  put("gaps", facts.gaps ? `${facts.gaps}, ${took(facts.gap_ms)}` : "none");
  for (const key of BUCKETS) {
    put(key, figure.format(facts.tokens[key]));
    attribute(panel.querySelector(`[data-share="${key}"]`), "value", facts.tokens[key]);
    attribute(panel.querySelector(`[data-share="${key}"]`), "max", Math.max(1, ...Object.values(facts.tokens)));
    show(panel.querySelector(`[data-bucket="${key}"]`), !RARE.includes(key) || facts.tokens[key] > 0);
  }
  put("total", figure.format(facts.total));
  show(panel.querySelector("[data-incomplete]"), facts.incomplete);
  paintBars(panel.querySelector("[data-reply-bars]"), facts.replies.slice(-BARS));
}

function paintBars(svg, replies) {
  // `hidden` is HTML's own property; on an SVG it is only an attribute.
  attribute(svg, "hidden", replies.length === 0 ? "" : null);
  const most = Math.max(1, ...replies);
  while (svg.childElementCount > replies.length) {
    svg.lastElementChild.remove();
  }
  replies.forEach((ms, index) => {
    const bar = svg.children[index] ?? svg.appendChild(document.createElementNS(SVG, "rect"));
    const height = Math.max(2, (24 * ms) / most);
    attribute(bar, "x", (index * 10).toFixed(1));
    attribute(bar, "y", (24 - height).toFixed(1));
    attribute(bar, "width", 8);
    attribute(bar, "height", height.toFixed(1));
  });
}

function cuts(notes) {
  const by = notes.filter((note) => note.kind === "interrupted").map((note) => note.body?.by ?? "caller");
  const counts = Object.keys(CUT_BY).map((who) => [who, by.filter((one) => one === who).length]);
  const said = counts.filter(([, count]) => count).map(([who, count]) => `${count} ${CUT_BY[who]}`);
  return said.length ? `${counts.reduce((sum, [, count]) => sum + count, 0)}: ${said.join(", ")}` : "none";
}

export function cutBy(who) {
  return CUT_BY[who] ?? "";
}

function talkShare(turns) {
  const spoken = (who) =>
    turns
      .filter((turn) => turn.kind === "message" && turn.speaker === who && turn.ended_at)
      .reduce((sum, turn) => sum + length(turn), 0);
  const [caller, agent] = [spoken("caller"), spoken("agent")];
  return caller + agent ? `${Math.floor((100 * caller) / (caller + agent) + 0.5)} % caller` : "";
}

function length(part) {
  return Math.max(0, span(part.started_at, part.ended_at));
}
