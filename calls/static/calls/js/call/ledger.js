// The list of all commands of the call, newest first, with every step and its time.

import { arrange, clone, part, text } from "../lib/dom.js";
import { took } from "../lib/format.js";
import { paintChip, steps } from "./chip.js";

export class Ledger {
  #list;
  #empty;
  #nodes;
  #painted = new Map();

  constructor(list, empty) {
    this.#list = list;
    this.#empty = empty;
    this.#nodes = new Map([...list.children].map((node) => [node.dataset.id, node]));
  }

  paint(commands) {
    const newest = [...commands.values()].sort((a, b) => (a.requested_at < b.requested_at ? 1 : -1));
    arrange(
      this.#list,
      newest.map((command) => this.#entry(command)),
    );
    this.#empty.hidden = newest.length > 0;
  }

  #entry(command) {
    let node = this.#nodes.get(command.id);
    if (!node) {
      node = clone("ledger-entry");
      node.dataset.id = command.id;
      this.#nodes.set(command.id, node);
    }
    if (this.#painted.get(command.id) !== command) {
      this.#painted.set(command.id, command);
      paintChip(part(node, "chip"), command);
      text(part(node, "by"), command.by);
      text(part(node, "text"), command.text);
      text(
        part(node, "steps"),
        steps(command)
          .map(([word, ms], at) => (at === 0 ? word : `${word} ${took(ms)}`))
          .join(" → "),
      );
    }
    return node;
  }
}
