// A finished call as it stood at a moment: the same state, with nothing in it that came later. Pure; words appear by the
// steps in which they came.

import { byRank } from "../feed/reduce.js";

const STEPS = [
  ["settled_at", null],
  ["sent_at", "sent"],
  ["claimed_at", "claimed"],
  ["requested_at", "requested"],
];

/** `at`: milliseconds since 1970. Objects that are whole by then stay the same ones, so that nothing is painted twice. */
export function stateAt(state, at) {
  const turns = new Map();
  const partials = new Map();
  for (const turn of [...state.turns.values()].sort(byRank)) {
    if (Date.parse(turn.started_at) > at) {
      continue;
    }
    if (at >= wholeAt(turn)) {
      turns.set(turn.item_id, turn);
      continue;
    }
    turns.set(turn.item_id, unfinished(turn));
    const said = wordsBy(turn, at);
    if (said) {
      const { item_id, rank, speaker } = turn;
      partials.set(item_id, { item_id, rank, speaker, skip: 0, text: said });
    }
  }
  const before = (moment) => Date.parse(moment) <= at;
  return {
    ...state,
    turns,
    partials,
    usage: kept(state.usage, (one) => before(one.at)),
    gaps: kept(state.gaps, (gap) => before(gap.ended_at)),
    notes: state.notes.filter((note) => before(note.at)),
    commands: new Map([...commandsAt(state.commands, at)]),
    call: callAt(state.call, turns, at),
  };
}

/** When the last of a turn was known: its end, or its last words. */
function wholeAt(turn) {
  const start = Date.parse(turn.started_at);
  const end = turn.ended_at ? Date.parse(turn.ended_at) : start;
  return Math.max(end, start + (turn.steps?.at(-1)?.[0] ?? 0));
}

function wordsBy(turn, at) {
  const passed = at - Date.parse(turn.started_at);
  let size = 0;
  for (const [ms, length] of turn.steps ?? []) {
    if (ms > passed) {
      break;
    }
    size = length;
  }
  return turn.text.slice(0, size);
}

function unfinished(turn) {
  const awaited = turn.speaker === "caller" ? "pending" : turn.transcription;
  return { ...turn, status: "open", text: "", heard_text: null, ended_at: null, arguments: "", transcription: awaited };
}

function* commandsAt(commands, at) {
  for (const command of commands.values()) {
    const step = STEPS.find(([name]) => command[name] && Date.parse(command[name]) <= at);
    if (!step) {
      continue;
    }
    const [name, state] = step;
    yield [command.id, state === null ? command : { ...command, ...later(name), state, detail: "" }];
  }
}

/** The times that come after step `name` are not known yet. */
function later(name) {
  const places = STEPS.map(([step]) => step);
  return Object.fromEntries(places.slice(0, places.indexOf(name)).map((step) => [step, null]));
}

function callAt(call, turns, at) {
  if (at >= Date.parse(call.ended_at)) {
    return call;
  }
  const open = [...turns.values()].filter((turn) => turn.status === "open");
  const works = (kind, speaker) => open.some((turn) => turn.kind === kind && (!speaker || turn.speaker === speaker));
  const answered = call.answered_at && Date.parse(call.answered_at) <= at;
  const replies = [...turns.values()].map((turn) => turn.reply_ms).filter((ms) => ms !== null && ms !== undefined);
  return {
    ...call,
    state: answered ? "active" : "ringing",
    attachment: "attached",
    floor: works("message", "agent") ? "speaking" : works("message", "caller") ? "listening" : works("tool_call") ? "thinking" : "listening",
    ended_at: null,
    end_reason: "",
    detail: "",
    last_event_at: new Date(at).toISOString(),
    reply_ms: replies.at(-1) ?? null,
  };
}

function kept(map, holds) {
  return new Map([...map].filter(([, one]) => holds(one)));
}
