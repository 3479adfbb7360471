// A keyed list that holds still under the hand: while pointer or focus is inside, nothing in it moves or goes.

import { arrange } from "../lib/dom.js";
import { changes } from "./order.js";

/** `nodes`: by code; `order`: the codes as they stand. */
export class StillList {
  #list;
  #parts;
  #under = new Set();
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
      part.addEventListener("pointerenter", () => this.#under.add(part));
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
    return this.order.length > 0 && (this.#under.size > 0 || this.#parts.some((part) => part.contains(document.activeElement)));
  }

  /** Whether a code stands in the list. */
  has(code) {
    return this.#standing.has(code);
  }

  /** Put `wanted` (codes) in order, or, while held, below what stands. Returns how many changes wait, and who left. */
  place(wanted, force = false) {
    const held = !force && this.held;
    if (held) {
      const added = wanted.filter((code) => !this.has(code));
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
