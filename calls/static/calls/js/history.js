// The history of calls: keys that walk the rows, and a sign that a search is still under way.

import { bind } from "./keys.js";
import { show } from "./lib/dom.js";

const BUSY_AFTER_MS = 300;

export function start(page) {
  const form = page.querySelector("[data-part=form]");
  const busy = page.querySelector("[data-part=busy]");
  const links = [...page.querySelectorAll("[data-part=rows] .h-caller a")];

  function step(by) {
    const row = document.activeElement?.closest("tr");
    const at = links.findIndex((link) => link.closest("tr") === row);
    links[at === -1 ? 0 : Math.min(links.length - 1, Math.max(0, at + by))]?.focus();
  }

  bind("/", () => form.elements.q.focus(), "Find words in transcripts");
  bind("j", () => step(1), "Next call");
  bind("k", () => step(-1), "Previous call");
  bind("Escape", () => document.activeElement?.blur());

  // Where the fields would push the rows out of sight, the chips say what is on.
  const more = form.querySelector("details");
  if (matchMedia("(max-width: 767px)").matches && !more.querySelector(".error")) {
    more.open = false;
  }

  // Fields that say nothing stay out of the address.
  form.addEventListener("formdata", (event) => {
    for (const [name, value] of [...event.formData]) {
      if (value === "") {
        event.formData.delete(name);
      }
    }
  });
  let waiting;
  form.addEventListener("submit", () => {
    waiting = setTimeout(() => show(busy, true), BUSY_AFTER_MS);
  });
  // A page that comes back from the browser's memory is not searching any more.
  addEventListener("pageshow", () => {
    clearTimeout(waiting);
    show(busy, false);
  });
}
