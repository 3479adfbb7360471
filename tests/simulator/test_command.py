"""The process as people start it."""

from __future__ import annotations

import asyncio
import contextlib
import signal
import sys
from pathlib import Path

import aiohttp
import orjson
import pytest

from realtime_ops import services

ROOT = Path(__file__).resolve().parents[2]
ACCOUNT = {
    "webhook_url": "http://127.0.0.1:9/",
    "webhook_secret": "whsec_YQ==",
    "api_key": "sk",
    "numbers": ["+441"],
}

BEARER = {"Authorization": "Bearer sk"}


async def first_call(http: aiohttp.ClientSession) -> str:
    """Wait until it serves and somebody calls."""
    while True:
        with contextlib.suppress(aiohttp.ClientConnectionError):
            async with http.get("/_simulator/calls") as answer:
                if calls := orjson.loads(await answer.read())["calls"]:
                    return str(calls[0]["call_id"])
        await asyncio.sleep(0.02)


async def dialled(http: aiohttp.ClientSession, call_id: str) -> aiohttp.ClientWebSocketResponse:
    while True:
        with contextlib.suppress(aiohttp.WSServerHandshakeError):
            return await http.ws_connect(f"/v1/realtime?call_id={call_id}")
        await asyncio.sleep(0.005)


@pytest.mark.asyncio
@pytest.mark.parametrize("sign", [signal.SIGTERM, signal.SIGINT])
async def test_it_serves_and_ends_cleanly_with_its_books_written(tmp_path: Path, sign: signal.Signals) -> None:
    port, book = services.free_port(), tmp_path / "book.jsonl"
    arguments = f"--port {port} --accounts - --calls 3 --loop --speed 10 --seed 1 --ledger {book}".split()
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "calls.simulator", *arguments, cwd=ROOT,
        stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
    )  # fmt: skip
    assert process.stdin is not None
    process.stdin.write(orjson.dumps([ACCOUNT]))
    process.stdin.close()
    try:
        async with asyncio.timeout(15), aiohttp.ClientSession(f"http://127.0.0.1:{port}", headers=BEARER) as http:
            call_id = await first_call(http)
            # On uvloop, as the tests beside this one are not.
            await http.post(f"/v1/realtime/calls/{call_id}/accept", json={"type": "realtime"})
            socket_ = await dialled(http, call_id)
            assert orjson.loads((await socket_.receive()).data)["type"] == "response.created"
            process.send_signal(sign)
            await socket_.close()
            out, err = await process.communicate()
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    assert (process.returncode, out) == (0, b"")
    assert b"Traceback" not in err
    lines = [orjson.loads(line) for line in book.read_bytes().splitlines()]
    assert any(line["kind"] == "truth" and line["outcome"] == "simulator_stopped" for line in lines)


@pytest.mark.asyncio
async def test_it_stops_by_itself_after_its_duration(tmp_path: Path) -> None:
    accounts = tmp_path / "accounts.json"
    accounts.write_bytes(orjson.dumps([ACCOUNT]))
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "calls.simulator", "--port", str(services.free_port()), "--accounts", str(accounts),
        "--duration", "0.1", cwd=ROOT, stderr=asyncio.subprocess.PIPE,
    )  # fmt: skip
    async with asyncio.timeout(15):
        _, err = await process.communicate()
    assert process.returncode == 0, err
