// The connection pill: the age of the last frame, as it is. Announces a loss of more than five seconds once.

import { age } from "./lib/format.js";
import { attribute, part, text } from "./lib/dom.js";

export const STALE_S = 5;

/** Seconds since the last frame. */
export function frameAge(feed) {
  return (performance.now() - feed.lastFrameAt) / 1_000;
}

export function isStale(feed) {
  return feed.phase === "closed" || frameAge(feed) >= STALE_S;
}

/** Keeps the pill current; `changed(stale)` is told when the page becomes stale or current again. */
export function keepPill(feed, changed) {
  const pill = document.querySelector("[data-pill]");
  const alert = document.querySelector("[data-alert]");
  let wasStale = false;

  function paint() {
    const seconds = frameAge(feed);
    const stale = isStale(feed);
    attribute(pill, "data-phase", stale && feed.phase === "live" ? "waiting" : feed.phase);
    text(part(pill, "text"), sentence(feed, seconds));
    if (stale !== wasStale) {
      wasStale = stale;
      document.documentElement.toggleAttribute("data-stale", stale);
      text(alert, stale ? feed.sentence || "The connection is lost. What you see is getting old." : "");
      changed(stale);
    }
  }

  feed.listen((news) => news.stream === undefined && paint());
  setInterval(paint, 200);
  paint();
}

function sentence(feed, seconds) {
  if (feed.phase === "closed") {
    return feed.sentence;
  }
  if (feed.phase === "live") {
    return seconds < STALE_S ? `Live ${age(seconds)}` : `No word, ${age(seconds)} old`;
  }
  return seconds < STALE_S ? "Connecting" : `Reconnecting, ${age(seconds)} old`;
}
