"""The short way of deliveries: the long way's answers and headers, its own bounds, and what it leaves to the site."""

from __future__ import annotations

import asyncio

import pytest
from channels.db import database_sync_to_async
from django.core.asgi import get_asgi_application
from django.db import OperationalError, connection

from calls import dispatch
from calls.web import deliveries, webhooks
from calls.web.deliveries import Deliveries
from tests import factories
from tests.web.test_webhooks import SECRET, body, rows, signed

pytestmark = [pytest.mark.asyncio, pytest.mark.usefixtures("committed_db")]


@pytest.fixture(autouse=True)
def nudges(monkeypatch):
    asked = []
    monkeypatch.setattr(dispatch, "attach", asked.append)
    monkeypatch.setattr(webhooks, "_gate", webhooks._Gate())
    return asked


@pytest.fixture
def account(acme):
    return factories.make_account(acme, webhook_secret=SECRET)


class Site:
    """What stands behind the short way; notes what comes to it."""

    def __init__(self):
        self.asked = []

    async def __call__(self, scope, receive, send):
        self.asked.append((scope["method"], scope["path"], (await receive())["body"]))
        await send({"type": "http.response.start", "status": 299, "headers": []})
        await send({"type": "http.response.body", "body": b"the site"})


async def post(
    app, account, payload=None, headers=None, *, path=None, method="POST", host="testserver", parts=1, **more
):
    payload = body() if payload is None else payload
    headers = {"host": host, **(signed(payload) if headers is None else headers)}
    path = path or f"/webhooks/openai/{account.path_token}/"
    scope = {
        "type": "http", "http_version": "1.1", "method": method, "path": path, "raw_path": path.encode(),
        "query_string": b"", "root_path": "", "scheme": "http", "client": ("127.0.0.1", 1), "server": (host, 80),
        "headers": [(name.encode(), value.encode("latin1")) for name, value in headers.items()], **more,
    }  # fmt: skip
    size = len(payload) // parts + 1
    chunks = [payload[start : start + size] for start in range(0, max(1, len(payload)), size)]
    coming = [{"type": "http.request", "body": chunk, "more_body": True} for chunk in chunks]
    coming[-1]["more_body"] = False
    told = []

    async def receive():
        return coming.pop(0) if coming else await asyncio.Event().wait()

    async def send(message):
        told.append(message)

    await app(scope, receive, send)
    start, *rest = told
    return start["status"], dict(start["headers"]), b"".join(one.get("body", b"") for one in rest)


stored = database_sync_to_async(rows)


async def test_it_is_answered_as_on_the_long_way(acme, account, nudges):
    site = Site()
    short = await post(Deliveries(site), account, parts=3)
    payload = body("rtc_2")
    long = await post(get_asgi_application(), account, payload, signed(payload, wid="wh_2"))
    assert (short[0], short[2]) == (long[0], long[2]) == (200, b"ok\n")
    assert site.asked == []
    assert await stored(acme) == (2, 2)
    assert len(nudges) == 2

    kept, wanted = ({name.lower(): value for name, value in headers.items()} for _, headers, _ in (short, long))
    for of_people in (b"vary", b"content-language"):
        del wanted[of_people]
    assert kept == wanted
    assert b"content-security-policy" in kept


@pytest.mark.parametrize(
    ("change", "answer"),
    [
        ({"payload": b" " * (webhooks.BODY_LIMIT + 1)}, (413, b"too large\n")),
        ({"payload": b" " * 500_000, "parts": 9}, (413, b"too large\n")),
        ({"headers": {}}, (400, b"rejected\n")),
        ({"headers": signed(b"another body")}, (400, b"rejected\n")),
        ({"path": f"/webhooks/openai/{'0' * 64}/"}, (404, b"not found\n")),
        ({"path": "/webhooks/openai/x/"}, (404, b"not found\n")),
    ],
    ids=["large", "larger", "unsigned", "signed otherwise", "unknown", "no address"],
)
async def test_what_is_no_good_is_refused_as_ever(acme, account, change, answer):
    status, _, told = await post(Deliveries(Site()), account, **change)
    assert (status, told) == answer
    assert await stored(acme) == (0, 0)


