"""What pages cost the browser: Live with 300 rows and an open call, both moving, beside an empty page.

One Chromium, all open and painted at the same time; then Live with a thousand real calls of the whole product. Main
thread: Chromium's TaskDuration of a page's thread by the CPU's clock, in milliseconds of each second. Longest frame:
longest time between two animation frames by the wall's clock, which also counts what other processes take from these
cores; the empty page says how much that is.
Alone: `python -m benchmarks pages`, or `… crowd`.
"""

from __future__ import annotations

import statistics
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from playwright.sync_api import Browser, BrowserContext, CDPSession, Page

from benchmarks import load
from benchmarks.table import Row
from tests.browser import chromium
from tests.rig import machine
from tests.rig.machine import Plan, Rig

ROWS = 300
ROW_UPDATES_PER_S = 20
EVENTS_PER_S = 20
TURNS = 12
"""Of each call, within the last minute, for the lanes"""
LONG = 80
"""Turns of the call that is looked at"""
WARM_S, STRETCH_S, STRETCHES = 3.0, 6.0, 3
MAIN_THREAD_MS, FRAME_MS = 200.0, 100.0
CROWD, CROWD_MAIN_THREAD_MS = 1_000, 350.0
VIEWPORT = {"width": 1440, "height": 900}

_CALLS = """
with one as (
    select t.id as tenant, p.id as account, a.id as agent, v.id as version
    from calls_tenant t join calls_provideraccount p on p.tenant_id = t.id join calls_agent a on a.tenant_id = t.id
    join calls_instructionversion v on v.agent_id = a.id
    where t.slug = 'acme' limit 1
)
insert into calls_call (code, call_id, tenant_id, account_id, agent_id, instruction_version_id, from_number, to_number,
    media_security, state, end_reason, detail, attachment, floor, last_words, last_speaker, reply_ms, interruptions,
    usage_incomplete, oddities, started_at, answered_at, last_event_at, owner,
    lease_expires, epoch, takeovers, last_seq)
select gen_random_uuid(), 'bench_' || n, tenant, account, agent, version, '+4477009' || lpad(n::text, 5, '0'),
    '+442079460100', '', 'active', '', '', 'attached', 'listening', 'Good morning.', 'caller', 600 + n, 0, false, 0,
    now() - make_interval(secs => n), now() - make_interval(secs => n), now() + interval '1 hour',
    gen_random_uuid(), now() + interval '1 hour', 1, 0, 0
from one, generate_series(1, %s) n
returning tenant_id, id, code
"""
_TURNS = """
insert into calls_turn (tenant_id, call_id, item_id, rank, kind, speaker, status, text, name, tool_call_id, arguments,
    output, response_id, steps, started_at, ended_at)
select tenant_id, id, 'turn_' || n, n, 'message', case when n %% 2 = 0 then 'agent' else 'caller' end, 'completed',
    'I would like to move my appointment, please.', '', '', '', '', '', '[]',
    now() - make_interval(secs => 5 * (m - n) + 5), now() - make_interval(secs => 5 * (m - n) + 1)
from calls_call, (values (%s::int)) v(m), generate_series(1, m) n
where case when %s = '' then true else code::text = %s end
returning 1
"""


@dataclass(frozen=True)
class Cost:
    main_thread: float
    """Milliseconds of each second"""
    frame: float
    """Milliseconds of the longest one"""


def rows(directory: Path) -> list[Row]:
    """On a product of its own. A worker that is none holds the calls: what it would announce comes at a known pace."""
    executable = chromium.found()
    if not executable:
        print("no Chromium is installed: pages are not measured")
        return []
    with machine.rig(directory, Plan(workers=1, tenants=("acme",))) as rig, chromium.running(executable) as browser:
        codes = _filled(rig)
        context = _signed_in(browser, rig)
        empty = _bare(context)
        with _chatter(rig, codes):
            live, call = _opened(context, rig, "live/"), _opened(context, rig, f"calls/{codes[0]}/")
            costs = _measured([empty, live, call])
    at = f"{ROWS} rows at {ROW_UPDATES_PER_S}/s and a call at {EVENTS_PER_S}/s"
    return [
        Row(
            f"main thread, {at}",
            costs[1].main_thread + costs[2].main_thread,
            "ms/s",
            costs[0].main_thread,
            MAIN_THREAD_MS,
        ),
        Row("  of it the list", costs[1].main_thread, "ms/s"),
        Row("longest frame of the list", costs[1].frame, "ms", costs[0].frame, FRAME_MS),
        Row("longest frame of the call", costs[2].frame, "ms", costs[0].frame, FRAME_MS),
    ]


