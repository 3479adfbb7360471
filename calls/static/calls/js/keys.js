// Keys of every page. None fires inside a field or while a dialog is open; single ones can be switched off (WCAG 2.1.4).

import { typing } from "./lib/dom.js";

const REPEATED = new Set(["j", "k", "[", "]"]);
const SEQUENCE_MS = 1_200;
const NAMES = { " ": ["space"], Escape: ["esc"] };
const bound = new Map();

/** Let `key` ("j", "Escape", "ctrl k") run `action` on this page. `label`: its name in list and command menu. */
export function bind(key, action, label = "", group = "This page") {
  bound.set(key, { keys: NAMES[key] ?? key.split(" "), action, label, group });
}

/** A command without a key: it stands in the command menu only. */
export function offer(action, label) {
  bound.set(label, { keys: [], action, label, group: "This page" });
}

/** What has a name, in the order of binding: [{keys, action, label, group}]. */
export function bindings() {
  return [...bound.values()].filter((one) => one.label);
}

/** Entries of the rail that `g` and a letter lead to. */
export function destinations() {
  return [...document.querySelectorAll(".rail a[data-key]")].map((link) => ({
    key: link.dataset.key,
    label: link.textContent.trim(),
    link,
  }));
}

/** Speech input types letters by accident, so a person may switch single keys off. */
export function lettersOn() {
  return document.documentElement.dataset.letters !== "off";
}

export function start() {
  let wentAt = -Infinity;

  bind("/", () => document.querySelector("[data-find]")?.focus(), "Find", "Everywhere");

  document.addEventListener("keydown", (event) => {
    if (event.altKey || event.isComposing) {
      return;
    }
    if (event.ctrlKey || event.metaKey) {
      together(event);
      return;
    }
    if (event.key === "Escape") {
      leaveField(event);
      return;
    }
    const pressed = event.key === " " && event.target.closest?.("button, a, summary");
    if (typing(event) || pressed || (event.key.length === 1 && !lettersOn())) {
      return;
    }
    const place = performance.now() - wentAt < SEQUENCE_MS && destinations().find(({ key }) => key === event.key);
    if (place) {
      wentAt = -Infinity;
      event.preventDefault();
      place.link.click();
      return;
    }
    wentAt = event.key === "g" ? performance.now() : -Infinity;
    const found = bound.get(event.key);
    if (found && event.repeat && !REPEATED.has(event.key)) {
      event.preventDefault(); // a key that is held down asks once
    } else if (found) {
      event.preventDefault();
      found.action(event);
    }
  });
}

/** Keys with ctrl work in fields too; the browser's own are not touched. */
function together(event) {
  const found = bound.get(`ctrl ${event.key.toLowerCase()}`);
  if (found && !document.querySelector("dialog[open]")) {
    event.preventDefault();
    found.action(event);
  }
}

/** Esc leaves a field first; outside of one it goes back to the list. */
function leaveField(event) {
  if (document.querySelector("dialog[open], [popover]:popover-open")) {
    return;
  }
  if (typing(event)) {
    event.target.blur();
  } else {
    bound.get("Escape")?.action(event);
  }
}
