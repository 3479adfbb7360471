// The call page: ties the stream of one call to its head, transcript, ledger, facts, timeline and controls.

import { Feed } from "../feed/socket.js";
import { bind } from "../keys.js";
import { clock } from "../lib/clock.js";
import { pageData, show } from "../lib/dom.js";
import { isLive } from "../lib/faces.js";
import { oncePerFrame } from "../lib/frame.js";
import { isStale, keepPill } from "../pill.js";
import { Announcer } from "./announce.js";
import { Controls } from "./controls.js";
import { paintFacts } from "./facts.js";
import { Follow } from "./follow.js";
import { paintAge, paintHead } from "./header.js";
import { Ledger } from "./ledger.js";
import { paintTimeline } from "./timeline.js";
import { Transcript } from "./transcript.js";

/** A call that ended longer ago than this gets no news: its page needs no socket. */
const SETTLED_MS = 60_000;

export function start(page) {
  const first = pageData("snapshot");
  const find = (name) => page.querySelector(`[data-part="${name}"]`);
  const head = find("head");
  clock.heard(page.dataset.now);
  const feed = new Feed(page.dataset.feed);
  feed.follow(first);
  let shown = feed.state(first.stream);

  const earlier = find("earlier");
  const transcript = new Transcript(find("lines"), earlier);
  const follow = new Follow(find("scroll"), find("latest"));
  const ledger = new Ledger(find("ledger"), find("ledger-empty"));
  const announcer = new Announcer(find("log"), shown);
  const controls = new Controls(find("controls"), (command) => {
    // Shown at once as requested; the feed tells the rest, and its entry replaces this one.
    if (!shown.commands.has(command.id)) {
      shown = feed.amend(first.stream, (state) => ({
        ...state,
        commands: new Map(state.commands).set(command.id, command),
      }));
      flush();
    }
  });
  let drawn = null;

  function paint() {
    if (drawn === shown) {
      return;
    }
    const moves = follow.following;
    paintHead(head, shown.call);
    const lines = transcript.paint(shown);
    show(find("silent"), lines === 0);
    follow.painted(lines, moves);
    controls.paint(shown.call);
    if (!drawn || drawn.commands !== shown.commands) {
      ledger.paint(shown.commands);
    }
    if (!drawn || drawn.turns !== shown.turns || drawn.usage !== shown.usage || drawn.gaps !== shown.gaps) {
      paintFacts(find("facts"), shown);
    }
    announcer.hear(shown);
    if (drawn && isLive(drawn.call) && !isLive(shown.call)) {
      document.querySelector("[data-alert]").textContent = "The call is over.";
    }
    drawn = shown;
    tick();
  }

  const flush = oncePerFrame(paint);

  function tick() {
    const now = clock.now();
    if (!isStale(feed) || !isLive(shown.call)) {
      page.toggleAttribute("data-veiled", paintAge(head, shown.call, now) === "silent");
      paintTimeline(find("timeline"), shown, now);
      controls.tick(shown.call, now);
    }
  }

  feed.listen(({ stream, state }) => {
    if (stream === first.stream && state.known) {
      shown = state;
      flush();
    }
  });
  earlier.querySelector("button").addEventListener("click", () => {
    const box = find("scroll");
    const below = box.scrollHeight - box.scrollTop;
    transcript.more();
    transcript.paint(shown);
    box.scrollTop = box.scrollHeight - below;
  });
  bind("e", () => follow.latest(), "Latest turn");
  bind("Escape", () => document.querySelector("[data-section=live]")?.click(), "Back to Live");

  paint();
  setInterval(tick, 250);
  const ended = shown.call.ended_at;
  if (isLive(shown.call) || (ended && clock.now() - Date.parse(ended) < SETTLED_MS)) {
    keepPill(feed, () => flush());
    feed.start();
  }
}
