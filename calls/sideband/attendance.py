"""From a taken lease to the end of the call: answer it, dial its sideband, read, redial. Which error means what."""

from __future__ import annotations

import asyncio
import logging
import random
import time
from datetime import UTC, datetime, timedelta
from typing import Any

from calls.conf import conf
from calls.domain.inputs import Accepted, Attached, GaveUp, Gone
from calls.domain.states import CallState, EndReason
from calls.exceptions import (
    InvalidInput,
    ProviderBusy,
    ProviderError,
    ProviderGone,
    ProviderRefused,
    ProviderUnreachable,
)
from calls.providers import session_body
from calls.providers.control import sideband_endpoint
from calls.selectors.sideband import Briefing
from calls.sideband import backoff, connection
from calls.sideband.connection import Sideband
from calls.sideband.runner import OVERSIZED, Runner

logger = logging.getLogger(__name__)

NOT_FOUND_SIP, BUSY_SIP = 404, 486
YOUNG = timedelta(seconds=5)
"""A call so young may be announced before the provider's own accept knows it: a 404 is asked once more."""
YOUNG_PAUSE_S = 0.3
RINGING_OWNERS = 3
"""So many owners leave a ringing call to their peers where they do not reach the provider; the next one keeps asking"""
OVERSIZED_WITHIN_S = 600.0
OVERSIZED_REST_S = 30.0
"""Before a redial, where the last runner.OVERSIZED sockets in so long were closed for a frame beyond the bound"""


