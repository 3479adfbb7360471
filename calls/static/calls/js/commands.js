// The command menu: everything that this page and this person's frame can do, found by typing a few letters of it.

import { openModal } from "./dialogs.js";
import { bind, bindings, destinations } from "./keys.js";
import { attribute, clone, part, show, text } from "./lib/dom.js";

export function start(dialog) {
  const input = dialog.querySelector("input");
  const list = dialog.querySelector("[role=listbox]");
  let offers = [];
  let shown = [];
  let at = 0;

  function open() {
    offers = collect();
    input.value = "";
    openModal(dialog);
    paint();
  }

  function paint() {
    const words = input.value.toLowerCase().split(/\s+/).filter(Boolean);
    shown = offers.filter(({ label, group }) => words.every((word) => `${group} ${label}`.toLowerCase().includes(word)));
    list.replaceChildren(...shown.map(entry));
    show(dialog.querySelector("[data-no-command]"), shown.length === 0);
    choose(0);
  }

  function choose(index) {
    at = Math.min(Math.max(0, index), Math.max(0, shown.length - 1));
    [...list.children].forEach((node, place) => attribute(node, "aria-selected", String(place === at)));
    attribute(input, "aria-activedescendant", list.children[at]?.id ?? null);
    list.children[at]?.scrollIntoView({ block: "nearest" });
  }

  function run(index) {
    const chosen = shown[index];
    if (chosen) {
      dialog.close();
      chosen.action();
    }
  }

  input.addEventListener("input", paint);
  input.addEventListener("keydown", (event) => {
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (step) {
      event.preventDefault();
      choose(at + step);
    } else if (event.key === "Enter") {
      event.preventDefault();
      run(at);
    }
  });
  list.addEventListener("click", (event) => {
    const node = event.target.closest("[role=option]");
    if (node) {
      run([...list.children].indexOf(node));
    }
  });
  bind("ctrl k", open, "Command menu", "Everywhere");
}

function entry({ label, group, keys }, index) {
  const node = clone("command-entry");
  node.id = `command-${index}`;
  text(part(node, "label"), label);
  text(part(node, "group"), group);
  text(part(node, "keys"), keys.join(" "));
  show(part(node, "keys"), keys.length > 0);
  return node;
}

/** This page's own first, then where one can go, then what stands in the menus of the frame. */
function collect() {
  const here = bindings().filter(({ group }) => group === "This page");
  const places = destinations().map(({ key, label, link }) => ({
    label,
    group: "Go to",
    keys: ["g", key],
    action: () => link.click(),
  }));
  const menus = [...document.querySelectorAll("[data-offer]")].map((button) => ({
    label: button.dataset.offer,
    group: button.closest("[data-group]")?.dataset.group ?? "",
    keys: [],
    action: () => button.click(),
  }));
  return [...here, ...places, ...menus];
}
