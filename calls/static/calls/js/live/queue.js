// The cards beside the list: what needs somebody, the most urgent first. The fragment _need.html has the same parts.

import { wording } from "../lib/attention.js";
import { attribute, clone, icon, part, show, text } from "../lib/dom.js";
import { isLive, words } from "../lib/faces.js";
import { StillList } from "./list.js";
import { mostUrgent } from "./order.js";
import { aged, said, sentence } from "./rows.js";

const MOST = 12;

export class Queue {
  #page;
  #list;
  #more;
  #calm;
  #count;

  constructor(page, released) {
    this.#page = page;
    this.#more = page.querySelector("[data-more]");
    this.#calm = page.querySelector("[data-calm]");
    this.#count = page.querySelector("[data-figure=queue]");
    this.#list = new StillList(page.querySelector("[data-cards]"), released);
  }

  /** `seen`: [{row, need}] of all calls. Returns those that need somebody. */
  paint(seen, now) {
    const urgent = mostUrgent(seen);
    const wanted = urgent.slice(0, MOST);
    for (const { row } of wanted) {
      if (!this.#list.nodes.has(row.code)) {
        this.#list.nodes.set(row.code, newCard(row, this.#page.dataset.base));
      }
    }
    this.#list.place(wanted.map(({ row }) => row.code));
    const known = new Map(seen.map((one) => [one.row.code, one]));
    for (const [code, node] of this.#list.nodes) {
      paintCard(node, known.get(code), now);
    }
    show(this.#more, urgent.length > MOST);
    text(part(this.#more, "count"), urgent.length - MOST);
    show(this.#calm, this.#list.order.length === 0);
    text(this.#count, urgent.length || "");
    return urgent;
  }

  /** Links of the cards, where they can be seen. */
  links() {
    return this.#list.links().filter((link) => link.checkVisibility());
  }
}

function newCard(row, base) {
  const node = clone("need");
  node.dataset.code = row.code;
  part(node, "link").href = `${base}${row.code}/`;
  return node;
}

/** A card under the hand stays when its call is well again, and says so. */
function paintCard(node, one, now) {
  const need = one && one.need?.severity !== "note" ? one.need : undefined;
  attribute(node, "data-severity", need?.severity ?? "settled");
  text(part(node, "kind"), need ? words.severities[need.severity].word : "Settled");
  icon(node, need ? words.severities[need.severity].icon : "circle-check");
  text(part(node, "age"), need ? aged(need, now) : "");
  if (!one) {
    return;
  }
  const { row } = one;
  if (need) {
    text(part(node, "why"), wording(need, words.attention));
  }
  text(part(node, "link"), row.from || "unknown");
  attribute(part(node, "link"), "aria-label", sentence(row, need));
  text(part(node, "agent"), `${row.agent || "no agent"}${row.version ? ` v${row.version}` : ""}`);
  text(part(node, "words"), said(row));
  attribute(part(node, "words"), "data-speaker", isLive(row) ? row.last_speaker || null : null);
}
