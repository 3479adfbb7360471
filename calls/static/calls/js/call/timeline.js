// Two lanes and the tools on one time axis: the last minutes of a live call, the whole of a finished one. It is the index
// of the transcript: a click, or the arrow keys, lead to a turn; in a replay they lead to its moment.

import { attribute, text } from "../lib/dom.js";
import { isLive, words } from "../lib/faces.js";
import { clockText } from "../lib/format.js";
import { barsOf, HEIGHT, LANE_HEIGHT } from "./bars.js";

const SVG = "http://www.w3.org/2000/svg";
const WINDOW_MS = 300_000;
const LEAST_MS = 30_000;
const DRAG_PX = 4;
const READ_CHARACTERS = 140;

export class Timeline {
  #figure;
  #track;
  #svg;
  #width = 1_000;
  #from = 0;
  #length = LEAST_MS;
  #turns = [];
  #start = 0;
  #chosen = null;
  #jump;
  #seek;
  #replays;

  /** `jump(key)`: show that line. `seek(at)`: show that moment, where `canSeek()`. `replays()`: the moment that a replay shows, or null. */
  constructor(figure, { jump, seek, canSeek, replays }) {
    this.#figure = figure;
    this.#track = figure.querySelector("[data-track]");
    this.#svg = this.#track.querySelector("svg");
    this.#jump = jump;
    this.#seek = (at) => canSeek() && seek(at);
    this.#replays = replays;
    new ResizeObserver(() => (this.#width = this.#svg.clientWidth || 1_000)).observe(this.#svg);
    this.#point(canSeek);
    this.#track.addEventListener("keydown", (event) => this.#key(event));
  }

  /** `turns`: lines of the whole call; `seen`: its first and last line in view; `playhead`: null outside of a replay. */
  paint(state, now, { turns, seen, playhead }) {
    const { call } = state;
    this.#start = Date.parse(call.answered_at ?? call.started_at);
    const end = call.ended_at ? Date.parse(call.ended_at) : now;
    this.#turns = turns;
    this.#place(isLive(call) && playhead === null, end);
    attribute(this.#svg, "viewBox", `0 0 ${this.#width} ${HEIGHT}`);
    this.#bars(this.#visible(barsOf(state, playhead ?? end)));
    this.#line("[data-now]", isLive(call) && playhead === null ? end : null);
    this.#line("[data-head]", playhead);
    this.#view(seen);
    this.#figure.querySelectorAll("[data-tick]").forEach((tick, index, all) => {
      text(tick, clockText((this.#from + (this.#length * index) / (all.length - 1) - this.#start) / 1_000));
    });
    this.#tell(playhead);
  }

  /** The reader is back at the newest line. */
  release() {
    this.#chosen = null;
  }

  #place(live, end) {
    const whole = Math.max(live ? LEAST_MS : 1_000, end - this.#start);
    this.#length = live ? Math.min(WINDOW_MS, whole) : whole;
    const latest = Math.max(this.#start, end - this.#length);
    const chosen = live && this.#chosen !== null ? this.#turns.find((turn) => turn.key === this.#chosen) : null;
    const wanted = chosen ? Date.parse(chosen.at) - this.#length / 8 : latest;
    this.#from = Math.max(this.#start, Math.min(latest, wanted));
  }

  #x(at) {
    return ((at - this.#from) / this.#length) * this.#width;
  }

  /** What lies in the window. Of marks and slivers that fall on one another, one is drawn: a long call stays light. */
  #visible(bars) {
    const taken = new Set();
    return [...bars].filter((bar) => {
      if (bar.to < this.#from || bar.from > this.#from + this.#length) {
        return false;
      }
      const spot = `${bar.look} ${Math.round(this.#x(bar.from) / 2)}`;
      const thin = this.#x(bar.to) - this.#x(bar.from) < 2;
      const hidden = thin && taken.has(spot);
      taken.add(spot);
      return !hidden;
    });
  }

  #bars(bars) {
    const group = this.#svg.querySelector("[data-bars]");
    while (group.childElementCount > bars.length) {
      group.lastElementChild.remove();
    }
    bars.forEach((bar, index) => {
      const rect = group.children[index] ?? group.appendChild(document.createElementNS(SVG, "rect"));
      const left = Math.max(0, this.#x(bar.from));
      attribute(rect, "class", bar.look);
      attribute(rect, "x", left.toFixed(1));
      attribute(rect, "y", bar.top);
      attribute(rect, "width", Math.max(2, Math.min(this.#width, this.#x(bar.to)) - left).toFixed(1));
      attribute(rect, "height", bar.height);
      attribute(rect, "rx", bar.height === LANE_HEIGHT ? 3 : 0);
    });
  }

  #line(selector, at) {
    const line = this.#svg.querySelector(selector);
    const x = Math.min(this.#width - 1, at === null ? 0 : this.#x(at)).toFixed(1);
    attribute(line, "x1", x);
    attribute(line, "x2", x);
    attribute(line, "visibility", at === null ? "hidden" : "visible");
  }

  #view(seen) {
    const rect = this.#svg.querySelector("[data-view]");
    const [first, last] = seen ?? [];
    const left = first ? Math.max(0, this.#x(Date.parse(first.at))) : 0;
    const right = last ? Math.min(this.#width, this.#x(Date.parse(last.body.ended_at ?? last.at))) : 0;
    attribute(rect, "x", left.toFixed(1));
    attribute(rect, "width", Math.max(0, right - left).toFixed(1));
  }

  /** For those who cannot see it. */
  #tell(playhead) {
    const index = this.#index(playhead);
    const turn = this.#turns[index];
    attribute(this.#track, "aria-valuemax", Math.max(0, this.#turns.length - 1));
    attribute(this.#track, "aria-valuenow", Math.max(0, index));
    attribute(this.#track, "aria-valuetext", turn ? `${clockText((Date.parse(turn.at) - this.#start) / 1_000)}, ${read(turn)}` : "no turn yet");
  }

  #index(playhead) {
    if (playhead !== null) {
      return this.#turns.findLastIndex((turn) => Date.parse(turn.at) <= playhead);
    }
    const chosen = this.#turns.findIndex((turn) => turn.key === this.#chosen);
    return chosen >= 0 ? chosen : this.#turns.length - 1;
  }

  #key(event) {
    const now = this.#index(this.#replays());
    const wanted = {
      ArrowLeft: now - 1,
      ArrowDown: now - 1,
      ArrowRight: now + 1,
      ArrowUp: now + 1,
      PageDown: now - 10,
      PageUp: now + 10,
      Home: 0,
      End: this.#turns.length - 1,
    }[event.key];
    if (wanted === undefined) {
      return;
    }
    event.preventDefault();
    this.#to(wanted);
  }

  /** The turn before or after. */
  step(by) {
    this.#to(this.#index(this.#replays()) + by);
  }

  #to(index) {
    const turn = this.#turns[Math.min(Math.max(0, index), this.#turns.length - 1)];
    if (turn) {
      this.#go(turn);
    }
  }

  #go(turn) {
    if (this.#replays() !== null) {
      this.#seek(Date.parse(turn.at));
    } else {
      this.#chosen = turn.key;
      this.#jump(turn.key);
    }
  }

  /** A click leads to a turn; dragging travels in time, where that is possible. */
  #point(canSeek) {
    let from = null;
    let dragged = false;
    this.#track.addEventListener("pointerdown", (event) => {
      from = event.button === 0 ? event.clientX : null;
      dragged = false;
      if (from !== null) {
        this.#track.setPointerCapture(event.pointerId);
      }
    });
    this.#track.addEventListener("pointermove", (event) => {
      if (from !== null && canSeek() && (dragged || Math.abs(event.clientX - from) > DRAG_PX)) {
        dragged = true;
        this.#seek(this.#when(event));
      }
    });
    this.#track.addEventListener("pointerup", (event) => {
      if (from !== null && !dragged) {
        this.#click(this.#when(event));
      }
      from = null;
    });
    this.#track.addEventListener("pointercancel", () => (from = null));
  }

  #when(event) {
    const { left, width } = this.#svg.getBoundingClientRect();
    return this.#from + ((event.clientX - left) / Math.max(1, width)) * this.#length;
  }

  #click(at) {
    if (this.#replays() !== null) {
      this.#seek(at);
      return;
    }
    const nearest = this.#turns.findLast((turn) => Date.parse(turn.at) <= at) ?? this.#turns[0];
    if (nearest) {
      this.#go(nearest);
    }
  }
}

function read({ kind, body, partial }) {
  const who = kind === "tool" ? "Tool" : (words.speakers[body.speaker] ?? body.speaker);
  const said = kind === "tool" ? body.name || "tool" : (partial?.text ?? (body.heard_text || body.text));
  return `${who}: ${said.slice(0, READ_CHARACTERS) || "…"}`;
}
