"""One WebSocket to a provider that misbehaves in every way it can."""

from __future__ import annotations

import asyncio
import socket
import struct
from contextlib import asynccontextmanager
from http import HTTPStatus
from uuid import uuid4

import pytest
from websockets.asyncio.server import serve

from calls.exceptions import ProviderBusy, ProviderGone, ProviderRefused, ProviderUnreachable
from calls.providers.base import Endpoint
from calls.sideband import connection, doors, line
from calls.sideband.connection import Closed, Sideband
from calls.sideband.doors import REDIALS, SHARE
from tests.sideband.desk import until

pytestmark = pytest.mark.asyncio

TENANT, OTHER = uuid4(), uuid4()


@asynccontextmanager
async def server(handler=None, **options):
    async def wait(ws):
        await ws.wait_closed()

    async with serve(handler or wait, "127.0.0.1", 0, close_timeout=0.2, **options) as listening:
        yield f"ws://127.0.0.1:{listening.sockets[0].getsockname()[1]}/v1/realtime?call_id=rtc_1"


@asynccontextmanager
async def dialled(handler=None, **options):
    async with server(handler, **options) as url:
        sideband = await Sideband.dial(Endpoint(url, {"Authorization": "Bearer sk-test"}), tenant=TENANT)
        try:
            yield sideband
        finally:
            sideband.abort()


async def receive(sideband):
    """The next frame."""
    frames = []
    while not frames:
        await sideband.listen(lambda raw: frames.append(raw))
    return frames[0]


async def refused(status, headers=()):
    def answer(ws, request):
        response = ws.respond(HTTPStatus(status), "no\n")
        for name, value in headers:
            response.headers[name] = value
        return response

    async with server(process_request=answer) as url:
        with pytest.raises(Exception) as refusal:  # noqa: PT011  which one is the question
            await Sideband.dial(Endpoint(url, {}), tenant=TENANT)
    return refusal.value


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (404, ProviderGone), (410, ProviderGone), (429, ProviderBusy), (500, ProviderBusy), (503, ProviderBusy),
        (401, ProviderRefused), (403, ProviderRefused), (400, ProviderRefused), (200, ProviderRefused),
    ],
)  # fmt: skip
async def test_what_a_refused_dial_means(status, kind):
    error = await refused(status)
    assert type(error) is kind
    assert error.status == status


async def test_a_redirect_is_not_followed_with_the_key():
    asked = []

    async def elsewhere(ws):
        asked.append(ws.request.headers.get("Authorization"))

    async with server(elsewhere) as other:
        error = await refused(302, [("Location", other)])
    assert type(error) is ProviderRefused
    assert asked == []


@pytest.mark.parametrize(("given", "wait"), [("7", 7.0), ("", None), ("soon", None), ("-1", None)])
async def test_a_busy_provider_says_how_long_to_wait(given, wait):
    assert (await refused(429, [("Retry-After", given)])).retry_after == wait


async def test_nobody_there_is_unreachable():
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        with pytest.raises(ProviderUnreachable):
            await Sideband.dial(Endpoint(f"ws://127.0.0.1:{bound.getsockname()[1]}/", {}), tenant=TENANT)


@pytest.mark.parametrize("answer", [b"", b"HTTP/1.1 101 Nope\r\n\r\n", b"\x00\xff\x00garbage\r\n\r\n"])
async def test_no_websocket_is_unreachable(answer):
    async def babble(reader, writer):
        await reader.readuntil(b"\r\n\r\n")
        writer.write(answer)
        writer.close()

    listening = await asyncio.start_server(babble, "127.0.0.1", 0)
    async with listening:
        with pytest.raises(ProviderUnreachable):
            await Sideband.dial(Endpoint(f"ws://127.0.0.1:{listening.sockets[0].getsockname()[1]}/", {}), tenant=TENANT)


