// The dialog that lists the keys which this page has for this person: whatever was bound, never a list kept by hand.

import { openModal } from "./dialogs.js";
import { bind, bindings, destinations, lettersOn } from "./keys.js";
import { clone, part, show, text } from "./lib/dom.js";

export function start(dialog) {
  const open = () => openModal(dialog);
  bind("?", open, "This list", "Everywhere");
  // However it is opened, it tells what is bound now.
  dialog.addEventListener("beforetoggle", (event) => event.newState === "open" && paint(dialog));
}

function paint(dialog) {
  const groups = Map.groupBy(bindings(), ({ group }) => group);
  const places = destinations().map(({ key, label }) => ({ keys: ["g", key], label }));
  const rows = (name) => (groups.get(name) ?? []).filter(({ keys }) => keys.length > 0);
  fill(dialog.querySelector("[data-keys=here]"), rows("This page"));
  fill(dialog.querySelector("[data-keys=everywhere]"), rows("Everywhere"));
  fill(dialog.querySelector("[data-keys=places]"), places);
  show(dialog.querySelector("[data-off]"), !lettersOn());
}

function fill(list, rows) {
  list.replaceChildren(
    ...rows.map(({ keys, label }) => {
      const row = clone("key-row");
      text(part(row, "label"), label);
      part(row, "keys").append(...keys.flatMap((key) => [cap(key), " "]));
      return row;
    }),
  );
  show(list.parentElement, rows.length > 0);
}

function cap(words) {
  const key = document.createElement("kbd");
  key.textContent = words;
  return key;
}
