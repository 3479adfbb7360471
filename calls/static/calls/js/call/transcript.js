// The transcript: keyed lines, patched in place. What was said is shown as text and as nothing else.

import { arrange, attribute, clone, part, show, text } from "../lib/dom.js";
import { words } from "../lib/faces.js";
import { clockText, took } from "../lib/format.js";
import { pretty } from "../lib/pretty.js";
import { span } from "../lib/clock.js";
import { paintChip } from "./chip.js";
import { cutBy } from "./facts.js";
import { lines } from "./lines.js";

export const LINES_FIRST = 300;

export class Transcript {
  #list;
  #nodes;
  #painted = new Map();
  #shown = [];
  #most = LINES_FIRST;
  #earlier;

  constructor(list, earlier) {
    this.#list = list;
    this.#nodes = new Map([...list.children].map((node) => [node.dataset.key, node]));
    this.#earlier = earlier;
  }

  more() {
    this.#most += LINES_FIRST;
  }

  /** Paint the state; returns how many lines there are in all. */
  paint(state) {
    const all = lines(state);
    const shown = all.slice(-this.#most);
    this.#shown = shown;
    const keys = new Set(shown.map((line) => line.key));
    for (const key of this.#nodes.keys()) {
      if (!keys.has(key)) {
        this.#nodes.delete(key);
        this.#painted.delete(key);
      }
    }
    const nodes = shown.map((line) => this.#line(line, state.call));
    arrange(this.#list, nodes);
    show(this.#earlier, all.length > shown.length);
    text(part(this.#earlier, "count"), all.length - shown.length);
    return all.length;
  }

  /** Make sure that a line is in the page, loading as many earlier ones as that takes. Its element, if it has one. */
  find(key, state) {
    const all = lines(state);
    const place = all.findIndex((line) => line.key === key);
    while (place >= 0 && all.length - place > this.#most) {
      this.more();
    }
    this.paint(state);
    return this.#nodes.get(key) ?? null;
  }

  /** Moments of the first and the last line that `box` shows; null where it shows none. */
  visible(box) {
    const { top, bottom } = box.getBoundingClientRect();
    const nodes = this.#shown.map((line) => this.#nodes.get(line.key));
    const first = lowest(nodes, (node) => node.getBoundingClientRect().bottom > top);
    const last = lowest(nodes, (node) => node.getBoundingClientRect().top >= bottom) - 1;
    return first <= last && this.#shown[first] ? [this.#shown[first], this.#shown[last]] : null;
  }

  #line(line, call) {
    let node = this.#nodes.get(line.key);
    if (!node) {
      node = clone(`line-${line.kind}`);
      node.dataset.key = line.key;
      this.#nodes.set(line.key, node);
    }
    const seen = this.#painted.get(line.key);
    if (!seen || PARTS.some((name) => seen[name] !== line[name])) {
      PAINTERS[line.kind](node, line, call);
      this.#painted.set(line.key, line);
    }
    return node;
  }
}

/** What a line is made of: where none of these objects changed, nothing has to be painted. */
const PARTS = ["body", "output", "command", "partial", "cutBy", "over"];

const PAINTERS = {
  turn: paintTurn,
  tool: paintTool,
  note: paintNote,
  gap: paintGap,
  command: paintCommand,
  silence: paintSilence,
};

/** The first index from which on `holds` is true; the length where it never is. */
function lowest(list, holds) {
  let [low, high] = [0, list.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    [low, high] = holds(list[middle]) ? [low, middle] : [middle + 1, high];
  }
  return low;
}

function place(at, call) {
  return clockText(span(call.answered_at ?? call.started_at, at) / 1_000);
}

function paintTurn(node, { body: turn, command, partial, cutBy: who }, call) {
  const cut = turn.status === "cut_off" && turn.heard_text !== null && turn.heard_text !== undefined;
  const said = partial ? (partial.skip ? "… " : "") + partial.text : turn.text;
  const open = turn.status === "open" || Boolean(partial);
  attribute(node, "data-speaker", turn.speaker);
  attribute(node, "data-status", open ? "open" : turn.status);
  text(part(node, "at"), place(turn.started_at, call));
  attribute(part(node, "at"), "datetime", turn.started_at);
  text(part(node, "reply"), took(turn.reply_ms));
  text(part(node, "who"), words.speakers[turn.speaker] ?? turn.speaker);
  text(part(node, "plain"), cut ? turn.heard_text : said);
  const unheard = cut ? (turn.text.startsWith(turn.heard_text) ? turn.text.slice(turn.heard_text.length) : turn.text) : "";
  text(part(node, "tail"), unheard);
  show(part(node, "tail"), unheard !== "");
  const waiting = said ? "" : (words.transcription[turn.transcription] ?? (open || turn.transcription === "pending" ? "…" : ""));
  text(part(node, "waiting"), waiting);
  show(part(node, "waiting"), waiting !== "");
  text(part(node, "flag"), [words.flags[turn.status], cutBy(who)].filter(Boolean).join(" "));
  show(part(node, "flag"), turn.status in words.flags);
  show(part(node, "private"), turn.speaker === "operator");
  show(part(node, "chip"), Boolean(command));
  if (command) {
    paintChip(part(node, "chip"), command);
  }
}

function paintTool(node, { body: turn, output, command }, call) {
  const end = output?.started_at;
  const state = toolState(turn, output, call);
  attribute(node, "data-status", state);
  text(part(node, "at"), place(turn.started_at, call));
  attribute(part(node, "at"), "datetime", turn.started_at);
  text(part(node, "name"), turn.name || "tool");
  text(part(node, "state"), state);
  text(part(node, "took"), end ? took(span(turn.started_at, end)) : "");
  text(part(node, "arguments"), pretty(turn.arguments));
  text(part(node, "output"), output ? pretty(output.output) || "(empty)" : "not yet");
  show(part(node, "chip"), Boolean(command));
  if (command) {
    paintChip(part(node, "chip"), command);
  }
}

/** `asked` while its arguments are being written; then `running`, until there is an answer, or the call is over. */
export function toolState(turn, output, call) {
  if (turn.status === "incomplete" || (output && saysFailed(output.output))) {
    return "failed";
  }
  return output ? "done" : call.ended_at ? "no result" : turn.status === "open" ? "asked" : "running";
}

function saysFailed(output) {
  const [json, line, head] = words.toolFailed;
  const said = output.slice(0, head);
  return new RegExp(json, "i").test(said) || new RegExp(line, "i").test(said);
}

function paintSilence(node, { body: quiet }, call) {
  text(part(node, "at"), place(quiet.started_at, call));
  text(part(node, "took"), took(span(quiet.started_at, quiet.ended_at)));
}

function paintNote(node, { body: note }, call) {
  attribute(node, "data-note", note.kind);
  text(part(node, "at"), place(note.at, call));
  text(part(node, "text"), noteSentence(note));
}

export function noteSentence(note) {
  const sentence = words.notes[note.kind] ?? note.kind.replaceAll("_", " ");
  const key = words.noteWords.find((name) => note.body?.[name]);
  return key ? `${sentence}: ${note.body[key]}` : sentence;
}

function paintGap(node, { body: gap }, call) {
  text(part(node, "from"), place(gap.started_at, call));
  text(part(node, "to"), place(gap.ended_at, call));
  text(part(node, "took"), took(span(gap.started_at, gap.ended_at)));
  text(part(node, "cause"), words.causes[gap.cause] ?? gap.cause.replaceAll("_", " "));
}

function paintCommand(node, { body: command }, call) {
  text(part(node, "at"), place(command.requested_at, call));
  paintChip(part(node, "chip"), command);
}
