"""The only door for HTTP to a provider: accept, reject, refer, hang up, and a test of the key, through the openai SDK.

Never retries (a second accept or hang-up is the caller's decision), follows no redirect, uses no proxy from
the environment, and never lets a key into a message. Belongs to one event loop.
"""

from __future__ import annotations

import asyncio
import ssl
from collections import OrderedDict
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from functools import cache
from typing import Any

import openai

from calls.exceptions import InvalidInput, ProviderRefused
from calls.providers import control
from calls.providers.base import Account, key_headers

CONNECT_SECONDS = 2.0
TOTAL_SECONDS = 8.0
"""From the call of the method to its answer, waiting for a connection included: a caller is listening to the
ringing"""
CONNECTIONS = 64
"""Requests under way at once; a burst waits its turn here instead of in a server's full accept queue"""
_NO_PROVIDER = "something answers there, but no provider; is the base URL right?"
SIP_CODES = range(300, 700)
"""What a call can be rejected with (documented for the Live API; the Realtime API names no range)"""


class ControlClient:
    """Controls calls of one account. All methods raise from the ProviderError tree and nothing else of the
    wire.

    ProviderUnreachable means that nobody knows whether the request took effect.
    """

    def __init__(self, account: Account) -> None:
        if not account.api_key:
            # The SDK would take OPENAI_API_KEY of the environment: another's key.
            raise ProviderRefused("the account has no API key")
        self.account = account
        self.in_flight = 0
        self._slots = asyncio.Semaphore(CONNECTIONS)
        self._headers: dict[str, Any] = {"Authorization": openai.omit, **key_headers(account)}
        self._sdk = openai.AsyncOpenAI(
            api_key=account.api_key,
            base_url=account.base_url,
            max_retries=0,
            timeout=openai.Timeout(TOTAL_SECONDS, connect=CONNECT_SECONDS),
            http_client=openai.DefaultAsyncHttpxClient(trust_env=False, follow_redirects=False, verify=_tls()),
        )
        # None would have meant OPENAI_ORG_ID and OPENAI_PROJECT_ID of the environment.
        self._sdk.organization = self._sdk.project = None

    async def accept(self, call_id: str, body: Mapping[str, Any]) -> None:
        """Answer a ringing call with the session `body` as it is. 200 proves no session: the open sideband
        does."""
        async with self._errors():
            await self._sdk.realtime.calls.accept(
                call_id, type="realtime", extra_body=dict(body), extra_headers=self._headers
            )

    async def reject(self, call_id: str, status_code: int) -> None:
        """Turn a ringing call away with a SIP status, such as 486 (busy). Raises InvalidInput outside 300 to
        699."""
        if status_code not in SIP_CODES:
            raise InvalidInput("a call is rejected with a SIP status of 300 to 699", field="status_code")
        async with self._errors():
            await self._sdk.realtime.calls.reject(call_id, status_code=status_code, extra_headers=self._headers)

    async def refer(self, call_id: str, target_uri: str) -> None:
        """Ask for a transfer to a `tel:` or `sip:` URI. 200 says that it was asked for, not that it
        happened."""
        async with self._errors():
            await self._sdk.realtime.calls.refer(call_id, target_uri=target_uri, extra_headers=self._headers)

    async def hang_up(self, call_id: str) -> None:
        """End a call. ProviderGone says that it had ended before."""
        async with self._errors():
            await self._sdk.realtime.calls.hangup(call_id, extra_headers=self._headers)

    async def check_key(self) -> None:
        """Ask for the provider's models, which costs nothing: whoever gets an answer has a valid key."""
        async with self._errors(), self._provider_only():
            answer = await self._sdk.models.with_raw_response.list(extra_headers=self._headers)
        try:
            listed = answer.http_response.json()
        except ValueError:
            listed = None
        if not isinstance(listed, dict) or "data" not in listed:
            raise ProviderRefused(_NO_PROVIDER)

    async def aclose(self) -> None:
        """Close the connections."""
        await self._sdk.close()

    @asynccontextmanager
    async def _provider_only(self) -> AsyncIterator[None]:
        """Words of an error are a provider's own only in its shape: others' pages are not for a tester to read."""
        try:
            yield
        except openai.APIStatusError as error:
            try:
                told = error.response.json()
            except ValueError:
                told = None
            if not isinstance(told, dict) or not isinstance(told.get("error"), dict):
                raise ProviderRefused(_NO_PROVIDER, status=error.status_code) from None
            raise

    @asynccontextmanager
    async def _errors(self) -> AsyncIterator[None]:
        """The SDK's exceptions as ours. `from None`: theirs hold the request, and with it the key."""
        self.in_flight += 1
        try:
            async with asyncio.timeout(TOTAL_SECONDS), self._slots:
                yield
        except openai.APIStatusError as error:
            wait = error.response.headers.get("retry-after")
            raise control.failure(error.status_code, error.body, self.account, retry_after=wait) from None
        except (TimeoutError, openai.APITimeoutError):
            raise control.unreachable(f"no answer within {TOTAL_SECONDS:g} s") from None
        except openai.APIConnectionError as error:
            raise control.unreachable(f"no connection ({type(error.__cause__ or error).__name__})") from None
        except openai.OpenAIError as error:
            raise ProviderRefused(f"unusable answer ({type(error).__name__})") from None
        finally:
            self.in_flight -= 1


class ControlClients:
    """One client per (base URL, key), so that a connection serves many calls. At most `bound` idle ones are
    kept."""

    def __init__(self, bound: int = 64) -> None:
        self._bound = bound
        self._clients: OrderedDict[Account, ControlClient] = OrderedDict()
        self._closing: set[asyncio.Task[None]] = set()

    def of(self, account: Account) -> ControlClient:
        """The account's client. A changed key is another account: the old client falls out by itself."""
        client = self._clients.get(account)
        if client is None:
            client = self._clients[account] = ControlClient(account)
        self._clients.move_to_end(account)
        self._drop_idle(keep=account)
        return client

    async def aclose(self) -> None:
        """Close all clients."""
        clients = list(self._clients.values())
        self._clients.clear()
        await asyncio.gather(*self._closing, *(client.aclose() for client in clients))

    def _drop_idle(self, keep: Account) -> None:
        """Least recently used first. A client with a request under way stays: closing it would cut the
        request."""
        idle = [key for key, client in self._clients.items() if not client.in_flight and key != keep]
        for key in idle[: max(0, len(self._clients) - self._bound)]:
            task = asyncio.get_running_loop().create_task(self._clients.pop(key).aclose())
            self._closing.add(task)
            task.add_done_callback(self._closing.discard)


@cache
def _tls() -> ssl.SSLContext:
    """Shared by all clients: reading the system's certificates takes some 20 ms of the loop."""
    return ssl.create_default_context()