class Attendance:
    """Attends one call until it is over or the process lets go of it."""

    def __init__(self, briefing: Briefing, runner: Runner, *, first_owner: bool) -> None:
        self.briefing = briefing
        self.runner = runner
        self.first_owner = first_owner
        self.endpoint = sideband_endpoint(briefing.account, briefing.call_id)
        self.was_open = briefing.answered_at is not None
        # An accept whose outcome nobody heard: an earlier owner's, which may have died over it, or one of our own.
        self._unheard_since = None if first_owner or self.was_open else briefing.started_at
        self.cut_off = False
        """This process does not reach the provider, or no more: a peer may"""
        self._unreachable = False
        """So ended the last dial"""
        self._heard = False
        self._attempt = 0
        self._briefed_at = self._trying_since = time.monotonic()

    async def run(self) -> None:
        """Watch and send side by side: either one's failure ends both, and the call is taken again."""
        try:
            async with asyncio.TaskGroup() as group:
                sender = group.create_task(self.runner.carry_out())
                await self._watch()
                sender.cancel()
        finally:
            self.runner.abort()  # what is left, a timer say, must not speak for a call that is not attended

    async def _watch(self) -> None:
        sideband: Sideband | None = None
        try:
            sideband = await self._answer()
            while not (self.runner.over.is_set() or self.cut_off):
                sideband = sideband or await self._dial()
                if sideband is None:
                    return
                if not self.was_open:
                    self._attempt, self._trying_since = 0, time.monotonic()  # dials before the leg was up failed nobody
                self.was_open = self._heard = True
                self.runner.feed(Attached(self._unheard_since))
                self._unheard_since = None
                opened_at = time.monotonic()
                await self.runner.read(sideband)
                sideband.abort()
                self._note_closed(opened_at)
                await self._rest()
                sideband = None
        finally:
            if sideband is not None:
                sideband.abort()  # whoever takes the call again opens a socket of their own

    async def _answer(self) -> Sideband | None:
        """Accept or reject a ringing call; returns a sideband where one was opened on the way."""
        if self.briefing.state is not CallState.RINGING:
            if self.was_open:
                self.runner.resume(self.briefing.last_event_at or self.briefing.answered_at)
            return None
        if self.briefing.busy:
            await self._reject(BUSY_SIP, EndReason.BUSY, "The tenant has all the calls at once that it may have.")
            return None
        if not self.briefing.has_agent:
            words = "No route leads from the dialled number to an agent."
            await self._reject(NOT_FOUND_SIP, EndReason.NO_ROUTE, words)
            return None
        # An earlier owner may have died between its accept and the note of it: the socket tells.
        opened = None if self.first_owner else await self._try_dial()
        return opened or await self._accept()

    def _may_ask(self) -> bool:
        """False once somebody else may own the call: then this attendance stops."""
        if self.runner.over.is_set():  # let go while it waited, though the lease of others is fine again
            return False
        if self.runner.may_send():
            return True
        logger.warning("not answered: the lease may be over", extra={"call": str(self.briefing.code)})
        self.runner.abort()
        return False

    async def _reject(self, sip_status: int, reason: EndReason, words: str) -> None:
        if not self._may_ask():
            return
        try:
            await self.runner.control.reject(self.briefing.call_id, sip_status)
        except ProviderError as error:
            logger.info("reject failed", extra={"call": str(self.briefing.code), "error": type(error).__name__})
        self._give_up(CallState.REFUSED, reason, words)

    def _session(self) -> dict[str, Any] | None:
        """What the accept says of the agent; None where that cannot be sent: the call is given up."""
        briefing = self.briefing
        try:
            body = session_body.build(briefing.model, briefing.voice, briefing.instructions, briefing.settings)
            session_body.validate(body)
        except InvalidInput as error:
            self._give_up(CallState.MISSED, EndReason.NOT_ACCEPTED, f"The agent's settings: {error}")
            return None
        return body

    async def _accept(self) -> Sideband | None:
        """Accept until there is an answer; returns a sideband where one was opened on the way."""
        body = self._session()
        if body is None:
            return None
        asked_again = False
        unsure = not self.first_owner
        """An accept of which nobody heard may have worked: then a 404 means "accepted before", too"""
        attempt = 0
        while True:
            if not self._may_ask():
                return None
            asked_at = datetime.now(UTC)
            # Not by our own clock: one that is a minute ahead would give every caller up.
            age = self.briefing.age + timedelta(seconds=time.monotonic() - self._briefed_at)
            try:
                await self.runner.control.accept(self.briefing.call_id, body)
            except ProviderGone as error:
                if unsure:
                    return await self._dial()
                if asked_again or age > YOUNG:
                    self._give_up(CallState.MISSED, EndReason.NOT_ACCEPTED, error.reason)
                    return None
                asked_again = True
                await asyncio.sleep(YOUNG_PAUSE_S)
            except ProviderUnreachable as error:
                # The answer is lost, perhaps not the effect: an open sideband proves an accept.
                unsure = True
                self._unheard_since = self._unheard_since or asked_at
                if opened := await self._try_dial():
                    return opened
                # Whoever is next dials before it accepts.
                self.cut_off = self._unreachable and self.runner.ref.epoch <= RINGING_OWNERS
                if self.cut_off or not await self._wait(attempt, age, error):
                    return None
            except ProviderBusy as error:
                if (error.status or 0) >= 500:
                    unsure = True
                    self._unheard_since = self._unheard_since or asked_at
                if not await self._wait(attempt, age, error):
                    return None
            except ProviderRefused as error:
                self._give_up(CallState.LOST, EndReason.NOT_ACCEPTED, error.reason)
                return None
            else:
                self._unheard_since = None  # a call is accepted once: the earlier ones did not work
                self.runner.feed(Accepted())
                return None
            attempt += 1

    async def _wait(self, attempt: int, age: timedelta, error: ProviderError) -> bool:
        """Wait before another accept; False when the caller will have gone."""
        left = (conf().accept_max_age - age).total_seconds()
        pause = error.retry_after or backoff.delay(backoff.REDIAL_S, attempt + 1, random.random())
        if pause > left:
            self._give_up(CallState.MISSED, EndReason.PROVIDER_UNREACHABLE, error.reason)
            return False
        await asyncio.sleep(pause)
        return True

    async def _try_dial(self) -> Sideband | None:
        """Of a call that rings: once, and with the waiting before the door no longer than a dial takes."""
        try:
            async with asyncio.timeout(connection.OPEN_LIMIT_S):
                return await Sideband.dial(self.endpoint, tenant=self.briefing.tenant_id)
        except (ProviderError, TimeoutError) as error:
            self._unreachable = isinstance(error, (ProviderUnreachable, TimeoutError))
            return None

    async def _dial(self) -> Sideband | None:
        """Open the sideband, again and again within the budget; None when the call is over, given up or `cut_off`."""
        pauses, budget = (
            (backoff.REDIAL_S, backoff.REDIAL_BUDGET_S) if self.was_open else (backoff.SETUP_S, backoff.SETUP_BUDGET_S)
        )
        if not self._attempt:
            self._trying_since = time.monotonic()
        while not self.runner.over.is_set():
            wait = backoff.delay(pauses, self._attempt, random.random())
            self._attempt += 1
            silent = False
            try:
                await asyncio.sleep(wait)
                if self.runner.over.is_set():  # let go meanwhile: it may be somebody else's
                    return None
                return await self._open(self._trying_since + budget)
            except ProviderGone:
                if self.was_open:
                    self.runner.feed(Gone())
                    return None
                reason, words = EndReason.NOT_ACCEPTED, "The call was accepted, but its leg never came up."
            except ProviderRefused as error:
                self._give_up(CallState.LOST, EndReason.PROVIDER_UNREACHABLE, error.reason)
                return None
            except (ProviderBusy, ProviderUnreachable) as error:
                reason, words = EndReason.PROVIDER_UNREACHABLE, error.reason
                silent = isinstance(error, ProviderUnreachable)
                if error.retry_after:
                    await asyncio.sleep(min(error.retry_after, budget))
            if time.monotonic() - self._trying_since > budget:
                self.cut_off = silent and self._heard
                if not self.cut_off:
                    self._give_up(CallState.LOST if self.was_open else CallState.MISSED, reason, words)
                return None
        return None

    async def _open(self, until: float) -> Sideband:
        """Where hundreds dial in vain, each for seconds, the last would wait before the door for minutes: a call that a
        peer may take waits there no longer than it may dial."""
        left = max(connection.OPEN_LIMIT_S, until - time.monotonic()) if self._heard else None
        try:
            async with asyncio.timeout(left):
                return await Sideband.dial(self.endpoint, tenant=self.briefing.tenant_id, again=self.was_open)
        except TimeoutError as error:
            raise ProviderUnreachable("no turn to dial") from error

    def _note_closed(self, opened_at: float) -> None:
        """Only a stretch of reading makes a fresh start: a peer that opens and closes must not be dialled for ever."""
        now = time.monotonic()
        if now - opened_at >= backoff.STABLE_S:
            self._attempt, self._trying_since = 0, now
        elif now - self._trying_since > backoff.REDIAL_BUDGET_S:
            self._give_up(CallState.LOST, EndReason.PROVIDER_UNREACHABLE, "The sideband closes as soon as it opens.")

    async def _rest(self) -> None:
        """A peer that sends frames beyond the bound again and again is not dialled again at once."""
        times = self.runner.oversized_at
        if len(times) == OVERSIZED and time.monotonic() - times[0] < OVERSIZED_WITHIN_S:
            logger.warning("frames beyond the bound, again", extra={"call": str(self.briefing.code)})
            await asyncio.sleep(OVERSIZED_REST_S)

    def _give_up(self, state: CallState, reason: EndReason, detail: str) -> None:
        self.runner.feed(GaveUp(state, reason, detail))
