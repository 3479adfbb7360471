// A short word about something that happened away from where one looks. Stays until it is put away, or is replaced.

import { clone, part, text } from "./lib/dom.js";

let shown = null;

export function toast(words, tone = "info") {
  shown?.remove();
  shown = clone("toast");
  shown.dataset.tone = tone;
  shown.querySelector("button").addEventListener("click", (event) => event.currentTarget.parentElement.remove());
  document.body.append(shown);
  shown.showPopover();
  // After it is there: what a live region holds from the start is not read out.
  text(part(shown, "words"), words);
}
