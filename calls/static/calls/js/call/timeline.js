// Two lanes and the tools on one time axis: the last minutes of a live call, the whole of a finished one. SVG rects only.

import { attribute, text } from "../lib/dom.js";
import { isLive } from "../lib/faces.js";
import { clockText } from "../lib/format.js";

const SVG = "http://www.w3.org/2000/svg";
const WIDTH = 1_000;
const WINDOW_MS = 120_000;
const LANES = { caller: 2, agent: 22, tool: 42 };
const LANE_HEIGHT = 14;
const TICKS = 6;

export function paintTimeline(figure, state, now) {
  const { call } = state;
  const start = Date.parse(call.answered_at ?? call.started_at);
  const end = call.ended_at ? Date.parse(call.ended_at) : now;
  const from = isLive(call) ? Math.max(start, end - WINDOW_MS) : start;
  const length = Math.max(isLive(call) ? Math.min(WINDOW_MS, 30_000) : 1_000, end - from);
  const x = (at) => ((at - from) / length) * WIDTH;
  const bars = [...barsOf(state, end)].filter((bar) => bar.to > from);
  const group = figure.querySelector("[data-bars]");
  while (group.childElementCount > bars.length) {
    group.lastElementChild.remove();
  }
  bars.forEach((bar, index) => {
    const rect = group.children[index] ?? group.appendChild(document.createElementNS(SVG, "rect"));
    const left = Math.max(0, x(bar.from));
    attribute(rect, "class", bar.look);
    attribute(rect, "x", left.toFixed(1));
    attribute(rect, "y", bar.top);
    attribute(rect, "width", Math.max(2, Math.min(WIDTH, x(bar.to)) - left).toFixed(1));
    attribute(rect, "height", bar.height);
    attribute(rect, "rx", bar.height === LANE_HEIGHT ? 3 : 0);
  });
  const line = figure.querySelector("[data-now]");
  attribute(line, "x1", Math.min(WIDTH - 1, x(end)).toFixed(1));
  attribute(line, "x2", Math.min(WIDTH - 1, x(end)).toFixed(1));
  attribute(line, "visibility", isLive(call) ? "visible" : "hidden");
  figure.querySelectorAll("[data-tick]").forEach((tick, index) => {
    text(tick, clockText((from + (length * index) / (TICKS - 1) - start) / 1_000));
  });
}

function* barsOf(state, end) {
  const outputs = new Map();
  for (const turn of state.turns.values()) {
    if (turn.kind === "tool_output") {
      outputs.set(turn.tool_call_id, Date.parse(turn.started_at));
    }
  }
  for (const turn of state.turns.values()) {
    const from = Date.parse(turn.started_at);
    const over = turn.ended_at ? Date.parse(turn.ended_at) : end;
    if (turn.kind === "tool_call") {
      yield bar("tool", "tool", from, outputs.get(turn.tool_call_id) ?? over);
    } else if (turn.kind === "message" && turn.speaker in LANES) {
      yield bar(turn.speaker, turn.status === "cut_off" ? `${turn.speaker} cut` : turn.speaker, from, over);
    } else if (turn.kind === "message" && turn.speaker === "operator") {
      yield { look: "operator", top: 0, height: 58, from, to: from };
    }
  }
  for (const gap of state.gaps.values()) {
    yield { look: "gap", top: 0, height: 58, from: Date.parse(gap.started_at), to: Date.parse(gap.ended_at) };
  }
}

function bar(lane, look, from, to) {
  return { look, top: LANES[lane], height: LANE_HEIGHT, from, to };
}
