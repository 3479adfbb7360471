"""What pages cost the browser: Live with 300 rows and an open call, both moving, beside an empty page.

One Chromium, all open and painted at the same time. Then Live with a thousand rows, all shown: alone, as many updates
of them as two workers push; and with a thousand real calls of the whole product on the same cores.
Alone: `python -m benchmarks pages`, or `… crowd`.
"""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from playwright.sync_api import Browser, BrowserContext, Page

from benchmarks import browsing, load
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
MAIN_THREAD_MS, FRAME_MS = 200.0, 100.0
CROWD, CROWD_MAIN_THREAD_MS = 1_000, 350.0
CROWD_UPDATES_PER_S, CROWD_AT_ONCE = 800, 40
"""What two workers push at most of a long list: see calls.sideband.hints.ROWS_AT_ONCE"""
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


def rows(directory: Path) -> list[Row]:
    """On a product of its own. A worker that is none holds the calls: what it would announce comes at a known pace."""
    executable = chromium.found()
    if not executable:
        print("no Chromium is installed: pages are not measured")
        return []
    with machine.rig(directory, Plan(workers=1, tenants=("acme",))) as rig, chromium.running(executable) as browser:
        codes = _filled(rig, ROWS)
        context = _signed_in(browser, rig)
        empty = _bare(context)
        with _chatter(rig, codes, ROW_UPDATES_PER_S, 1):
            live, call = _opened(context, rig, "live/"), _opened(context, rig, f"calls/{codes[0]}/")
            costs = browsing.measured([empty, live, call])
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
    """Live with a thousand rows: the page by itself, and on the cores that also carry all of its calls."""
    executable = chromium.found()
    if not executable:
        return []
    directory.mkdir()
    with (
        machine.rig(directory / "alone", Plan(workers=1, tenants=("acme",))) as rig,
        chromium.running(executable) as browser,
        _chatter(rig, _filled(rig, CROWD), CROWD_UPDATES_PER_S, CROWD_AT_ONCE),
    ):
        alone = _crowd(browser, rig, f", {CROWD:,} rows at {CROWD_UPDATES_PER_S}/s")
    with (
        load.product(directory / "calls") as rig,
        load.source(rig, "crowd") as source,
        chromium.running(executable) as browser,
    ):
        source.bring(CROWD)
        return [*alone, *_crowd(browser, rig, f", {CROWD:,} live calls")]


def _crowd(browser: Browser, rig: Rig, at: str) -> list[Row]:
    context = _signed_in(browser, rig)
    empty, live = _bare(context), _opened(context, rig, "live/")
    live.locator("[data-all] button").evaluate(
        "(button) => button.click()"
    )  # no pointer that would hold the list still
    costs = browsing.measured([empty, live])
    task = browsing.longest_task(browser, live)
    context.close()
    return [
        Row(f"main thread{at}", costs[1].main_thread, "ms/s", costs[0].main_thread, CROWD_MAIN_THREAD_MS),
        Row(f"longest frame of the list{at}", costs[1].frame, "ms", costs[0].frame, FRAME_MS),
        Row(f"  its longest task, by the CPU's clock{at}", task, "ms"),
    ]


def _filled(rig: Rig, count: int) -> list[str]:
    found = rig.rows(_CALLS, count)
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
def _chatter(rig: Rig, codes: list[str], updates_per_s: float, at_once: int) -> Iterator[None]:
    """Updates of rows, so many in one message; and events of the first call."""
    [[tenant, epoch]] = rig.rows(
        "select t.id, s.epoch from calls_tenantstream s join calls_tenant t on t.id = s.tenant_id where t.slug = 'acme'"
    )
    messages = str(updates_per_s / at_once)
    arguments = [str(tenant), str(epoch), codes[0], "0", str(at_once), messages, str(EVENTS_PER_S)]
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
