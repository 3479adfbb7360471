// Keeps the newest line in view until the reader scrolls or selects; then counts what came below.

import { part, show, text } from "../lib/dom.js";

const NEAR_PX = 48;

export class Follow {
  #box;
  #pill;
  #following = true;
  #seen = 0;
  #lines = 0;
  #back;

  /** `back()`: the reader returned to the newest line. */
  constructor(box, pill, back = () => {}) {
    this.#back = back;
    this.#box = box;
    this.#pill = pill;
    box.addEventListener("scroll", () => this.#scrolled(), { passive: true });
    pill.addEventListener("click", () => this.latest());
    new ResizeObserver(() => this.#following && this.#down()).observe(box);
  }

  /** Before lines are painted: may the view move afterwards? */
  get following() {
    return this.#following && !this.#selecting();
  }

  painted(lines, follow) {
    this.#lines = lines;
    if (follow) {
      this.#seen = lines;
      this.#down();
    }
    this.#count();
  }

  /** Show a line, and stay there. */
  show(node) {
    this.#following = false;
    this.#seen = this.#lines;
    node.scrollIntoView({ block: "center" });
    this.#count();
  }

  latest() {
    this.#back();
    this.#following = true;
    this.#seen = this.#lines;
    document.getSelection()?.removeAllRanges();
    this.#down();
    this.#count();
  }

  #down() {
    this.#box.scrollTop = this.#box.scrollHeight;
  }

  #scrolled() {
    const { scrollHeight, scrollTop, clientHeight } = this.#box;
    const near = scrollHeight - scrollTop - clientHeight < NEAR_PX;
    if (near !== this.#following) {
      this.#following = near;
      this.#seen = this.#lines;
      if (near) {
        this.#back();
      }
    }
    this.#count();
  }

  #selecting() {
    const selection = document.getSelection();
    return Boolean(selection && !selection.isCollapsed && this.#box.contains(selection.anchorNode));
  }

  #count() {
    const fresh = this.#following ? 0 : this.#lines - this.#seen;
    show(this.#pill, !this.#following);
    text(part(this.#pill, "count"), fresh > 0 ? `${fresh} new` : "Latest");
  }
}
