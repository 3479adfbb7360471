// A command's state as a chip: icon, word, the time it took, the provider's words. Shown as done only when proven.

import { attribute, icon, part, show, text } from "../lib/dom.js";
import { words } from "../lib/faces.js";
import { took } from "../lib/format.js";
import { span } from "../lib/clock.js";

export function isSettled(command) {
  return Boolean(command.settled_at);
}

/** Milliseconds from the request to the proof, or to now. */
export function lasted(command) {
  return span(command.requested_at, command.settled_at);
}

export function paintChip(chip, command) {
  const state = words.commands[command.state];
  show(chip, true);
  attribute(chip, "data-state", command.state);
  icon(chip, state.icon);
  text(part(chip, "verb"), words.verbs[command.verb] ?? command.verb);
  text(part(chip, "state"), state.word);
  text(part(chip, "took"), isSettled(command) ? took(lasted(command)) : "");
  text(part(chip, "detail"), command.state === "confirmed" ? "" : command.detail);
}

/** Every step made so far: [[word, milliseconds since the request]…] */
export function steps(command) {
  const made = [
    ["requested", command.requested_at],
    ["picked up", command.claimed_at],
    ["sent", command.sent_at],
    [words.commands[command.state].word, command.settled_at],
  ];
  return made.filter(([, at]) => at).map(([word, at]) => [word, span(command.requested_at, at)]);
}
