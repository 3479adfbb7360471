// Reads final turns to screen readers: at most one entry in two seconds, merged beyond that; partial words never.

import { words } from "../lib/faces.js";
import { byRank } from "../feed/reduce.js";

const EVERY_MS = 2_000;
const KEEP = 20;

export class Announcer {
  #log;
  #known;
  #waiting = [];
  #last = 0;
  #timer = 0;

  /** `state`: what the page showed at first is not news. */
  constructor(log, state) {
    this.#log = log;
    this.#known = new Set([...state.turns.values()].filter(isFinal).map((turn) => turn.item_id));
  }

  hear(state) {
    for (const turn of [...state.turns.values()].filter(isFinal).sort(byRank)) {
      if (!this.#known.has(turn.item_id)) {
        this.#known.add(turn.item_id);
        this.#waiting.push(`${words.speakers[turn.speaker] ?? turn.speaker}: ${turn.heard_text ?? turn.text}`);
      }
    }
    if (this.#waiting.length > 0 && !this.#timer) {
      this.#timer = setTimeout(() => this.#say(), Math.max(0, this.#last + EVERY_MS - performance.now()));
    }
  }

  #say() {
    this.#timer = 0;
    this.#last = performance.now();
    const entry = document.createElement("p");
    entry.append(this.#waiting.join(". "));
    this.#waiting = [];
    this.#log.append(entry);
    while (this.#log.childElementCount > KEEP) {
      this.#log.firstElementChild.remove();
    }
  }
}

function isFinal(turn) {
  return turn.kind === "message" && turn.status !== "open" && turn.status !== "deleted" && turn.text !== "";
}
