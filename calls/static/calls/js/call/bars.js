// What the timeline draws of a call: bars of turns, and marks of what has no length. Pure.

const LANES = { caller: 2, agent: 22, tool: 42 };
export const LANE_HEIGHT = 14;
export const HEIGHT = 58;

/** [{look, top, height, from, to}], milliseconds since 1970; what has no length is a mark. */
export function* barsOf(state, end) {
  const outputs = new Map();
  for (const turn of state.turns.values()) {
    if (turn.kind === "tool_output") {
      outputs.set(turn.tool_call_id, Date.parse(turn.started_at));
    }
  }
  const voices = { caller: [], agent: [] };
  for (const turn of state.turns.values()) {
    const from = Date.parse(turn.started_at);
    const to = turn.ended_at ? Date.parse(turn.ended_at) : end;
    if (turn.kind === "tool_call") {
      yield bar("tool", turn.status === "incomplete" ? "tool cut" : "tool", from, outputs.get(turn.tool_call_id) ?? to);
    } else if (turn.kind === "message" && turn.speaker in voices) {
      voices[turn.speaker].push([from, to]);
      yield bar(turn.speaker, turn.status === "cut_off" ? `${turn.speaker} cut` : turn.speaker, from, to);
      if (turn.status === "cut_off") {
        yield mark("cutoff", to, LANES[turn.speaker] - 2, LANE_HEIGHT + 4);
      }
    }
  }
  for (const [from, to] of overlaps(voices)) {
    yield { look: "overlap", top: LANES.caller, height: LANES.agent + LANE_HEIGHT - LANES.caller, from, to };
  }
  for (const command of state.commands.values()) {
    yield mark("operator", Date.parse(command.sent_at ?? command.requested_at), 0, HEIGHT);
  }
  for (const note of state.notes) {
    if (note.kind === "keypad") {
      yield mark("keypad", Date.parse(note.at), LANES.caller, LANE_HEIGHT);
    }
  }
  for (const gap of state.gaps.values()) {
    yield { look: "gap", top: 0, height: HEIGHT, from: Date.parse(gap.started_at), to: Date.parse(gap.ended_at) };
  }
}

function bar(lane, look, from, to) {
  return { look, top: LANES[lane], height: LANE_HEIGHT, from, to };
}

function mark(look, at, top, height) {
  return { look, top, height, from: at, to: at };
}

/** Stretches in which caller and agent spoke at once; both lists are short, and nearly in order. */
function* overlaps({ caller, agent }) {
  const others = [...agent].sort((a, b) => a[0] - b[0]);
  for (const [from, to] of caller) {
    for (const [start, end] of others) {
      if (start >= to) {
        break;
      }
      if (end > from) {
        yield [Math.max(from, start), Math.min(to, end)];
      }
    }
  }
}
