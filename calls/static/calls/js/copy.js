// Copies the text beside the button and says so; where the browser refuses, marks it for the person's own ctrl+c.

import { part, text } from "./lib/dom.js";

const SHOWN_MS = 2_000;

export function start(box) {
  const words = part(box, "text");
  let timer = 0;

  box.querySelector("button").addEventListener("click", async () => {
    const copied = await write(words.textContent);
    if (!copied) {
      getSelection().selectAllChildren(words);
    }
    box.toggleAttribute("data-copied", copied);
    text(part(box, "said"), copied ? "Copied." : "Marked: press ctrl and c to copy.");
    clearTimeout(timer);
    timer = setTimeout(() => {
      box.removeAttribute("data-copied");
      text(part(box, "said"), "");
    }, SHOWN_MS);
  });
}

/** Refused on pages without TLS, and where the person said no. */
async function write(words) {
  try {
    await navigator.clipboard.writeText(words);
    return true;
  } catch {
    return false;
  }
}
