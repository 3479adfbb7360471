// The Live page: one row per call, patched from the stream `tenant`. Server order first, then ours (order.js).

import { Feed } from "../feed/socket.js";
import { prune } from "../feed/reduce.js";
import { bind } from "../keys.js";
import { clock } from "../lib/clock.js";
import { arrange, attribute, pageData, part, show, text } from "../lib/dom.js";
import { isLive } from "../lib/faces.js";
import { timer, took } from "../lib/format.js";
import { oncePerFrame } from "../lib/frame.js";
import { isStale, keepPill } from "../pill.js";
import { Talk } from "./lane.js";
import { changes, figures, worstFirst } from "./order.js";
import { newRow, paintRow, paintSilence } from "./rows.js";

const ENDED_STAYS_MS = 30_000;
const ROWS_FIRST = 200;
const STATUS_EVERY_MS = 15_000;

export function start(page) {
  const first = pageData("snapshot");
  const list = page.querySelector("[data-rows]");
  const pill = page.querySelector("[data-changes]");
  const find = document.querySelector("[data-find]");
  const nodes = new Map([...list.children].map((node) => [node.dataset.code, node]));
  const painted = new Map();
  const talk = new Map();
  const visible = new Set();
  let all = false;
  let pointerInside = false;
  let statusAt = 0;
  let filtered = "";

  clock.heard(page.dataset.now);
  const feed = new Feed(page.dataset.feed);
  feed.follow(first);
  const flush = oncePerFrame(paint);
  feed.listen(() => flush());

  // Only rows in view get a lane and a ticking timer: 1,000 of them would cost every frame.
  const watcher = new IntersectionObserver((entries) =>
    entries.forEach(({ target, isIntersecting }) =>
      isIntersecting ? visible.add(target.dataset.code) : visible.delete(target.dataset.code),
    ),
  );

  function rows() {
    const before = new Date(clock.now() - ENDED_STAYS_MS).toISOString();
    // A row of which only a part is known came after its call was pruned: nothing to show.
    const { rows: known } = feed.amend("tenant", (state) => (state.known ? prune(state, before) : state));
    return [...(known?.values() ?? [])].filter((row) => row.state && row.started_at);
  }

  function paint() {
    const now = clock.now();
    const known = rows();
    const needle = find.value.trim().toLowerCase();
    const hit = (row) => [row.from, row.to, row.agent, row.last_words].join(" ").toLowerCase().includes(needle);
    const ordered = worstFirst(needle ? known.filter(hit) : known, now);
    const wanted = all ? ordered : ordered.slice(0, ROWS_FIRST);
    for (const row of known) {
      noteTalk(row, now);
    }
    for (const row of wanted) {
      paintOne(row, now);
    }
    place(wanted.map((row) => row.code), needle !== filtered);
    filtered = needle;
    paintFigures(known, now);
    show(page.querySelector("[data-empty]"), known.length === 0);
    show(page.querySelector("[data-nothing]"), known.length > 0 && ordered.length === 0);
    show(page.querySelector("[data-list]"), ordered.length > 0);
    show(page.querySelector("[data-all]"), ordered.length > wanted.length);
    attribute(page.querySelector("[role=table]"), "aria-rowcount", ordered.length + 1);
  }

  function paintOne(row, now) {
    let node = nodes.get(row.code);
    if (!node) {
      node = newRow(row, page.dataset.base);
      nodes.set(row.code, node);
    }
    if (painted.get(row.code) !== row) {
      painted.set(row.code, row);
      paintRow(node, row, now);
      text(part(node, "timer"), timer(row, now));
      watcher.observe(node);
    }
  }

  function noteTalk(row, now) {
    if (!talk.has(row.code)) {
      talk.set(row.code, new Talk());
    }
    talk.get(row.code).note(row.floor, row.state === "active", now);
  }

  /** Frozen while pointer or focus is inside: new rows are added below, nothing else moves. */
  function place(wanted, force = false) {
    const shown = [...list.children].map((node) => node.dataset.code);
    const held = !force && shown.length > 0 && (pointerInside || list.contains(document.activeElement));
    if (held) {
      const there = new Set(shown);
      list.append(...wanted.filter((code) => !there.has(code)).map((code) => nodes.get(code)));
    }
    const waiting = changes([...list.children].map((node) => node.dataset.code), wanted);
    const frozen = held && waiting > 0;
    if (!frozen && waiting > 0) {
      const focused = document.activeElement;
      arrange(list, wanted.map((code) => nodes.get(code)));
      if (list.contains(focused)) {
        focused.focus({ preventScroll: true });
      }
      forget(wanted);
      [...list.children].forEach((node, index) => attribute(node, "aria-rowindex", index + 2));
    }
    show(pill, frozen);
    text(part(pill, "count"), waiting === 1 ? "1 change" : `${waiting} changes`);
  }

  function forget(wanted) {
    const kept = new Set(wanted);
    for (const [code, node] of nodes) {
      if (!kept.has(code)) {
        watcher.unobserve(node);
        [nodes, painted].forEach((map) => map.delete(code));
        visible.delete(code);
      }
    }
    const known = feed.state("tenant").rows;
    [...talk.keys()].filter((code) => !known?.has(code)).forEach((code) => talk.delete(code));
  }

  function paintFigures(known, now) {
    const { live, need, median, p95 } = figures(known, now);
    text(page.querySelector("[data-figure=live]"), live);
    text(page.querySelector("[data-figure=need]"), need);
    attribute(page.querySelector("[data-tile=need]"), "data-need", need ? "" : null);
    for (const [name, value] of Object.entries({ median, p95 })) {
      const figure = page.querySelector(`[data-figure=${name}]`);
      text(figure, value === null ? "no data" : took(value));
      attribute(figure, "data-none", value === null ? "" : null);
    }
    document.title = `${need ? `(${need}!) ` : ""}${page.dataset.title}`;
    if (performance.now() - statusAt > STATUS_EVERY_MS) {
      statusAt = performance.now();
      text(page.querySelector("[data-status]"), need ? `${need} need you` : "");
    }
  }

  /** Once a second: timers, lanes and the age of the news. Stale pages stop their clocks. */
  function tick() {
    if (isStale(feed)) {
      return;
    }
    const now = clock.now();
    for (const row of rows()) {
      const node = visible.has(row.code) && nodes.get(row.code);
      if (node && isLive(row)) {
        text(part(node, "timer"), timer(row, now));
        paintSilence(node, row, now);
      }
      if (node) {
        attribute(part(node, "caller-lane"), "d", talk.get(row.code)?.path("caller", now) ?? "");
        attribute(part(node, "agent-lane"), "d", talk.get(row.code)?.path("agent", now) ?? "");
      }
    }
    flush();
  }

  function step(by) {
    const links = [...list.querySelectorAll("a")];
    const at = links.indexOf(document.activeElement);
    links[at === -1 ? 0 : Math.min(links.length - 1, Math.max(0, at + by))]?.focus();
  }

  function apply() {
    place(worstFirst(rows(), clock.now()).slice(0, all ? undefined : ROWS_FIRST).map((row) => row.code), true);
  }

  list.addEventListener("pointerenter", () => (pointerInside = true));
  list.addEventListener("pointerleave", () => {
    pointerInside = false;
    flush();
  });
  list.addEventListener("focusout", flush);
  pill.addEventListener("click", apply);
  find.form.addEventListener("submit", (event) => event.preventDefault());
  find.addEventListener("input", flush);
  page.querySelector("[data-all] button").addEventListener("click", () => {
    all = true;
    flush();
  });
  bind("j", () => step(1), "Next call");
  bind("k", () => step(-1), "Previous call");
  bind("r", apply, "Apply the waiting order");
  bind("Escape", () => {
    find.value = "";
    document.activeElement?.blur();
    flush();
  }, "Clear the search");

  keepPill(feed, () => flush());
  setInterval(tick, 1_000);
  paint();
  feed.start();
}
