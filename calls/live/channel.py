"""A socket's place in the channel layer, taken without asking Redis."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any


@contextmanager
def channel_of_this_process(layer: Any) -> Iterator[str]:
    """The name of a new channel: groups deliver to it, nobody can address it. Needs the pub/sub layer.

    The layer's own `new_channel` subscribes to the name at Redis: with Redis away it fails or hangs, and each failure
    leaves a queue behind. Groups need no such subscription; they look the name up in this process.
    """
    name = f"{layer.prefix}.feed.{uuid.uuid4().hex}"
    layer.channels[name] = asyncio.Queue()
    try:
        yield name
    finally:
        layer.channels.pop(name, None)
