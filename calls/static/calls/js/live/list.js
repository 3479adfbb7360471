// A keyed list that holds still under the hand: while pointer or focus is inside, nothing in it moves or goes. A hand
// that does not move is a pointer that was parked: the list goes on without it.

import { arrange } from "../lib/dom.js";
import { changes } from "./order.js";

const PARKED_MS = 60_000;
// So many rows wait below what stands; more stand in the count of changes only.
const BELOW_MOST = 100;
const SIGNS_OF_LIFE = ["pointermove", "pointerdown", "wheel", "keydown", "focusin"];

/** `nodes`: by code; `order`: the codes as they stand. */
export class StillList {
  #list;
  #parts;
  #under = new Set();
  #movedAt = -Infinity;
  #standing;
  #order;
  nodes;

  /** `released()` is told when the hand leaves. `beside`: what stands elsewhere and counts as inside, as its pill does. */
  constructor(list, released, ...beside) {
    this.#list = list;
    this.#parts = [list, ...beside];
    this.nodes = new Map([...list.children].map((node) => [node.dataset.code, node]));
    this.order = [...this.nodes.keys()];
    for (const part of this.#parts) {
      SIGNS_OF_LIFE.forEach((sign) =>
        part.addEventListener(sign, () => (this.#movedAt = performance.now()), { passive: true }),
      );
      part.addEventListener("pointerenter", () => {
        this.#movedAt = performance.now();
        this.#under.add(part);
      });
      part.addEventListener("pointerleave", () => {
        this.#under.delete(part);
        released();
      });
      part.addEventListener("focusout", released);
    }
  }

  get order() {
    return this.#order;
  }

  set order(codes) {
    this.#order = codes;
    this.#standing = new Set(codes);
  }

  get held() {
    const inside = this.#under.size > 0 || this.#parts.some((part) => part.contains(document.activeElement));
    return this.order.length > 0 && inside && performance.now() - this.#movedAt < PARKED_MS;
  }

  /** Whether a code stands in the list. */
  has(code) {
    return this.#standing.has(code);
  }

  /** Put `wanted` (codes) in order, or, while held, below what stands. Returns how many changes wait, and who left. */
  place(wanted, force = false) {
    const held = !force && this.held;
    if (held) {
      const room = Math.max(0, wanted.length + BELOW_MOST - this.order.length);
      const added = wanted.filter((code) => !this.has(code)).slice(0, room);
      this.#list.append(...added.map((code) => this.nodes.get(code)));
      this.order = [...this.order, ...added];
    }
    const waiting = changes(this.order, wanted);
    if (held || waiting === 0) {
      return { waiting: held ? waiting : 0, left: [] };
    }
    const focused = document.activeElement;
    arrange(this.#list, wanted.map((code) => this.nodes.get(code)));
    if (this.#list.contains(focused)) {
      focused.focus({ preventScroll: true });
    }
    const kept = new Set(wanted);
    const left = [...this.nodes].filter(([code]) => !kept.has(code));
    left.forEach(([code]) => this.nodes.delete(code));
    this.order = wanted;
    return { waiting: 0, left };
  }

  /** Links in the order in which they stand. */
  links() {
    return this.order.map((code) => this.nodes.get(code).querySelector("a"));
  }
}
