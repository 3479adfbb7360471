"""What the benchmarks make of what they read: targets, costs less idle time, tasks in a trace."""

from __future__ import annotations

from benchmarks import browsing, load, table, where
from benchmarks.load import Stretch
from benchmarks.table import Row


def test_a_bound_of_the_ratio_goes_before_one_of_the_value() -> None:
    rows = [
        Row("dear", 88.0, "µs", 5.0, most=5.0),
        Row("cheap", 20.0, "µs", 5.0, most=5.0),
        Row("slow", 201.0, "ms", target=200.0),
        Row("fast", 200.0, "ms", target=200.0),
        Row("told", 7.0, ""),
    ]
    assert [row.met for row in rows] == [False, True, False, True, None]
    assert table.missed(rows) == ["dear: 88.0 µs, 17.6x (target 5x)", "slow: 201.0 ms (target 200.0)"]


def test_an_event_costs_what_was_used_less_what_idle_processes_use() -> None:
    idle = Stretch(0, 4, 0, {"workers": 0.4, "web": 0.0}, [], {})
    busy = Stretch(10, 20, 1_000, {"workers": 1.5, "web": 0.1}, [], {})
    cost = load.per_event(busy, idle)
    assert {part: round(us, 6) for part, us in cost.items()} == {"workers": 500.0, "web": 100.0}


def test_the_longest_task_is_of_the_busiest_page_by_the_clock_of_the_cpu() -> None:
    def named(pid: int, name: str) -> dict[str, object]:
        return {"name": "thread_name", "pid": pid, "tid": pid, "args": {"name": name}}

    def task(pid: int, cpu_us: int) -> dict[str, object]:
        return {"name": browsing.TASK, "pid": pid, "tid": pid, "dur": cpu_us * 9, "tdur": cpu_us}

    events = [
        *(named(1, "CrRendererMain"), named(2, "CrRendererMain"), named(3, "CrBrowserMain")),
        *(task(1, 40_000), task(2, 30_000), task(2, 25_000), task(3, 500_000)),
        {"name": "Paint", "pid": 2, "tid": 2, "tdur": 90_000},
    ]
    assert browsing.longest_of(events) == 30.0


def test_every_sample_is_in_one_group_of_what_a_worker_does() -> None:
    beneath = "run (celery/worker.py:1);_run (calls/sideband/loop.py:9);read (calls/sideband/runner.py:40)"
    stacks = "\n".join(
        [
            f"{beneath};take (calls/domain/session.py:7);match (re.py:1) 6",
            f"{beneath};decode (calls/providers/realtime.py:3) 3",
            f"{beneath};store (calls/actions/ingest.py:8);execute (psycopg/cursor.py:2) 5",
            f"{beneath};of (calls/actions/leases.py:8);turn (calls/domain/states.py:2) 1",
            f"{beneath} 2",
            "run (celery/worker.py:1);_run (calls/sideband/loop.py:9);select (asyncio/base.py:4) 2",
            "heard (calls/sideband/announcer.py:4) 1",
        ]
    )
    found = {row.name.removeprefix("worker: "): row.value for row in where.groups("worker", where.counted(stacks))}
    assert found == {
        "reading, all of it": 60.0,
        "  the session: turns, floor, signs, words": 35.0,
        "  decoding a frame and checking its fields": 15.0,
        "  carrying out its steps": 10.0,
        "  finding frames in bytes": 0.0,
        "storing": 25.0,
        "announcing, pinging, all others": 15.0,
    }
    assert sum(share for name, share in found.items() if not name.startswith(" ")) == 100.0
