"""The four histories of a run as plain values: what the provider knows, what is stored, what screens show, what was
asked. Collecting them is in `collect`; judging them in `invariants`.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

Row = dict[str, Any]


@dataclass
class Ledger:
    """The simulator's own record, of the calls of the run."""

    truths: dict[str, Row] = field(default_factory=dict)
    """call_id → what really happened, of calls that are over"""
    http: list[Row] = field(default_factory=list)
    """Requests of the product: call_id, verb, status, at"""
    webhooks: list[Row] = field(default_factory=list)
    """Deliveries: call_id, attempt, status (None: no answer), at"""
    marks: list[Row] = field(default_factory=list)
    """call_id, state (live, attached, detached, responding, ended …), sockets, metadata, at"""


@dataclass
class Stored:
    """The database, of the calls of the run."""

    calls: dict[str, Row] = field(default_factory=dict)
    """call_id → id, code, tenant, state, epoch, last_seq, takeovers, ended_at, usage_incomplete, from, to"""
    seqs: dict[str, list[int]] = field(default_factory=dict)
    """call_id → numbers of its stream, in order"""
    tenant_streams: dict[str, tuple[int, int, int, int]] = field(default_factory=dict)
    """Tenant → last_seq of its head, lowest, highest and count of its entries"""
    turns: list[Row] = field(default_factory=list)
    usage: list[Row] = field(default_factory=list)
    gaps: list[Row] = field(default_factory=list)
    """These three as the exports have them (calls.selectors.exports)"""
    commands: list[Row] = field(default_factory=list)
    """id, call_id, verb, state, requested_at, settled_at (for the first time: a late proof settles once more)"""
    audited: list[str] = field(default_factory=list)
    """Ids of commands, one for each audit row that says that one was asked for"""
    written: list[Row] = field(default_factory=list)
    """app, call_id, epoch of the call at the commit, at: who wrote entries of its stream (tests.faults.traces)"""
    taken: list[Row] = field(default_factory=list)
    """app, call_id, before, after: every change of an epoch, in order"""
    strays: int = 0
    """Rows that belong to one tenant and to the call of another"""


@dataclass
class Screen:
    """What one watcher shows in the end, and everything that it was ever told."""

    tenant: str
    streams: dict[str, tuple[int, Row]] = field(default_factory=dict)
    """Stream → position and picture"""
    followed: Sequence[str] = ()
    raw: str = ""
    connections: int = 1
    holes: int = 0
    """Times that entries were missing before the one that came"""
    errors: Sequence[str] = ()
    caught_up_after_s: float = 0.0
    listed_at: float = 0.0
    """When the whole list of calls came last: later calls come by entries"""


@dataclass
class Asked:
    """A command that an operator asked for, as the operator's browser knows it."""

    call_id: str
    verb: str
    at: float
    status: int
    """0: no answer"""
    id: str = ""


@dataclass
class Histories:
    """Of one run. `calls` are the calls that were placed in it."""

    calls: Sequence[str]
    tenant_of: dict[str, str]
    """call_id → slug"""
    names: dict[str, str]
    """Slug → words that only this tenant may read"""
    ledger: Ledger
    stored: Stored
    screens: Sequence[Screen]
    asked: Sequence[Asked]
    logs: Sequence[str] = ()
    """Lines that should not be there"""
    clocks_agree: bool = True
    """Otherwise times that different processes wrote say nothing about each other"""
    unlisted: Sequence[tuple[str, str, str]] = ()
    """Calls that lived when all was whole again and that a list did not have as such: tenant, code, what it said"""
    inherited: Mapping[str, tuple[float, Collection[str]]] = field(default_factory=dict)
    """Workers that left a spool: when they were dead, and calls of which something is in it"""
    outage_s: float = 0.0
    """For so long nobody could settle a command, as the fault states"""
    deaf: Mapping[str, float] = field(default_factory=dict)
    """Calls that had a socket which nobody heard, for so long at most, as the fault states"""
    deaths: Sequence[str] = ()
    """Processes that ended by themselves"""
