// Brings turns, notes, gaps and commands of one call into the order of reading; mirrors calls/web/transcript.py. Pure.

import { byRank } from "../feed/reduce.js";

/** Lines [{kind, key, at, body, output, command, partial}] of a call's state. */
export function lines(state) {
  const turns = [...withPartials(state)].sort(byRank);
  const calls = new Set(turns.filter((turn) => turn.kind === "tool_call").map((turn) => turn.tool_call_id));
  const outputs = new Map(
    turns.filter((turn) => turn.kind === "tool_output").map((turn) => [turn.tool_call_id, turn]),
  );
  const placed = new Set();
  const spine = [];
  for (const turn of turns) {
    if (turn.kind === "tool_output" && calls.has(turn.tool_call_id)) {
      continue;
    }
    const tool = turn.kind !== "message";
    const cause = placed.has(turn.command_id) ? undefined : state.commands.get(turn.command_id);
    if (cause) {
      placed.add(cause.id);
    }
    spine.push({
      kind: tool ? "tool" : "turn",
      key: `turn:${turn.item_id}`,
      at: turn.started_at,
      body: turn,
      output: tool ? (turn.kind === "tool_output" ? turn : outputs.get(turn.tool_call_id)) : undefined,
      command: cause,
      partial: state.partials.get(turn.item_id),
      after: [],
    });
  }
  const byItem = new Map(spine.map((line) => [line.body.item_id, line]));
  const loose = [];
  for (const command of state.commands.values()) {
    if (!placed.has(command.id)) {
      const line = { kind: "command", key: `command:${command.id}`, at: command.requested_at, body: command };
      (byItem.get(command.after_item_id)?.after ?? loose).push(line);
    }
  }
  for (const note of state.notes) {
    loose.push({ kind: "note", key: `note:${note.seq}`, at: note.at, body: note });
  }
  for (const gap of state.gaps.values()) {
    loose.push({ kind: "gap", key: `gap:${gap.started_at}`, at: gap.started_at, body: gap });
  }
  return merge(spine, loose);
}

/** Turns, and the words of those that so far only hints told of. */
function* withPartials(state) {
  yield* state.turns.values();
  for (const { item_id, rank, speaker } of state.partials.values()) {
    if (!state.turns.has(item_id)) {
      const at = state.call.last_event_at;
      yield { item_id, rank, speaker, kind: "message", status: "open", text: "", heard_text: null, started_at: at };
    }
  }
}

function merge(spine, loose) {
  const waiting = loose.sort(byTime);
  const merged = [];
  let next = 0;
  for (const line of spine) {
    while (next < waiting.length && waiting[next].at < line.at) {
      merged.push(waiting[next]);
      next += 1;
    }
    merged.push(line, ...line.after.sort(byTime));
  }
  return [...merged, ...waiting.slice(next)];
}

function byTime(a, b) {
  return a.at < b.at ? -1 : a.at > b.at ? 1 : a.key < b.key ? -1 : 1;
}
