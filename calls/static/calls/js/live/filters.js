// The filter bar of Live: fields, chips and address say the same thing; a change shows at once. The form works alone.

import { clone, part, show, text } from "../lib/dom.js";
import { chips, NAMES, query, shows, without } from "./narrow.js";

/** `changed()` is told when something else is asked for. */
export class Filters {
  #form;
  #find = document.querySelector("[data-find]");
  #chips;
  #drops;
  #changed;
  #shown = "";
  wanted = {};

  constructor(page, changed) {
    this.#form = page.querySelector("[data-filters]");
    this.#chips = page.querySelector("[data-chips]");
    this.#drops = page.querySelector("[data-drops]");
    this.#changed = changed;
    this.#read();
    this.#shown = query(this.wanted);
    this.#form.addEventListener("change", () => this.#take());
    this.#form.addEventListener("submit", (event) => event.preventDefault());
    this.#find.form.addEventListener("submit", (event) => event.preventDefault());
    // Esc empties a search field by itself, and tells only `search`.
    ["input", "search"].forEach((kind) => this.#find.addEventListener(kind, () => this.#take()));
    page.addEventListener("click", (event) => this.#clicked(event));
  }

  /** Ask for something else; fields and address follow. */
  set(wanted) {
    this.wanted = wanted;
    for (const name of ["state", "agent"]) {
      this.#form.elements[name].value = wanted[name] ?? "";
    }
    this.#form.elements.need.checked = Boolean(wanted.need);
    this.#find.value = wanted.q ?? "";
    this.#tell();
  }

  /** Where nothing is left: what would be seen without each filter. `seen`: [{row, need}] of all calls. */
  offer(seen) {
    const offers = chips(this.wanted).map(([name, words]) => {
      const rest = without(this.wanted, name);
      const count = seen.filter(({ row, need }) => shows(rest, row, need)).length;
      return [name, `Without ${words}: ${count} ${count === 1 ? "call" : "calls"}`];
    });
    fill(this.#drops, offers, (name) => query(without(this.wanted, name)));
  }

  #read() {
    const { state, agent, need } = this.#form.elements;
    this.wanted = { state: state.value, agent: agent.value, need: need.checked ? "1" : "", q: this.#find.value.trim() };
  }

  #take() {
    this.#read();
    this.#tell();
  }

  #tell() {
    const asked = query(this.wanted);
    if (asked !== this.#shown) {
      this.#shown = asked;
      history.replaceState(history.state, "", asked ? `?${asked}` : location.pathname);
      const set = chips(this.wanted);
      fill(this.#chips, set.length ? [...set, ["all", "Clear all"]] : [], (name) => query(without(this.wanted, name)));
      show(this.#chips, set.length > 0);
      this.#changed();
    }
  }

  #clicked(event) {
    const chip = event.target.closest("[data-chip]");
    if (chip && !event.ctrlKey && !event.metaKey && !event.shiftKey) {
      event.preventDefault();
      const inside = chip.contains(document.activeElement);
      this.set(without(this.wanted, chip.dataset.chip));
      if (inside) {
        this.#form.elements.state.focus();
      }
    }
  }
}

/** Keeps a list of chips; `offers`: [name, words]. Each is a link that works alone. */
function fill(list, offers, address) {
  const kept = new Map([...list.children].map((node) => [node.dataset.chip, node]));
  const nodes = offers.map(([name, words]) => {
    const known = kept.get(name);
    const node = known && part(known, "text") ? known : clone("chip");
    node.dataset.chip = name;
    node.href = `?${address(name)}`;
    text(part(node, "text"), words);
    node.classList.toggle("plain", name === "all" || list.hasAttribute("data-drops"));
    if (NAMES.includes(name) && !list.hasAttribute("data-drops")) {
      node.setAttribute("aria-label", `Remove the filter ${words}`);
    }
    return node;
  });
  list.replaceChildren(...nodes);
}
