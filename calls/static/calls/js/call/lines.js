// Brings turns, notes, gaps and commands of one call into the order of reading; mirrors calls/web/transcript.py. Pure.

import { byRank } from "../feed/reduce.js";

const SILENCE_MS = 4_000;
const VOICES = ["caller", "agent"];

/** Lines [{kind, key, at, body, output, command, partial, cutBy, over}] of a call's state. */
export function lines(state) {
  const turns = [...withPartials(state)].sort(byRank);
  const calls = new Set(turns.filter((turn) => turn.kind === "tool_call").map((turn) => turn.tool_call_id));
  const outputs = new Map(
    turns.filter((turn) => turn.kind === "tool_output").map((turn) => [turn.tool_call_id, turn]),
  );
  const placed = new Set();
  const cuts = cutsOf(state.notes);
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
      cutBy: turn.status === "cut_off" ? (cuts.get(turn.response_id) ?? "") : "",
      over: Boolean(state.call.ended_at),
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
  const told = new Set(spine.filter((line) => line.cutBy).map((line) => line.body.response_id));
  for (const note of state.notes) {
    if (note.kind === "interrupted" && told.has(note.body?.response_id)) {
      continue; // the turn itself says that it was cut off, and by whom
    }
    loose.push({ kind: "note", key: `note:${note.seq}`, at: note.at, body: note });
  }
  for (const gap of state.gaps.values()) {
    loose.push({ kind: "gap", key: `gap:${gap.started_at}`, at: gap.started_at, body: gap });
  }
  return [...withSilences(merge(spine, loose))];
}

/** Who cut which response off. */
function cutsOf(notes) {
  const told = notes.filter((note) => note.kind === "interrupted" && note.body?.response_id);
  return new Map(told.map((note) => [note.body.response_id, note.body.by ?? ""]));
}

/** A line before each turn that nobody's voice preceded for long. A gap is no silence: nobody knows. */
function* withSilences(merged) {
  let since = null;
  for (const line of merged) {
    const { started_at: start, ended_at: end, speaker } = line.body;
    const voice = line.kind === "turn" && VOICES.includes(speaker);
    if (voice && start && since && Date.parse(start) - Date.parse(since) >= SILENCE_MS) {
      yield { kind: "silence", key: `silence:${line.key}`, at: start, body: { started_at: since, ended_at: start } };
    }
    yield line;
    if (line.kind === "gap") {
      since = null;
    } else if (voice) {
      since = end ? (since && since > end ? since : end) : null;
    }
  }
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
