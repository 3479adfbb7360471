// The call page: ties the stream of one call to its head, transcript, ledger, facts, timeline, controls and replay.

import { Feed } from "../feed/socket.js";
import { bind } from "../keys.js";
import { clock } from "../lib/clock.js";
import { pageData, show } from "../lib/dom.js";
import { isLive } from "../lib/faces.js";
import { oncePerFrame } from "../lib/frame.js";
import { isStale, keepPill } from "../pill.js";
import { Announcer } from "./announce.js";
import { stateAt } from "./at.js";
import { Controls, written } from "./controls.js";
import { costOf, costWords } from "./cost.js";
import { paintFacts } from "./facts.js";
import { Follow } from "./follow.js";
import { paintAge, paintHead, paintWatchers } from "./header.js";
import { Ledger } from "./ledger.js";
import { lines } from "./lines.js";
import { Player } from "./player.js";
import { Differences, SessionForm } from "./session.js";
import { Timeline } from "./timeline.js";
import { Transcript } from "./transcript.js";

/** A call that ended longer ago than this gets no news: its page needs no socket. */
const SETTLED_MS = 60_000;
/** How often what passes without any event is drawn. */
const TICK_MS = 250;
const FIGURES = ["turns", "usage", "gaps", "notes"];

export function start(page) {
  const first = pageData("snapshot");
  const prices = pageData("prices");
  const find = (name) => page.querySelector(`[data-part="${name}"]`);
  const [head, box, earlier] = ["head", "scroll", "earlier"].map(find);
  clock.heard(page.dataset.now);
  const feed = new Feed(page.dataset.feed);
  feed.follow(first);
  /** What is known, and what of it is shown: in a replay, as it stood then. */
  let known = feed.state(first.stream);
  let shown = known;
  let drawn = null;
  let live = isLive(known.call);
  let turns = [];

  const flush = oncePerFrame(paint);
  const transcript = new Transcript(find("lines"), earlier);
  const player = new Player(find("player"), flush);
  const timeline = new Timeline(find("timeline"), {
    jump,
    seek: (at) => player.seek(at),
    canSeek: () => player.ready,
    replays: () => player.at,
  });
  const follow = new Follow(box, find("latest"), () => timeline.release());
  const ledger = new Ledger(find("ledger"), find("ledger-empty"));
  const announcer = new Announcer(find("log"), known);
  const session = new SessionForm(find("session"));
  const differences = new Differences(find("settings"));
  const controls = new Controls(find("controls"), (command) => {
    // Shown at once as requested; the feed tells the rest, and its entry replaces this one.
    if (!known.commands.has(command.id)) {
      known = feed.amend(first.stream, (state) => ({
        ...state,
        commands: new Map(state.commands).set(command.id, command),
      }));
      flush();
    }
  });

  function paint() {
    shown = player.at === null ? known : stateAt(known, player.at);
    if (drawn !== shown) {
      paintState();
    }
    tick();
  }

  function paintState() {
    const moves = follow.following || player.at !== null;
    const changed = (name) => !drawn || drawn[name] !== shown[name];
    paintHead(head, shown.call, costWords(costOf(shown.usage.values(), prices)));
    paintWatchers(find("watching"), known.present);
    const count = transcript.paint(shown);
    show(find("silent"), count === 0);
    follow.painted(count, moves);
    controls.paint(known.call);
    session.paint(known, controls.steers && isLive(known.call));
    if (changed("commands")) {
      ledger.paint(shown.commands);
    }
    if (FIGURES.some(changed)) {
      paintFacts(find("facts"), shown, prices);
    }
    if (changed("session") || changed("commands")) {
      differences.paint(shown);
    }
    announcer.hear(known);
    if (live && !isLive(known.call)) {
      document.querySelector("[data-alert]").textContent = "The call is over.";
    }
    live = isLive(known.call);
    player.open(known.call);
    turns = lines(known)
      .filter(({ kind }) => kind === "turn" || kind === "tool")
      .sort((a, b) => (a.at < b.at ? -1 : a.at > b.at ? 1 : 0));
    page.toggleAttribute("data-replay", player.at !== null);
    drawn = shown;
    drawTimeline();
  }

  function tick() {
    const now = player.at ?? clock.now();
    if (!isStale(feed) || !isLive(known.call)) {
      const replayed = player.at === null ? "" : "Replay: as it stood then";
      page.toggleAttribute("data-veiled", paintAge(head, shown.call, now, replayed) === "silent");
      controls.tick(known.call, clock.now());
      if (isLive(known.call)) {
        drawTimeline();
      }
    }
  }

  function drawTimeline() {
    const seen = transcript.visible(box);
    timeline.paint(player.at === null ? shown : known, clock.now(), { turns, seen, playhead: player.at });
  }

  /** Lead to a line of the transcript. */
  function jump(key) {
    const node = transcript.find(key, shown);
    if (node) {
      page.querySelectorAll("[data-here]").forEach((one) => one.removeAttribute("data-here"));
      node.dataset.here = "";
      follow.show(node);
      drawTimeline();
    }
  }

  feed.listen(({ stream, state, role }) => {
    if (role) {
      controls.role(role);
      drawn = null;
      flush();
    } else if (stream === first.stream && state.known) {
      known = state;
      flush();
    }
  });
  earlier.querySelector("button").addEventListener("click", () => {
    const below = box.scrollHeight - box.scrollTop;
    transcript.more();
    transcript.paint(shown);
    box.scrollTop = box.scrollHeight - below;
    drawTimeline();
  });
  box.addEventListener("scroll", oncePerFrame(drawTimeline), { passive: true });
  bind("e", () => (player.at === null ? follow.latest() : player.toEnd()), "Latest turn");
  bind("[", () => timeline.step(-1), "Turn before");
  bind("]", () => timeline.step(1), "Turn after");
  bind(
    "Escape",
    () => {
      if (!written()) {
        document.querySelector("[data-section=live]")?.click(); // never away from words that were not sent
      }
    },
    "Back to Live",
  );

  paint();
  // A hit of a search leads to its turn, however far back it is.
  const wanted = new URLSearchParams(location.search).get("turn");
  if (wanted) {
    jump(`turn:${wanted}`);
  }
  setInterval(tick, TICK_MS);
  const ended = known.call.ended_at;
  if (isLive(known.call) || (ended && clock.now() - Date.parse(ended) < SETTLED_MS)) {
    keepPill(feed, () => flush());
    feed.start();
  }
}
