// The tiles above the list: what rows tell, at once; what they do not (failures, spend), every 15 s from the server.

import { rank } from "../lib/attention.js";
import { attribute, text } from "../lib/dom.js";
import { isLive } from "../lib/faces.js";
import { took } from "../lib/format.js";

const EVERY_MS = 15_000;

/** Of rows: mirrors tiles of calls/web/rows.py. */
export function counted(seen) {
  const replies = seen
    .map(({ row }) => row.reply_ms)
    .filter((ms) => ms !== null && ms !== undefined)
    .sort((a, b) => a - b);
  return {
    live: seen.filter(({ row }) => isLive(row)).length,
    need: seen.filter(({ need }) => rank(need) < 2).length,
    act: seen.filter(({ need }) => rank(need) === 0).length,
    median: replies[Math.floor((replies.length - 1) / 2)] ?? null,
    p95: replies[Math.ceil(replies.length * 0.95) - 1] ?? null,
  };
}

export class Figures {
  #page;
  #nodes = new Map();

  constructor(page) {
    this.#page = page;
    setInterval(() => this.#ask(), EVERY_MS);
  }

  /** What the rows tell now; returns it. */
  paint(seen) {
    const found = counted(seen);
    text(this.#figure("live"), found.live);
    text(this.#figure("need"), found.need);
    text(this.#figure("act"), found.act ? `${found.act} to act on now` : "");
    attribute(this.#tile("need"), "data-need", found.need ? "" : null);
    for (const name of ["median", "p95"]) {
      this.#value(name, found[name] === null ? null : took(found[name]), "no data");
    }
    return found;
  }

  /** A page that is not looked at asks nothing; a failed request leaves the figures as they are. */
  async #ask() {
    if (document.visibilityState !== "visible") {
      return;
    }
    const answer = await fetch(this.#page.dataset.figures, { headers: { Accept: "application/json" }, redirect: "manual" }).catch(() => null);
    if (answer?.ok) {
      this.#told(await answer.json());
    }
  }

  #told({ limit, ended, failed, spent, spent_whole: whole, currency }) {
    text(this.#figure("limit"), limit === null ? "" : `of ${limit} at once`);
    this.#value("failed", ended ? failed : null, "no data");
    text(this.#figure("ended"), ended ? `of ${ended} that ended` : "");
    attribute(this.#tile("failed"), "data-need", failed ? "" : null);
    this.#value("spent", spent, "no price");
    text(this.#figure("currency"), spent === null ? "" : `${currency}${whole ? "" : ", not exact"}`);
  }

  #value(name, value, otherwise) {
    const figure = this.#figure(name);
    text(figure, value ?? otherwise);
    attribute(figure, "data-none", value === null ? "" : null);
  }

  #figure(name) {
    return this.#found(`[data-figure=${name}]`);
  }

  #tile(name) {
    return this.#found(`[data-tile=${name}]`);
  }

  #found(selector) {
    if (!this.#nodes.has(selector)) {
      this.#nodes.set(selector, this.#page.querySelector(selector));
    }
    return this.#nodes.get(selector);
  }
}