async def test_a_handshake_that_hangs_is_given_up(monkeypatch):
    monkeypatch.setattr(connection, "OPEN_LIMIT_S", 0.1)
    writers = []

    async def silence(reader, writer):
        writers.append(writer)

    listening = await asyncio.start_server(silence, "127.0.0.1", 0)
    async with listening:
        with pytest.raises(ProviderUnreachable):
            await Sideband.dial(Endpoint(f"ws://127.0.0.1:{listening.sockets[0].getsockname()[1]}/", {}), tenant=TENANT)
        for writer in writers:
            writer.close()


async def test_the_key_goes_in_the_header_and_nowhere_else():
    seen = []

    async def handler(ws):
        seen.append(ws.request)
        await ws.wait_closed()

    async with dialled(handler):
        await until(lambda: seen)
    assert seen[0].headers["Authorization"] == "Bearer sk-test"
    assert seen[0].path == "/v1/realtime?call_id=rtc_1"
    assert "OpenAI-Beta" not in seen[0].headers


async def test_the_key_is_not_kept_with_the_open_socket():
    async with dialled() as sideband:
        assert not sideband._socket.request.headers
        assert not sideband._socket.response.headers


async def test_frames_come_as_bytes_in_order():
    async def handler(ws):
        await ws.send('{"a":"ü"}')
        await ws.send(b"binary")
        await ws.wait_closed()

    async with dialled(handler) as sideband:
        assert [await receive(sideband), await receive(sideband)] == ['{"a":"ü"}'.encode(), b"binary"]


async def test_frames_that_come_in_parts_are_whole_and_in_order():
    async def handler(ws):
        await ws.send("one")
        await ws.send(["t", "w", "o"])
        await ws.send("three")
        await ws.wait_closed()

    async with dialled(handler) as sideband:
        assert [await receive(sideband) for _ in range(3)] == [b"one", b"two", b"three"]


async def test_a_message_of_endless_parts_is_dropped(monkeypatch):
    monkeypatch.setattr(line, "PARTS_LIMIT", 10)

    async def handler(ws):
        await ws.send("." for _ in range(100))
        await ws.wait_closed()

    async with dialled(handler) as sideband:
        with pytest.raises(Closed):
            await asyncio.wait_for(receive(sideband), 30)


async def test_who_takes_no_more_holds_the_sender_back_and_loses_nothing():
    sent = []

    async def handler(ws):
        for number in range(1_000):
            await ws.send(f"{number} " + "x" * 20_000)
            sent.append(number)
        await ws.wait_closed()

    async with dialled(handler) as sideband:
        heard = [await receive(sideband)]
        await asyncio.sleep(0.3)
        assert len(sent) < 900
        while len(heard) < 1_000:
            heard.append(await receive(sideband))
    assert [int(frame.split()[0]) for frame in heard] == list(range(1_000))


async def test_what_goes_wrong_with_a_frame_is_raised_where_somebody_listens():
    async def handler(ws):
        await ws.send("fine")
        await asyncio.sleep(0.05)
        await ws.send("bad")
        await ws.wait_closed()

    def take(raw):
        if raw == b"bad":
            raise ValueError("this one")
        return True

    async with dialled(handler) as sideband:
        with pytest.raises(ValueError, match="this one"):
            await asyncio.wait_for(sideband.listen(take), 30)


async def test_only_text_frames_are_sent():
    heard = asyncio.Queue()

    async def handler(ws):
        async for message in ws:
            heard.put_nowait(message)

    async with dialled(handler) as sideband:
        await sideband.send('{"type":"ü"}'.encode())
        assert await asyncio.wait_for(heard.get(), 30) == '{"type":"ü"}'


@pytest.mark.parametrize(("code", "reason"), [(1000, ""), (1001, "bye"), (1011, "oops"), (4000, "maximum duration")])
async def test_a_close_tells_its_code(code, reason):
    async def handler(ws):
        await ws.close(code, reason)

    async with dialled(handler) as sideband:
        with pytest.raises(Closed) as closed:
            await receive(sideband)
        assert (closed.value.code, closed.value.reason) == (code, reason)
        with pytest.raises(Closed):
            await sideband.send(b"{}")


