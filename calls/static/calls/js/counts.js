// How many calls are live and how many need somebody, in the top bar of every page but Live, which counts its own rows.

import { attribute, part, show, text } from "./lib/dom.js";

const EVERY_MS = 15_000;
const TIMEOUT_MS = 5_000;

export function start(link) {
  let timer = 0;

  async function ask() {
    clearTimeout(timer);
    const figures = await read(link.dataset.from);
    // Figures that nobody can vouch for are not shown at all.
    show(link, figures !== null);
    if (figures) {
      const { live, need } = figures;
      text(part(link, "live"), live);
      text(part(link, "need"), need);
      show(link.querySelector("[data-need]"), need > 0);
      attribute(link, "aria-label", `${live} live${need ? `, ${need} ${need === 1 ? "needs" : "need"} you` : ""}: to Live`);
    }
    // A page that nobody looks at asks nothing; it asks at once when it is looked at again.
    timer = document.hidden ? 0 : setTimeout(ask, EVERY_MS);
  }

  document.addEventListener("visibilitychange", () => !document.hidden && ask());
  ask();
}

async function read(address) {
  try {
    const headers = { Accept: "application/json" };
    const answer = await fetch(address, { headers, redirect: "manual", signal: AbortSignal.timeout(TIMEOUT_MS) });
    return answer.ok ? await answer.json() : null;
  } catch {
    return null;
  }
}
