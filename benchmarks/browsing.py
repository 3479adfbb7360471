"""What pages that are open in one Chromium cost its threads. Everything by Chromium's own books.

Main thread: TaskDuration of a page's thread by the CPU's clock, in milliseconds of each second. Longest frame: longest
time between two animation frames by the wall's clock, which also counts what other processes take from these cores; the
empty page beside says how much that is. Longest task: what a thread did without pause, by the CPU's clock: only that is
the page's own doing.
"""

from __future__ import annotations

import json
import statistics
import time
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from playwright.sync_api import Browser, CDPSession, Page

WARM_S, STRETCH_S, STRETCHES = 3.0, 6.0, 3
TASK = "ThreadControllerImpl::RunTask"


@dataclass(frozen=True)
class Cost:
    main_thread: float
    """Milliseconds of each second"""
    frame: float
    """Milliseconds of the longest one of all stretches"""


def measured(pages: Sequence[Page]) -> list[Cost]:
    """Of each page, over some stretches: the median of what the thread did, and the longest frame of all."""
    sessions = [page.context.new_cdp_session(page) for page in pages]
    for session in sessions:
        session.send("Performance.enable", {"timeDomain": "threadTicks"})
    for page in pages:
        page.evaluate(_WATCH)
    time.sleep(WARM_S)
    stretches = [_stretch(pages, sessions) for _ in range(STRETCHES)]
    return [
        Cost(statistics.median(one.main_thread for one in costs), max(one.frame for one in costs))
        for costs in zip(*stretches, strict=True)
    ]


_WATCH = """() => {
  let last = performance.now();
  window.longest = 0;
  const look = (now) => {
    window.longest = Math.max(window.longest, now - last);
    last = now;
    requestAnimationFrame(look);
  };
  requestAnimationFrame(look);
}"""


def _stretch(pages: Sequence[Page], sessions: Sequence[CDPSession]) -> list[Cost]:
    for page in pages:
        page.evaluate("() => { window.longest = 0; }")
    before, begun = [_busy_s(session) for session in sessions], time.monotonic()
    time.sleep(STRETCH_S)
    passed = time.monotonic() - begun
    after = [_busy_s(session) for session in sessions]
    return [
        Cost((late - early) / passed * 1e3, page.evaluate("() => window.longest"))
        for page, early, late in zip(pages, before, after, strict=True)
    ]


def _busy_s(session: CDPSession) -> float:
    metrics = {one["name"]: one["value"] for one in session.send("Performance.getMetrics")["metrics"]}
    return float(metrics["TaskDuration"])


def longest_task(browser: Browser, page: Page) -> float:
    """Milliseconds of CPU, of the busiest page; traced apart, for tracing costs something itself."""
    browser.start_tracing(page=page, categories=["toplevel"])
    time.sleep(STRETCH_S)
    return longest_of(json.loads(browser.stop_tracing())["traceEvents"])


def longest_of(events: Sequence[Mapping[str, Any]]) -> float:
    """Milliseconds of CPU of the longest task of the busiest main thread of a trace."""
    names = (event for event in events if event["name"] == "thread_name")
    mains = {(event["pid"], event["tid"]) for event in names if event["args"]["name"] == "CrRendererMain"}
    tasks = defaultdict[tuple[int, int], list[int]](list)
    for event in events:
        if event["name"] == TASK and (thread := (event["pid"], event["tid"])) in mains:
            tasks[thread].append(event.get("tdur", 0))
    return max(max(tasks.values(), key=sum)) / 1e3