@pytest.mark.parametrize(
    "change",
    [
        {"method": "GET"},
        {"method": "HEAD"},
        {"host": "elsewhere.example"},
        {"path": "/webhooks/openai/"},
        {"path": "/"},
        {"query_string": b"\xff"},
    ],
    ids=str,
)
async def test_what_is_not_plainly_a_delivery_goes_the_long_way_untouched(account, change):
    site = Site()
    payload = body()
    status, _, _ = await post(Deliveries(site), account, payload, **change)
    assert status == 299
    assert [asked[2] for asked in site.asked] == [payload]


async def test_without_tls_where_it_is_due_the_site_redirects(account, settings):
    settings.SECURE_SSL_REDIRECT = True
    site = Site()
    assert (await post(Deliveries(site), account))[0] == 299
    assert (await post(Deliveries(site), account, scheme="https"))[0] == 200


async def test_a_crowd_takes_turns_and_who_gets_none_comes_again(acme, account, monkeypatch):
    busy = asyncio.Event()
    real = webhooks.take
    begun = []

    def slow(delivery):
        begun.append(delivery)
        asyncio.run_coroutine_threadsafe(busy.wait(), loop).result()
        return real(delivery)

    loop = asyncio.get_running_loop()
    monkeypatch.setattr(webhooks, "take", slow)
    monkeypatch.setattr(deliveries, "TURN_SECONDS", 0.2)
    app = Deliveries(Site())
    payloads = [body(f"rtc_{number}") for number in range(webhooks.TURNS + 2)]
    asked = [
        asyncio.create_task(post(app, account, payload, signed(payload, wid=f"wh_{number}")))
        for number, payload in enumerate(payloads)
    ]
    late = [await one for one in asked[webhooks.TURNS :]]
    assert [(status, headers[b"Retry-After"]) for status, headers, _ in late] == [(503, b"5")] * 2
    assert len(begun) == webhooks.TURNS
    # A flood of what is refused without the database passes them by.
    assert (await post(app, account, headers={}))[0] == 400
    busy.set()
    assert [(await one)[0] for one in asked[: webhooks.TURNS]] == [200] * webhooks.TURNS
    assert (await post(app, account, payloads[-1], signed(payloads[-1], wid="wh_again")))[0] == 200
    assert (await stored(acme))[0] == webhooks.TURNS + 1


async def test_a_burst_is_taken_whole(acme, account):
    app = Deliveries(Site())
    payloads = [body(f"rtc_{number}") for number in range(60)]
    answers = await asyncio.gather(
        *(post(app, account, payload, signed(payload, wid=f"wh_{n}")) for n, payload in enumerate(payloads))
    )
    assert [status for status, _, _ in answers] == [200] * 60
    assert await stored(acme) == (60, 60)


async def test_connections_go_back_to_the_pool(acme, account):
    def lent():
        stats = connection.pool.get_stats()
        return stats["pool_size"] - stats["pool_available"]

    before = lent()
    app = Deliveries(Site())
    payloads = [body(f"rtc_{number}") for number in range(20)]
    await asyncio.gather(
        *(post(app, account, payload, signed(payload, wid=f"wh_{n}")) for n, payload in enumerate(payloads))
    )
    assert lent() == before


async def test_without_a_database_the_sender_comes_again_and_the_thread_recovers(acme, account, monkeypatch):
    app = Deliveries(Site())

    def away(tenant):
        raise OperationalError("gone")

    with monkeypatch.context() as broken:
        broken.setattr(webhooks, "tenant_scope", away)
        assert (await post(app, account))[0] == 503
    assert (await post(app, account))[0] == 200


async def test_a_fault_of_ours_is_a_500_and_is_written_down(account, monkeypatch, caplog):
    def broken(delivery):
        raise RuntimeError("ours")

    monkeypatch.setattr(webhooks, "take", broken)
    status, _, told = await post(Deliveries(Site()), account)
    assert (status, told) == (500, b"failed\n")
    assert "a webhook failed" in caplog.text


async def test_a_sender_that_went_away_is_told_nothing(acme, account):
    async def receive():
        return {"type": "http.disconnect"}

    path = f"/webhooks/openai/{account.path_token}/"
    scope = {"type": "http", "method": "POST", "path": path, "headers": [(b"host", b"testserver")], "query_string": b"",
             "server": ("testserver", 80), "scheme": "http", "root_path": ""}  # fmt: skip
    await Deliveries(Site())(scope, receive, None)
    assert await stored(acme) == (0, 0)


async def test_the_call_is_the_tenants_own(acme, globex, account):
    assert (await post(Deliveries(Site()), account))[0] == 200

    assert [(await stored(one))[0] for one in (acme, globex)] == [1, 0]
