// Plays a finished call again at its true pace. Keeps the moment; what is shown of it is the page's affair.

import { bind } from "../keys.js";
import { attribute, part, show, text } from "../lib/dom.js";
import { clockText } from "../lib/format.js";

/** How often the picture moves while it plays. Words come in steps of 100 ms. */
const EVERY_MS = 100;

export class Player {
  #bar;
  #moved;
  #start = 0;
  #end = 0;
  #pace = 1;
  #timer = 0;
  #last = 0;

  /** The moment that is shown, in milliseconds since 1970; null: the end, with everything in it. */
  at = null;

  /** `moved()`: another moment is to be shown. */
  constructor(bar, moved) {
    this.#bar = bar;
    this.#moved = moved;
    bar.querySelector("[data-play]").addEventListener("click", () => this.toggle());
    bar.querySelector("[data-end]").addEventListener("click", () => this.toEnd());
    bar.addEventListener("change", (event) => {
      this.#advance();
      this.#pace = Number(event.target.value);
    });
  }

  get ready() {
    return this.#end > this.#start;
  }

  get playing() {
    return this.#timer !== 0;
  }

  /** A call can be played once it is over. */
  open(call) {
    if (!call.ended_at || !call.answered_at || this.ready) {
      return;
    }
    bind(" ", () => this.toggle(), "Play, pause");
    this.#start = Date.parse(call.answered_at);
    this.#end = Date.parse(call.ended_at);
    show(this.#bar, this.ready);
    this.paint();
  }

  toggle() {
    if (this.playing) {
      this.pause();
      return;
    }
    if (!this.ready) {
      return;
    }
    if (this.at === null) {
      this.at = this.#start;
    }
    this.#last = performance.now();
    this.#timer = setInterval(() => this.#advance(), EVERY_MS);
    this.#tell();
  }

  pause() {
    this.#advance();
    this.#stop();
    this.#tell();
  }

  /** Show the call as it stood then, playing on if it played. */
  seek(at) {
    this.at = Math.min(Math.max(at, this.#start), this.#end);
    this.#last = performance.now();
    this.#tell();
  }

  toEnd() {
    this.#stop();
    this.at = null;
    this.#tell();
  }

  paint() {
    const bar = this.#bar;
    const at = this.at ?? this.#end;
    const button = bar.querySelector("[data-play]");
    attribute(button, "aria-pressed", String(this.playing));
    text(part(bar, "play"), this.playing ? "Pause" : this.at === null ? "Replay" : "Play");
    text(part(bar, "position"), clockText((at - this.#start) / 1_000));
    text(part(bar, "length"), clockText((this.#end - this.#start) / 1_000));
    show(bar.querySelector("[data-end]"), this.at !== null);
  }

  #advance() {
    if (!this.playing) {
      return;
    }
    const now = performance.now();
    this.at += (now - this.#last) * this.#pace;
    this.#last = now;
    if (this.at >= this.#end) {
      this.toEnd();
    } else {
      this.#tell();
    }
  }

  #stop() {
    clearInterval(this.#timer);
    this.#timer = 0;
  }

  #tell() {
    this.paint();
    this.#moved();
  }
}
