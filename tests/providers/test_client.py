"""The one HTTP door, against a server on the loopback: what is sent, what failures become, how connections are kept."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
import uvloop
from aiohttp import web

from calls.exceptions import InvalidInput, ProviderBusy, ProviderGone, ProviderRefused, ProviderUnreachable
from calls.providers import client
from calls.providers.base import Account
from calls.providers.client import ControlClient, ControlClients

KEY = "sk-proj-0123456789abcdefSECRET"
BODY = {"type": "realtime", "model": "m", "audio": {"input": {"turn_detection": None}}}


class Provider:
    """Writes down every request and answers as told."""

    def __init__(self) -> None:
        self.requests: list[tuple[str, str, dict, object]] = []
        self.connections: set[int] = set()
        self.answer = web.Response
        self.delay = 0.0
        self.together = 1
        """So many requests must have come before the first of them is answered"""
        self.url = ""

    async def handle(self, request: web.Request) -> web.StreamResponse:
        body = await request.json() if request.can_read_body else None
        self.requests.append((request.method, request.raw_path, dict(request.headers), body))
        self.connections.add(id(request.transport))
        while len(self.requests) < self.together:  # noqa: ASYNC110  nothing announces them
            await asyncio.sleep(0.001)
        await asyncio.sleep(self.delay)
        return self.answer()


@asynccontextmanager
async def provider() -> AsyncIterator[Provider]:
    served = Provider()
    application = web.Application()
    application.router.add_route("*", "/{path:.*}", served.handle)
    runner = web.AppRunner(application, shutdown_timeout=0.1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    served.url = f"http://127.0.0.1:{runner.addresses[0][1]}/v1"
    try:
        yield served
    finally:
        await runner.cleanup()


@asynccontextmanager
async def controlled(**account) -> AsyncIterator[tuple[Provider, ControlClient]]:
    async with provider() as served:
        door = ControlClient(Account(**{"base_url": served.url, "api_key": KEY, **account}))
        try:
            yield served, door
        finally:
            await door.aclose()


def test_the_four_requests():
    async def scenario():
        async with controlled() as (served, door):
            await door.accept("rtc_1", BODY)
            await door.reject("rtc_1", 486)
            await door.refer("rtc_1", "tel:+14155550123")
            await door.hang_up("rtc/1?x")
            return served.requests, served.connections

    requests, connections = uvloop.run(scenario())
    assert [(method, path, body) for method, path, _, body in requests] == [
        ("POST", "/v1/realtime/calls/rtc_1/accept", BODY),
        ("POST", "/v1/realtime/calls/rtc_1/reject", {"status_code": 486}),
        ("POST", "/v1/realtime/calls/rtc_1/refer", {"target_uri": "tel:+14155550123"}),
        ("POST", "/v1/realtime/calls/rtc%2F1%3Fx/hangup", None),
    ]
    assert len(connections) == 1, "one connection serves them all"


@pytest.mark.parametrize(
    ("kind", "header", "value"),
    [
        ("openai", "Authorization", f"Bearer {KEY}"),
        ("gateway", "Authorization", f"Bearer {KEY}"),
        ("azure", "api-key", KEY),
    ],
)
def test_the_key_is_sent_the_way_of_its_kind(monkeypatch, kind, header, value):
    for name in ("OPENAI_ORG_ID", "OPENAI_PROJECT_ID", "OPENAI_BASE_URL", "OPENAI_API_KEY"):
        monkeypatch.setenv(name, "http://127.0.0.1:9/another")
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    monkeypatch.setenv("ALL_PROXY", "http://127.0.0.1:9")

    async def scenario():
        async with controlled(kind=kind) as (served, door):
            await door.hang_up("rtc_1")
            return served.requests[0][2]

    sent = {name.lower(): found for name, found in asyncio.run(scenario()).items()}
    assert sent[header.lower()] == value
    assert len({"authorization", "api-key"} & set(sent)) == 1
    assert not {"openai-beta", "openai-organization", "openai-project"} & set(sent)


@pytest.mark.parametrize(
    ("status", "kind"),
    [(404, ProviderGone), (410, ProviderGone), (409, ProviderBusy), (429, ProviderBusy), (500, ProviderBusy)]
    + [(status, ProviderRefused) for status in (302, 307, 400, 401, 403, 422)],
)
def test_failures_are_told_once_and_never_tried_again(status, kind):
    async def scenario():
        async with controlled() as (served, door):
            served.answer = lambda: web.json_response(
                {"error": {"message": f"no, {KEY}", "code": "c", "type": "t"}},
                status=status,
                headers={"Retry-After": "3", "Location": served.url},
            )
            with pytest.raises(kind) as failure:
                await door.hang_up("rtc_1")
            return failure.value, len(served.requests), door.in_flight

    error, requests, in_flight = asyncio.run(scenario())
    assert type(error) is kind
    assert (error.status, error.reason, error.retry_after) == (status, "no, [key]", 3.0)
    assert (requests, in_flight) == (1, 0)
    assert error.__cause__ is None
    assert error.__suppress_context__


@pytest.mark.parametrize(
    "answer", [b"", b"<html>", b"null", b"\xff\xfe", b'{"error":null}', b'{"error":{"message":7}}']
)
def test_a_failure_without_words_has_its_status(answer):
    async def scenario():
        async with controlled() as (served, door):
            served.answer = lambda: web.Response(body=answer, status=503)
            with pytest.raises(ProviderBusy) as failure:
                await door.hang_up("rtc_1")
            return failure.value.reason

    reason = asyncio.run(scenario())
    assert reason == "HTTP 503" or not set(reason) & set("<{")


def test_nobody_listens():
    async def scenario():
        door = ControlClient(Account("http://127.0.0.1:9/v1", KEY))
        with pytest.raises(ProviderUnreachable, match="no connection") as failure:
            await door.hang_up("rtc_1")
        await door.aclose()
        return failure.value

    error = asyncio.run(scenario())
    assert error.retryable
    assert error.status is None


def test_a_silent_provider_is_given_up(monkeypatch):
    monkeypatch.setattr(client, "TOTAL_SECONDS", 2.0)

    async def scenario():
        async with controlled() as (served, door):
            served.delay = 3600
            with pytest.raises(ProviderUnreachable, match="no answer within"):
                await door.accept("rtc_1", BODY)
            return len(served.requests)

    assert asyncio.run(scenario()) == 1


@pytest.mark.parametrize("status", [0, 200, 299, 700])
def test_only_sip_statuses_reject(status):
    async def scenario():
        async with controlled() as (served, door):
            with pytest.raises(InvalidInput):
                await door.reject("rtc_1", status)
            return served.requests

    assert asyncio.run(scenario()) == []


def test_an_account_without_a_key_never_borrows_one(monkeypatch):
    monkeypatch.setenv("OPENAI_API_KEY", "sk-of-somebody-else")
    with pytest.raises(ProviderRefused, match="no API key"):
        ControlClient(Account("https://api.openai.com/v1", ""))


def test_an_account_keeps_its_client_and_the_number_of_idle_ones_is_bounded():
    async def scenario():
        async with provider() as served:
            clients = ControlClients(bound=2)
            first = Account(served.url, "key-one-1")
            kept = clients.of(first)
            assert clients.of(Account(served.url, "key-one-1")) is kept
            assert clients.of(Account(served.url, "key-two-2")) is not kept

            served.together = 2
            running = asyncio.create_task(kept.hang_up("rtc_1"))
            while not served.requests:  # noqa: ASYNC110  nothing announces them
                await asyncio.sleep(0.001)
            for number in range(5):
                clients.of(Account(served.url, f"key-{number}"))
            assert clients.of(first) is kept, "a request is under way"
            served.together = 1
            await running
            for number in range(5, 8):
                clients.of(Account(served.url, f"key-{number}"))
            assert clients.of(first) is not kept
            await clients.aclose()

    asyncio.run(scenario())


def test_hundreds_of_calls_on_one_loop(monkeypatch):
    monkeypatch.setattr(client, "TOTAL_SECONDS", 60.0)

    async def scenario():
        async with controlled() as (served, door):
            served.together = client.CONNECTIONS  # nobody is answered before so many ask at the same time
            await asyncio.gather(*(door.accept(f"rtc_{number}", BODY) for number in range(5 * client.CONNECTIONS)))
            return {path for _, path, _, _ in served.requests}

    assert len(uvloop.run(scenario())) == 5 * client.CONNECTIONS


def test_a_key_is_tested_by_asking_for_the_models():
    async def scenario():
        async with controlled() as (served, door):
            served.answer = lambda: web.json_response({"object": "list", "data": []})
            await door.check_key()
            return served.requests

    [(method, path, headers, body)] = asyncio.run(scenario())
    assert (method, path, body) == ("GET", "/v1/models", None)
    assert headers["Authorization"] == f"Bearer {KEY}"


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (
            lambda: web.json_response({"error": {"message": f"Incorrect API key provided: {KEY}"}}, status=401),
            "API key",
        ),
        (lambda: web.Response(text="<h1>Welcome</h1>", content_type="text/html"), "no provider"),
        (lambda: web.json_response([]), "no provider"),
    ],
)
def test_a_failed_test_says_why_without_the_key(answer, words):
    async def scenario():
        async with controlled() as (served, door):
            served.answer = answer
            await door.check_key()

    with pytest.raises(ProviderRefused, match=words) as caught:
        asyncio.run(scenario())
    assert KEY not in str(caught.value)


@pytest.mark.parametrize("status", [200, 401, 500])
def test_what_is_no_providers_answer_is_not_repeated(status):
    async def scenario():
        async with controlled() as (served, door):
            served.answer = lambda: web.json_response({"message": "inner secret"}, status=status)
            await door.check_key()

    with pytest.raises(ProviderRefused, match="no provider") as caught:
        asyncio.run(scenario())
    assert "inner" not in str(caught.value)
