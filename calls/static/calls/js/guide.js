// Ticks the first steps off while the page stays open. The server says what is done, by what is on record.

import { attribute, part, show, text } from "./lib/dom.js";

const SOON_MS = 800;
const EVERY_MS = 4_000;

export function start(strip) {
  const steps = [...strip.querySelectorAll("[data-deed]")];

  async function look() {
    if (!document.hidden) {
      const done = await asked(strip.dataset.progress);
      if (done) {
        tick(new Set(done));
      }
      if (done?.length === steps.length) {
        return;
      }
    }
    setTimeout(look, EVERY_MS);
  }

  function tick(done) {
    const here = steps.find((step) => !done.has(step.dataset.deed));
    for (const step of steps) {
      const over = done.has(step.dataset.deed);
      step.toggleAttribute("data-done", over);
      attribute(step, "aria-current", step === here ? "step" : null);
      text(part(step, "said"), over ? "done" : "");
    }
    text(part(strip, "count"), done.size);
    show(part(strip, "end"), !here);
  }

  // The visit to this very page is noted when it has been answered.
  setTimeout(look, SOON_MS);
}

/** The deeds that are done; null where nobody could be asked: it is asked again. */
async function asked(address) {
  try {
    const answer = await fetch(address, { headers: { Accept: "application/json" }, redirect: "manual" });
    return answer.ok ? (await answer.json()).done : null;
  } catch {
    return null;
  }
}
