// What a stream's frames make of its picture: (state, frame) → state, pure. docs/feed-protocol.md is the contract.
// Knows no socket, no DOM and no clock; a state that did not change is returned as the same object.

const TENANT = "tenant";

/** The state of a stream before anything is known of it. */
export function unknown(stream) {
  return { stream, epoch: null, seq: 0, known: false, gone: false, hole: false };
}

/** The state that a snapshot frame (or the page's own first paint) describes. */
export function open({ stream, epoch, seq, body }) {
  const base = { ...unknown(stream), epoch, seq, known: true };
  if (stream === TENANT) {
    return { ...base, rows: new Map(body.rows.map((row) => [row.code, row])) };
  }
  return {
    ...base,
    call: body.call,
    turns: new Map(body.turns.map((turn) => [turn.item_id, turn])),
    usage: new Map(body.usage.map((usage) => [usageKey(usage), usage])),
    gaps: new Map(body.gaps.map((gap) => [gap.started_at, gap])),
    commands: new Map(body.commands.map((command) => [command.id, command])),
    session: body.session,
    notes: body.notes,
    partials: new Map(),
  };
}

/** The snapshot's body that a state stands for; turns by rank. */
export function toBody(state) {
  if (state.stream === TENANT) {
    return { rows: [...state.rows.values()] };
  }
  return {
    call: state.call,
    turns: [...state.turns.values()].sort(byRank),
    usage: [...state.usage.values()],
    gaps: [...state.gaps.values()],
    commands: [...state.commands.values()],
    session: state.session,
    notes: state.notes,
  };
}

export function byRank(a, b) {
  return a.rank - b.rank || (a.item_id < b.item_id ? -1 : 1);
}

/** Apply one frame. Sets `hole` where entries are missing: the reader must say hello again. */
export function reduce(state, frame) {
  switch (frame.type) {
    case "snapshot":
      return state.present ? { ...open(frame), present: state.present } : open(frame); // told on changes only
    case "events":
      return state.known ? events(state, frame) : state;
    case "hint":
      return state.known ? hints(state, frame.hints) : state;
    case "present":
      return state.known ? { ...state, present: { members: frame.members, more: frame.more } } : state;
    case "gone":
      return { ...unknown(state.stream), gone: true };
    default:
      return state;
  }
}

/** Rows that ended before `before` (ISO text) leave the picture. */
export function prune(state, before) {
  const over = [...state.rows.values()].filter((row) => row.ended_at && row.ended_at < before);
  if (over.length === 0) {
    return state;
  }
  const rows = new Map(state.rows);
  over.forEach((row) => rows.delete(row.code));
  return { ...state, rows };
}

function events(state, frame) {
  if (frame.epoch !== state.epoch) {
    return { ...state, hole: true };
  }
  let next = state;
  for (const entry of frame.entries) {
    if (entry.seq <= next.seq) {
      continue;
    }
    if (entry.seq !== next.seq + 1) {
      return { ...next, hole: true };
    }
    next = { ...apply(next, entry), seq: entry.seq, hole: false };
  }
  return next;
}

function apply(state, { seq, kind, body }) {
  if (state.stream === TENANT) {
    return kind === "call" ? withRow(state, body) : state;
  }
  switch (kind) {
    case "call":
      return { ...state, call: { ...state.call, ...body } };
    case "turn":
      return withTurn(state, body);
    case "usage":
      return { ...state, usage: put(state.usage, usageKey(body), body) };
    case "gap":
      return { ...state, gaps: put(state.gaps, body.started_at, body) };
    case "command":
      return { ...state, commands: put(state.commands, body.id, { ...state.commands.get(body.id), ...body }) };
    case "session":
      return { ...state, session: body };
    case "note":
      return { ...state, notes: [...state.notes, { seq, ...body }] };
    default:
      return state;
  }
}

// One copy of the rows for the whole frame, however many of them it tells of: a busy tenant's come by the forty.
function hints(state, told) {
  if (state.stream !== TENANT) {
    return told.reduce(hint, state);
  }
  const rows = told.filter(({ kind, body }) => kind === "row" && state.rows.has(body.code));
  if (rows.length === 0) {
    return state;
  }
  const next = new Map(state.rows);
  rows.forEach(({ body }) => next.set(body.code, { ...next.get(body.code), ...body }));
  return { ...state, rows: next };
}

function hint(state, { kind, body }) {
  if (kind === "row") {
    return { ...state, call: { ...state.call, ...body } };
  }
  return kind === "partial" ? withPartial(state, body) : state;
}

function withRow(state, body) {
  return { ...state, rows: put(state.rows, body.code, { ...state.rows.get(body.code), ...body }) };
}

function withTurn(state, turn) {
  const next = { ...state, turns: put(state.turns, turn.item_id, turn) };
  const partial = state.partials.get(turn.item_id);
  if (partial && (!isOpen(turn) || turn.text.length >= partial.skip + partial.text.length)) {
    next.partials = new Map(state.partials);
    next.partials.delete(turn.item_id);
  }
  return next;
}

/** Words are still to come: the turn is open, or it is over but its transcription is late. */
function isOpen(turn) {
  return turn.status === "open" || turn.transcription === "pending";
}

// A partial is what is known of a text from character `skip` on: a hint that was lost leaves its beginning unknown.
function withPartial(state, { item_id, rank, speaker, offset, text }) {
  const turn = state.turns.get(item_id);
  if (turn && !isOpen(turn)) {
    return state;
  }
  const known = state.partials.get(item_id) ?? { skip: 0, text: turn?.text ?? "" };
  const at = offset - known.skip;
  const joins = at >= 0 && at <= known.text.length;
  const partial = {
    item_id,
    rank,
    speaker,
    skip: joins ? known.skip : offset,
    text: joins ? known.text.slice(0, at) + text : text,
  };
  return { ...state, partials: put(state.partials, item_id, partial) };
}

function usageKey({ kind, ref_id }) {
  return `${kind} ${ref_id}`;
}

function put(map, key, value) {
  const next = new Map(map);
  next.set(key, value);
  return next;
}
