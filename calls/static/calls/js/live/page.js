// The Live page: one row per call, patched from the stream `tenant`. Server order first, then ours (order.js).

import { Feed } from "../feed/socket.js";
import { prune } from "../feed/reduce.js";
import { bind } from "../keys.js";
import { clock } from "../lib/clock.js";
import { attribute, pageData, part, show, text } from "../lib/dom.js";
import { isLive, worst } from "../lib/faces.js";
import { timer } from "../lib/format.js";
import { fewTimes } from "../lib/frame.js";
import { isStale, keepPill } from "../pill.js";
import { Figures } from "./figures.js";
import { Filters } from "./filters.js";
import { Talk } from "./lane.js";
import { StillList } from "./list.js";
import { shows } from "./narrow.js";
import { worstFirst } from "./order.js";
import { Queue } from "./queue.js";
import { aged, newRow, paintNeed, paintRow } from "./rows.js";

const ENDED_STAYS_MS = 30_000;
const ROWS_FIRST = 200;
const STATUS_EVERY_MS = 15_000;
// Five times a second is what an eye takes in of a list; a storm of events costs no more than that.
const FLUSH_MS = 200;
// Rows that jump more often cannot be read, and each that moves is laid out anew.
const ORDER_MS = 1_000;
// Rows out of view follow so much later, for those who search the page, and each time only as many as the time that has
// passed allows: a thousand that are due together would take a frame for themselves. So many beside the view are painted
// with it.
const UNSEEN_MS = 5_000;
const BESIDE = 10;

