// Figures of the call beside the transcript; mirrors calls/web/facts.py. Estimates nothing.

import { attribute, show, text } from "../lib/dom.js";
import { byRank } from "../feed/reduce.js";
import { span } from "../lib/clock.js";
import { took } from "../lib/format.js";

export const BUCKETS = ["input_text", "input_audio", "cached_text", "cached_audio", "output_text", "output_audio"];
const figure = new Intl.NumberFormat("en-GB");

export function factsOf(state) {
  const turns = [...state.turns.values()].sort(byRank);
  const replies = turns.map((turn) => turn.reply_ms).filter((ms) => ms !== null && ms !== undefined);
  const sorted = [...replies].sort((a, b) => a - b);
  const usage = [...state.usage.values()];
  const gaps = [...state.gaps.values()];
  return {
    reply_last: replies.at(-1) ?? null,
    reply_median: sorted[Math.floor((sorted.length - 1) / 2)] ?? null,
    interruptions: turns.filter((turn) => turn.status === "cut_off").length,
    tools: turns.filter((turn) => turn.kind === "tool_call").length,
    gaps: gaps.length,
    gap_ms: gaps.reduce((sum, gap) => sum + span(gap.started_at, gap.ended_at), 0),
    tokens: Object.fromEntries(BUCKETS.map((key) => [key, usage.reduce((sum, one) => sum + (one[key] ?? 0), 0)])),
    total: usage.reduce((sum, one) => sum + (one.total ?? 0), 0),
    incomplete: Boolean(state.call.usage_incomplete) || usage.some((one) => !one.complete),
  };
}

export function paintFacts(panel, state) {
  const facts = factsOf(state);
  const put = (name, value) => text(panel.querySelector(`[data-fact="${name}"]`), value);
  put("reply_last", facts.reply_last === null ? "no data" : took(facts.reply_last));
  put("reply_median", facts.reply_median === null ? "no data" : took(facts.reply_median));
  put("interruptions", facts.interruptions);
  put("tools", facts.tools);
  put("gaps", facts.gaps ? `${facts.gaps}, ${took(facts.gap_ms)}` : "none");
  for (const key of BUCKETS) {
    put(key, figure.format(facts.tokens[key]));
    attribute(panel.querySelector(`[data-share="${key}"]`), "value", facts.tokens[key]);
    attribute(panel.querySelector(`[data-share="${key}"]`), "max", Math.max(1, ...Object.values(facts.tokens)));
  }
  put("total", figure.format(facts.total));
  show(panel.querySelector("[data-incomplete]"), facts.incomplete);
}
