"""`python -m benchmarks.instead.programs NAME`: says "ready", then attends the sidebands whose addresses come on the
standard input, one a line.

`thread`, `orm`, `group` and `listed`: a process for all calls. `prefork` hands each call to a Celery worker and ends.
"""

from __future__ import annotations

import asyncio
import importlib
import json
import os
import sys
import threading
from collections.abc import Awaitable, Callable, Sequence
from urllib.parse import parse_qs, urlsplit

import uvloop
from celery import Celery
from websockets.asyncio.client import connect
from websockets.sync.client import connect as connect_sync

app = Celery("instead", broker=os.environ["REDIS_URL"])
app.conf.update(
    task_ignore_result=True, worker_prefetch_multiplier=1, task_acks_late=True, task_default_queue="instead"
)


@app.task(name="attend")
def attend(address: str) -> None:
    """One call in a process or thread of its own: receive, decode, keep the words. Stores and pushes nothing."""
    words: dict[str, str] = {}
    with connect_sync(address, compression=None, proxy=None) as socket:
        for frame in socket:
            event = json.loads(frame)
            if event["type"].endswith(".delta"):
                words[event["item_id"]] = words.get(event["item_id"], "") + event["delta"]


def prefork(addresses: Sequence[str]) -> None:
    for address in addresses:
        attend.delay(address)


def thread(addresses: Sequence[str]) -> None:
    running = [threading.Thread(target=attend, args=(address,)) for address in addresses]
    for one in running:
        one.start()
    for one in running:
        one.join()


def orm(addresses: Sequence[str]) -> None:
    """A task per call on one loop; every event is saved as it comes."""
    from asgiref.sync import sync_to_async

    from benchmarks.instead.project import Event

    save = sync_to_async(Event.objects.create)

    async def store(call: str, frame: str) -> None:
        event = json.loads(frame)
        await save(call=call, type=event["type"], body=event)

    uvloop.run(_all(addresses, store))


def group(addresses: Sequence[str]) -> None:
    """A task per call on one loop; every piece of speech is sent to the group of its call as it comes."""
    _push(addresses, to_list=False)


def listed(addresses: Sequence[str]) -> None:
    """The same, and to the group of the list that shows what is said in every call."""
    _push(addresses, to_list=True)


def _push(addresses: Sequence[str], *, to_list: bool) -> None:
    from channels.layers import get_channel_layer

    from benchmarks.instead.project import LIST, group_of

    async def push(call: str, frame: str) -> None:
        event = json.loads(frame)
        if event["type"].endswith("transcript.delta") or event["type"].endswith("transcription.delta"):
            text = json.dumps({"call": call, "item": event["item_id"], "delta": event["delta"]})
            for name in (call, LIST) if to_list else (call,):
                await get_channel_layer().group_send(group_of(name), {"type": "delta", "text": text})

    uvloop.run(_all(addresses, push))


async def _all(addresses: Sequence[str], take: Callable[[str, str], Awaitable[None]]) -> None:
    await asyncio.gather(*(_one(address, take) for address in addresses))


async def _one(address: str, take: Callable[[str, str], Awaitable[None]]) -> None:
    call = parse_qs(urlsplit(address).query)["call_id"][0]
    async with connect(address, compression=None, proxy=None) as socket:
        async for frame in socket:
            await take(call, str(frame))


PROGRAMS = {"prefork": prefork, "thread": thread, "orm": orm, "group": group, "listed": listed}
OF_DJANGO = {"orm", "group", "listed"}

if __name__ == "__main__":
    name = sys.argv[1]
    if name in OF_DJANGO:
        importlib.import_module("benchmarks.instead.project")  # before it is measured without calls
    print("ready", flush=True)
    PROGRAMS[name]([line.strip() for line in sys.stdin])