export function start(page) {
  const first = pageData("snapshot");
  const list = page.querySelector("[data-rows]");
  const pill = page.querySelector("[data-changes]");
  const table = page.querySelector("[role=table]");
  const [empty, wall, card, nothing, more, status] = ["empty", "wall", "list", "nothing", "all", "status"].map((name) =>
    page.querySelector(`[data-${name}]`),
  );
  const painted = new Map();
  const talk = new Map();
  let all = false;
  let statusAt = -Infinity;
  let orderedAt = -Infinity;
  let paintedAt = performance.now();
  let unseen = 0; // rows out of view that may still be painted this time
  let seen = [];

  clock.heard(page.dataset.now);
  const feed = new Feed(page.dataset.feed);
  feed.follow(first);
  const flush = fewTimes(() => paint(), FLUSH_MS);
  const filters = new Filters(page, () => paint(true));
  const figures = new Figures(page);
  const queue = new Queue(page, flush);
  const rows = new StillList(list, flush, pill);

  recall(first.body);
  feed.listen(({ frame }) => {
    if (frame?.type === "snapshot") {
      recall(frame.body);
    }
    flush();
  });

  /** Codes of the rows in view: only these are painted at once, with lane and ticking timer. Rows are of one height, so
   * this is arithmetic: an observer of 1,000 rows costs every frame. */
  function inView() {
    const { top, height } = list.getBoundingClientRect();
    const each = height / (list.childElementCount || 1) || 1;
    const from = Math.floor(-top / each) - BESIDE;
    const to = Math.ceil((window.innerHeight - top) / each) + BESIDE;
    return new Set(rows.order.slice(Math.max(0, from), Math.max(0, to)));
  }

  /** A snapshot tells the last minute's talk; from there on the rows do. */
  function recall({ rows: known, talk: spans }) {
    for (const { code } of known) {
      talk.set(code, new Talk(spans?.[code]));
    }
  }

  function look(now) {
    const before = new Date(now - ENDED_STAYS_MS).toISOString();
    // A row of which only a part is known came after its call was pruned: nothing to show.
    const { rows: known } = feed.amend("tenant", (state) => (state.known ? prune(state, before) : state));
    const found = [];
    for (const row of known?.values() ?? []) {
      if (row.state && row.started_at) {
        found.push({ row, need: worst(row, now) });
      }
    }
    return found;
  }

  /** Now, or the moment of the last news: a lost connection says nothing about the calls. */
  function moment() {
    return clock.now() - (isStale(feed) ? performance.now() - feed.lastFrameAt : 0);
  }

  function paint(force = false) {
    const now = moment();
    seen = look(now);
    for (const { row } of seen) {
      if (!talk.has(row.code)) {
        talk.set(row.code, new Talk());
      }
      talk.get(row.code).note(row, now);
    }
    const { wanted } = filters;
    const ordered = worstFirst(seen.filter(({ row, need }) => shows(wanted, row, need)));
    const shown = all ? ordered : ordered.slice(0, ROWS_FIRST);
    const visible = inView();
    unseen = Math.ceil((shown.length * (performance.now() - paintedAt)) / UNSEEN_MS);
    paintedAt = performance.now();
    shown.forEach(({ row, need }) => paintOne(row, need, now, visible.has(row.code)));
    place(shown.map(({ row }) => row.code), force);
    queue.paint(seen, now);
    paintCounts(figures.paint(seen));
    show(empty, seen.length === 0);
    show(wall, seen.length > 0);
    show(card, ordered.length > 0);
    show(nothing, seen.length > 0 && ordered.length === 0);
    show(more, ordered.length > shown.length);
    if (ordered.length === 0) {
      filters.offer(seen);
    }
    attribute(table, "aria-rowcount", ordered.length + 1);
  }

  function paintOne(row, need, now, seen) {
    let node = rows.nodes.get(row.code);
    if (!node) {
      node = newRow(row, page.dataset.base);
      rows.nodes.set(row.code, node);
    }
    const known = painted.get(row.code);
    const worse = known?.severity !== need?.severity || known?.reason !== need?.reason;
    if (known && !worse && !seen && (performance.now() - known.at < UNSEEN_MS || known.row === row || unseen-- <= 0)) {
      return;
    }
    if (known?.row !== row || worse) {
      painted.set(row.code, { row, severity: need?.severity, reason: need?.reason, at: performance.now() });
      if (known?.row !== row) {
        paintRow(node, row);
        text(part(node, "timer"), timer(row, now));
      }
      paintNeed(node, row, need, now);
    }
    if (!known) {
      paintLane(node, row.code, now);
    }
  }

  /** Frozen while pointer or focus is inside: new rows are added below, nothing else moves. */
  function place(wanted, force = false) {
    const before = rows.order;
    const same = wanted.length === before.length && wanted.every((code) => rows.has(code));
    if (same && !force && performance.now() - orderedAt < ORDER_MS) {
      return;
    }
    orderedAt = performance.now();
    const { waiting, left } = rows.place(wanted, force);
    left.forEach(([code]) => painted.delete(code));
    if (rows.order !== before) {
      rows.order.forEach((code, index) => attribute(rows.nodes.get(code), "aria-rowindex", index + 2));
      const known = feed.state("tenant").rows;
      [...talk.keys()].filter((code) => !known?.has(code)).forEach((code) => talk.delete(code));
    }
    show(pill, waiting > 0);
    text(part(pill, "count"), waiting === 1 ? "1 change" : `${waiting} changes`);
  }

  function paintCounts({ need }) {
    document.title = `${need ? `(${need}!) ` : ""}${page.dataset.title}`;
    if (performance.now() - statusAt > STATUS_EVERY_MS) {
      statusAt = performance.now();
      text(status, need ? `${need} need you` : "");
    }
  }

  function paintLane(node, code, now) {
    const spans = talk.get(code);
    attribute(part(node, "caller-lane"), "d", spans?.path("caller", now) ?? "");
    attribute(part(node, "agent-lane"), "d", spans?.path("agent", now) ?? "");
  }

  /** Once a second: timers, lanes and ages. Stale pages stop their clocks. */
  function tick() {
    if (isStale(feed)) {
      return;
    }
    const now = clock.now();
    const visible = inView();
    for (const { row, need } of seen) {
      const node = visible.has(row.code) && rows.nodes.get(row.code);
      if (node && isLive(row)) {
        text(part(node, "timer"), timer(row, now));
        text(part(node, "age"), need ? aged(need, now) : "");
      }
      if (node) {
        paintLane(node, row.code, now);
      }
    }
    flush();
  }

  function step(by) {
    const links = rows.links();
    const at = links.indexOf(document.activeElement);
    links[at === -1 ? 0 : Math.min(links.length - 1, Math.max(0, at + by))]?.focus();
  }

  /** The first that needs somebody; again: the next one. */
  function attend() {
    const rowsInNeed = rows.order.map((code) => rows.nodes.get(code)).filter((node) => /act|warn/.test(node.dataset.severity));
    const cards = queue.links();
    const links = cards.length > 0 ? cards : rowsInNeed.map((node) => node.querySelector("a"));
    links[(links.indexOf(document.activeElement) + 1) % links.length]?.focus();
  }

  function apply() {
    paint(true);
  }

  document.addEventListener("scroll", flush, { passive: true });
  pill.addEventListener("click", apply);
  more.querySelector("button").addEventListener("click", () => {
    all = true;
    paint();
  });
  bind("j", () => step(1), "Next call");
  bind("k", () => step(-1), "Previous call");
  bind("a", attend, "First call that needs you, then the next");
  bind("f", () => page.querySelector("[data-filters] select").focus(), "Filter");
  bind("r", apply, "Apply the waiting order");
  bind("Escape", () => {
    document.activeElement?.blur();
    if (filters.wanted.q) {
      filters.set({ ...filters.wanted, q: "" });
    }
    flush();
  }, "Clear the search");

  keepPill(feed, () => flush());
  setInterval(tick, 1_000);
  paint();
  feed.start();
}
