"""A stream of bytes from a provider, however it is cut: the same messages in the same order, and the same refusals."""

from __future__ import annotations

import asyncio
import base64
import hashlib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from websockets.client import ClientProtocol
from websockets.exceptions import ConnectionClosed
from websockets.frames import Frame, Opcode
from websockets.protocol import State
from websockets.uri import parse_uri

from calls.sideband.line import Line

LIMIT = 70_000


class Wire(asyncio.Transport):
    """Where a line writes to."""

    def __init__(self):
        super().__init__()
        self.closing = False

    def write(self, data):
        self.written = data

    def set_write_buffer_limits(self, high=None, low=None):
        pass

    def pause_reading(self):
        pass

    def resume_reading(self):
        pass

    def is_closing(self):
        return self.closing

    def abort(self):
        self.closing = True


def framed(text, opcode=Opcode.TEXT, *, fin=True, mask=False):
    return Frame(opcode, text, fin).serialize(mask=mask)


async def hear(cut):
    """Messages that a line hands over, and the code that it was closed with, for what a provider writes after the
    handshake, where `cut` says what it reads at once."""
    protocol = ClientProtocol(parse_uri("ws://provider/"), max_size=LIMIT)
    line = Line(protocol, ping_interval=None)
    line.connection_made(Wire())
    request = protocol.connect()
    protocol.send_request(request)
    protocol.data_to_send()
    key = request.headers["Sec-WebSocket-Key"].encode() + b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
    accepted = base64.b64encode(hashlib.sha1(key, usedforsecurity=False).digest())
    answer = b"HTTP/1.1 101 Fine\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: %b\r\n\r\n"
    heard = []
    for data in cut(answer % accepted):
        line.data_received(data)
    assert line.response is not None
    listener = asyncio.create_task(line.listen(lambda raw: heard.append(raw) or True))
    await asyncio.sleep(0)
    code = protocol.close_sent.code if protocol.close_sent else None
    still_open = protocol.state is State.OPEN
    line.connection_lost(None)
    with pytest.raises(ConnectionClosed):
        await listener
    return heard, code, still_open


def in_pieces(stream, sizes):
    """The answer and the stream in pieces of these sizes, over and over."""

    def cut(answer):
        data, place, turn = answer + stream, 0, 0
        while place < len(data):
            size = sizes[turn % len(sizes)]
            yield data[place : place + size]
            place, turn = place + size, turn + 1

    return cut


TALK = b"".join(
    [
        framed(b"short"),
        framed(b"", Opcode.PING),
        framed(b"m" * 126),
        framed(b"first ", fin=False),
        framed(b"between", Opcode.PONG),
        framed(b"second", Opcode.CONT),
        framed(b""),
        framed(b"bytes", Opcode.BINARY),
        framed(b"l" * 66_000),
        framed(b"last"),
    ]
)
HEARD = [b"short", b"m" * 126, b"first second", b"", b"bytes", b"l" * 66_000, b"last"]


@settings(deadline=None)
@given(st.lists(st.integers(1, 200), min_size=1, max_size=20))
def test_however_a_stream_is_cut_the_messages_are_the_same(sizes):
    assert asyncio.run(hear(in_pieces(TALK, sizes))) == (HEARD, None, True)


@pytest.mark.parametrize("size", [1, 2, 3, 4, 10, 10**6])
def test_pieces_of_a_byte_and_all_at_once(size):
    assert asyncio.run(hear(in_pieces(TALK, [size]))) == (HEARD, None, True)


@pytest.mark.parametrize(
    ("bad", "code"),
    [
        (framed(b"hidden", mask=True), 1002),
        (b"\x81\x80", 1002),
        (b"\xc1\x02{}", 1002),
        (framed(b"nothing was begun", Opcode.CONT), 1002),
        (framed(b"begun", fin=False) + framed(b"and not gone on with"), 1002),
        (b"\x81\x7f" + (LIMIT + 1).to_bytes(8, "big"), 1009),
        (b"\x81\x7f" + b"\xff" * 8, 1009),
        (b"\x01\x7e\xff\xff" + b"." * 0xFFFF + b"\x80\x7e\xff\xff" + b"." * 0xFFFF, 1009),
        (framed(b"\x03\xe9bye", Opcode.CLOSE), 1001),
    ],
)
@pytest.mark.parametrize("size", [1, 7, 10**6])
def test_what_is_refused_is_refused_at_once_and_what_follows_is_not_heard(bad, code, size):
    heard = asyncio.run(hear(in_pieces(framed(b"before") + bad + framed(b"after"), [size])))
    assert heard == ([b"before"], code, False)


def test_a_frame_that_breaks_off_is_no_message():
    assert asyncio.run(hear(in_pieces(framed(b"whole") + framed(b"half of it")[:-3], [5]))) == ([b"whole"], None, True)
