"""A stream of bytes from a provider, however it is cut: the same messages in the same order, and the same refusals."""

from __future__ import annotations

import asyncio
import base64
import hashlib
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from websockets.client import ClientProtocol
from websockets.exceptions import ConnectionClosed
from websockets.frames import Frame, Opcode
from websockets.protocol import State
from websockets.uri import parse_uri

from calls.sideband import line as lines
from calls.sideband.line import Line

LIMIT = 70_000


class Wire(asyncio.Transport):
    """Where a line writes to."""

    def __init__(self):
        super().__init__()
        self.closing = False
        self.reading = True

    def write(self, data):
        self.written = data

    def set_write_buffer_limits(self, high=None, low=None):
        pass

    def pause_reading(self):
        self.reading = False

    def resume_reading(self):
        self.reading = True

    def can_write_eof(self):
        return False

    def close(self):
        self.closing = True

    def is_closing(self):
        return self.closing

    def abort(self):
        self.closing = True


def framed(text, opcode=Opcode.TEXT, *, fin=True, mask=False):
    return Frame(opcode, text, fin).serialize(mask=mask)


def shake():
    """A line before the handshake, its protocol, and the provider's answer."""
    protocol = ClientProtocol(parse_uri("ws://provider/"), max_size=LIMIT)
    line = Line(protocol, ping_interval=None)
    line.connection_made(Wire())
    request = protocol.connect()
    protocol.send_request(request)
    protocol.data_to_send()
    key = request.headers["Sec-WebSocket-Key"].encode() + b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
    accepted = base64.b64encode(hashlib.sha1(key, usedforsecurity=False).digest())
    answer = b"HTTP/1.1 101 Fine\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: %b\r\n\r\n"
    return line, protocol, answer % accepted


async def hear(cut):
    """Messages that a line hands over, and the code that it was closed with, for what a provider writes after the
    handshake, where `cut` says what it reads at once."""
    line, protocol, answer = shake()
    heard = []
    for data in cut(answer):
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
        pytest.param(framed(b"hidden", mask=True), 1002, id="hidden"),  # each time by another mask
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


def flood(frames):
    """Numbered messages, with pings and messages in parts between them; and the messages."""
    said = [b"%d" % number for number in range(frames)]
    kinds = [
        lambda text: framed(text),
        lambda text: framed(b"", Opcode.PING) + framed(text),
        lambda text: framed(text[:1], fin=False) + framed(text[1:], Opcode.CONT),
    ]
    return b"".join(kinds[number % 3](text) for number, text in enumerate(said)), said


async def rounds(times):
    for _ in range(times):
        await asyncio.sleep(0)


async def listening():
    """An open line, what was heard on it, and who listens."""
    line, _, answer = shake()
    line.data_received(answer)
    heard = []
    listener = asyncio.create_task(line.listen(lambda raw: heard.append(raw) or True))
    await rounds(1)
    return line, heard, listener


@pytest.mark.asyncio
async def test_a_read_of_very_many_frames_leaves_the_loop_to_others_between():
    line, heard, listener = await listening()
    line.data_received(framed(b"") * (3 * lines.TURN_LIMIT + 1))
    counts = []
    while not line.transport.reading:
        counts.append(len(heard))
        await rounds(1)
    assert counts == [lines.TURN_LIMIT, 2 * lines.TURN_LIMIT, 3 * lines.TURN_LIMIT]
    assert len(heard) == 3 * lines.TURN_LIMIT + 1
    line.connection_lost(None)
    await asyncio.gather(listener, return_exceptions=True)


@settings(deadline=None)
@given(
    sizes=st.lists(st.integers(1, 400), min_size=1, max_size=5),
    enough=st.integers(1, 30),
    rest=st.integers(0, 5),
    goodbye=st.booleans(),
    torn=st.booleans(),
)
def test_however_a_flood_is_cut_and_listened_to_all_of_it_arrives_in_order(sizes, enough, rest, goodbye, torn):
    """`enough`: messages after which who listens takes no more for `rest` rounds of the loop. The end may come while
    most of it is put off; `torn` without that the provider ended its side."""

    async def scene():
        line, protocol, answer = shake()
        wire, heard, limits = line.transport, [], []
        stream, said = flood(200)

        async def listen():
            while True:
                await line.listen(lambda raw: heard.append(raw) or len(heard) % enough != 0)
                limits.append(len(line._waiting))
                await rounds(rest)

        line.data_received(answer)
        listener = asyncio.create_task(listen())
        for data in in_pieces(stream + goodbye * framed(b"\x03\xe9bye", Opcode.CLOSE), sizes)(b""):
            while not wire.reading:
                await rounds(1)
            line.data_received(data)
        assert max(limits, default=0) <= lines.QUEUE_LIMIT + lines.TURN_LIMIT
        if not torn:
            line.eof_received()
        wire.closing = True
        line.connection_lost(None)
        with pytest.raises(ConnectionClosed) as closed:
            await asyncio.wait_for(listener, 30)
        assert heard == said
        assert protocol.state is State.CLOSED
        assert (closed.value.rcvd.code if closed.value.rcvd else None) == (1001 if goodbye else None)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(lines, "TURN_LIMIT", 7)
        patch.setattr(lines, "QUEUE_LIMIT", 5)
        asyncio.run(scene())


@pytest.mark.asyncio
async def test_what_was_put_off_waits_for_somebody_who_listens_even_after_the_end():
    line, _, answer = shake()
    stream, said = flood(1_000)
    line.data_received(answer + stream)
    await rounds(50)
    assert len(line._waiting) <= lines.QUEUE_LIMIT + lines.TURN_LIMIT
    assert not line.transport.reading
    line.transport.closing = True
    line.connection_lost(None)
    await rounds(50)
    heard, counts = [], [0]
    listener = asyncio.create_task(line.listen(lambda raw: heard.append(raw) or True))
    while not listener.done():
        await rounds(1)
        counts.append(len(heard))
    with pytest.raises(ConnectionClosed):
        await listener
    assert heard == said
    assert max(now - before for before, now in pairwise(counts)) == lines.TURN_LIMIT


@pytest.mark.asyncio
async def test_what_was_put_off_is_dropped_with_an_aborted_socket():
    line, heard, listener = await listening()
    line.data_received(framed(b"") * 1_000)
    line.abort()
    line.connection_lost(None)
    with pytest.raises(ConnectionClosed):
        await asyncio.wait_for(listener, 30)
    assert len(heard) == lines.TURN_LIMIT
