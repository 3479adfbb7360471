// Keys of every page, and the dialog that lists them. None fires inside a field or while a dialog is open.

import { typing } from "./lib/dom.js";
import { openModal } from "./dialogs.js";

const SEQUENCE_MS = 1_200;
const bound = new Map();

/** Let `key` run `action` on this page. */
export function bind(key, action) {
  bound.set(key, action);
}

export function start(body) {
  const links = { l: "live", h: "calls" };
  let wentAt = -Infinity;

  bind("/", () => document.querySelector("[data-find]")?.focus());
  bind("?", () => openModal(document.getElementById("keys")));

  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || event.isComposing) {
      return;
    }
    if (event.key === "Escape") {
      leaveField(event);
      return;
    }
    if (typing(event)) {
      return;
    }
    if (performance.now() - wentAt < SEQUENCE_MS && links[event.key]) {
      wentAt = -Infinity;
      event.preventDefault();
      body.querySelector(`[data-section="${links[event.key]}"]`)?.click();
      return;
    }
    wentAt = event.key === "g" ? performance.now() : -Infinity;
    const action = bound.get(event.key);
    if (action) {
      event.preventDefault();
      action(event);
    }
  });
}

/** Esc leaves a field first; outside of one it goes back to the list. */
function leaveField(event) {
  if (document.querySelector("dialog[open], [popover]:popover-open")) {
    return;
  }
  if (typing(event)) {
    event.target.blur();
  } else {
    bound.get("Escape")?.(event);
  }
}