def crowded(directory: Path) -> list[Row]:
    """Live alone, with a thousand calls of the whole product: every update at the rate at which workers send them."""
    executable = chromium.found()
    if not executable:
        return []
    with (
        machine.rig(directory, Plan(tenants=("acme",), durable=True)) as rig,
        load.source(rig, "crowd") as source,
        chromium.running(executable) as browser,
    ):
        source.bring(CROWD)
        context = _signed_in(browser, rig)
        empty, live = _bare(context), _opened(context, rig, "live/")
        costs = _measured([empty, live])
        context.close()
    at = f", {CROWD:,} live calls"
    return [
        Row(f"main thread{at}", costs[1].main_thread, "ms/s", costs[0].main_thread, CROWD_MAIN_THREAD_MS),
        Row(f"longest frame of the list{at}", costs[1].frame, "ms", costs[0].frame, FRAME_MS),
    ]


def _filled(rig: Rig) -> list[str]:
    found = rig.rows(_CALLS, ROWS)
    codes = [str(code) for _, _, code in found]
    rig.rows(_TURNS, TURNS, "", "")
    rig.rows("delete from calls_turn where call_id = (select id from calls_call where code = %s) returning 1", codes[0])
    rig.rows(_TURNS, LONG, codes[0], codes[0])
    return codes


def _signed_in(browser: Browser, rig: Rig) -> BrowserContext:
    origin = f"http://127.0.0.1:{rig.port}"
    context = browser.new_context(viewport=VIEWPORT, base_url=origin)  # type: ignore[arg-type]
    cookies = rig.person("supervisor").cookies.items()
    context.add_cookies([{"name": name, "value": value, "url": origin} for name, value in cookies])
    return context


def _bare(context: BrowserContext) -> Page:
    page = context.new_page()
    page.goto("about:blank")
    return page


def _opened(context: BrowserContext, rig: Rig, path: str) -> Page:
    page = context.new_page()
    page.goto(f"/t/acme/{path}")
    page.locator('[data-pill][data-phase="live"]').wait_for()
    return page


@contextmanager
def _chatter(rig: Rig, codes: list[str]) -> Iterator[None]:
    [[tenant, epoch]] = rig.rows(
        "select t.id, s.epoch from calls_tenantstream s join calls_tenant t on t.id = s.tenant_id where t.slug = 'acme'"
    )
    arguments = [str(tenant), str(epoch), codes[0], "0", str(ROW_UPDATES_PER_S), str(EVENTS_PER_S)]
    talking = subprocess.Popen(
        [sys.executable, "-m", "benchmarks.chatter", *arguments],
        env=rig.environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    assert talking.stdin
    assert talking.stdout
    talking.stdin.write("\n".join(codes[1:]))
    talking.stdin.close()
    try:
        assert talking.stdout.readline() == "ready\n"
        yield
    finally:
        talking.kill()
        talking.wait()


def _measured(pages: list[Page]) -> list[Cost]:
    """Of each page: medians over some stretches."""
    sessions = [page.context.new_cdp_session(page) for page in pages]
    for session in sessions:
        session.send("Performance.enable", {"timeDomain": "threadTicks"})
    for page in pages:
        page.evaluate(_WATCH)
    time.sleep(WARM_S)
    stretches = [_stretch(pages, sessions) for _ in range(STRETCHES)]
    return [
        Cost(statistics.median(one.main_thread for one in costs), statistics.median(one.frame for one in costs))
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


def _stretch(pages: list[Page], sessions: list[CDPSession]) -> list[Cost]:
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
