// Waits for the first event of a provider account and says so when it came. Asks while somebody looks, for an hour.

import { part, text } from "./lib/dom.js";

const EVERY_MS = 2_000;
const LIMIT_MS = 3_600_000;

export function start(box) {
  const began = performance.now();

  async function ask() {
    if (performance.now() - began > LIMIT_MS) {
      text(part(box, "said"), "No event came within an hour. Reload the page to wait on.");
      return;
    }
    if (document.visibilityState === "visible" && (await arrived(box.dataset.url))) {
      box.dataset.tone = "good";
      text(part(box, "said"), "Connected: the first event has arrived.");
      return;
    }
    setTimeout(ask, EVERY_MS);
  }

  setTimeout(ask, EVERY_MS);
}

/** False also where the server is away for a moment: the next question follows anyway. */
async function arrived(url) {
  try {
    const answer = await fetch(url, { headers: { Accept: "application/json" }, redirect: "manual" });
    return answer.ok && (await answer.json()).first !== null;
  } catch {
    return false;
  }
}