@pytest.mark.parametrize("reset", [True, False])
async def test_tcp_that_goes_away_is_a_close_without_a_code(reset):
    async def handler(ws):
        if reset:
            raw = ws.transport.get_extra_info("socket")
            raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        ws.transport.abort()

    async with dialled(handler) as sideband:
        with pytest.raises(Closed) as closed:
            await receive(sideband)
        assert closed.value.code is None


async def test_an_oversized_frame_closes_the_socket(monkeypatch):
    monkeypatch.setattr(connection, "FRAME_LIMIT", 1_000)

    async def handler(ws):
        await ws.send("x" * 1_001)
        await ws.wait_closed()

    async with dialled(handler) as sideband:
        with pytest.raises(Closed) as closed:
            await receive(sideband)
        assert closed.value.code == 1009


async def test_aborting_wakes_the_reader_at_once():
    async with dialled() as sideband:
        reader = asyncio.create_task(receive(sideband))
        await asyncio.sleep(0)
        sideband.abort()
        with pytest.raises(Closed):
            await asyncio.wait_for(reader, 30)


@asynccontextmanager
async def slow_server():
    """Handshakes wait for `open_.set()`; counts those that wait."""
    open_, waiting = asyncio.Event(), []

    async def answer(ws, request):
        waiting.append(request.headers["Kind"])
        await open_.wait()

    async with server(process_request=answer) as url:
        yield url, open_, waiting


async def dials(url, kind, times, *, tenant=TENANT, again=False):
    endpoint = Endpoint(url, {"Kind": kind})
    opened = await asyncio.gather(*[Sideband.dial(endpoint, tenant=tenant, again=again) for _ in range(times)])
    for sideband in opened:
        sideband.abort()
    return len(opened)


async def test_a_tenant_whose_provider_hangs_delays_no_redial_of_another():
    async with slow_server() as (url, open_, waiting), server() as well:
        herd = asyncio.create_task(dials(url, "hangs", 100, again=True))
        await until(lambda: len(waiting) == SHARE * REDIALS)
        assert await asyncio.wait_for(dials(well, "well", 20, tenant=OTHER, again=True), 30) == 20
        assert len(waiting) == SHARE * REDIALS
        open_.set()
        assert await asyncio.wait_for(herd, 30) == 100


async def test_a_fresh_call_does_not_queue_behind_redials():
    async with slow_server() as (url, open_, waiting):
        herd = asyncio.create_task(dials(url, "again", 100, again=True))
        await until(lambda: len(waiting) == SHARE * REDIALS)
        fresh = asyncio.create_task(dials(url, "fresh", 5))
        await until(lambda: waiting.count("fresh") == 5)
        assert waiting.count("again") == SHARE * REDIALS
        open_.set()
        await asyncio.wait_for(asyncio.gather(herd, fresh), 30)


async def test_a_dial_that_fails_or_is_given_up_leaves_its_place(monkeypatch):
    monkeypatch.setattr(doors, "DIALS", 1)
    monkeypatch.setattr(doors, "REDIALS", 1)
    assert type(await refused(404)) is ProviderGone
    async with slow_server() as (url, open_, waiting):
        given_up = asyncio.create_task(dials(url, "again", 1, again=True))
        await until(lambda: waiting)
        given_up.cancel()
        open_.set()
        assert await asyncio.wait_for(dials(url, "again", 1, again=True), 30) == 1


async def test_closing_says_goodbye():
    codes = []

    async def handler(ws):
        await ws.wait_closed()
        codes.append(ws.close_code)

    async with dialled(handler) as sideband:
        await sideband.close()
        await until(lambda: codes)
    assert codes == [1000]
