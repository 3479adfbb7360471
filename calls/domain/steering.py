"""Operators' commands from the claim to the proof (calls.domain.proofs).

A command is sent when it went out, not when it was handed out; until then it stays claimed. It is confirmed by its
proving event, refused by the provider's `error`, not confirmed when its time is up; a late proof still turns the last
into a confirmation, where nothing else can have caused it.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta
from uuid import UUID

from calls.domain.client_events import EVENT_ID, frames_for, item_id_of, mark_of, retrieve
from calls.domain.commands import CONTROL_VERBS, REPEATABLE_VERBS, Command, Verb
from calls.domain.events import ProviderFault, ProviderFaultInfo, ResponseInfo
from calls.domain.inputs import ControlAnswered
from calls.domain.notebook import Notebook
from calls.domain.orders import Order
from calls.domain.outgoing import ControlCall, Outgoing, SendEvent
from calls.domain.plan import Plan, SentCommand
from calls.domain.proofs import LATE, Proofs, unsent
from calls.domain.speaking import Speaking
from calls.domain.states import CallState, CommandState, EndReason
from calls.exceptions import InvalidTransition

GRACE = timedelta(seconds=1)
"""How long a refused cancelling waits for the `cleared` of the second frame, which the media layer sends."""
RETRY = timedelta(seconds=1)
"""After what did not go out, the next try: the lease may be renewed meanwhile though no line was lost."""

_BUSY = "conversation_already_has_active_response"
_IDLE = "response_cancel_not_active"
_SENDER_STOPPED = "Its sender stopped; it may have been sent."
_LINE_DOWN = "the line to the provider is down"


class Steering(Proofs):
    """`attached` is set by the session; `outgoing` collects what is to be sent."""

    def __init__(self, plan: Plan, book: Notebook, agent: Speaking, sent: Iterable[SentCommand]) -> None:
        super().__init__(book, agent)
        self.attached = False
        self.outgoing: list[Outgoing] = []
        self._plan = plan
        self._hung_up = False
        for one in sent:
            self._remember(one.command)
            self._orders[one.command.id] = Order(one.command, one.state, one.at + self._timeout(one.command), 1)

    @property
    def wake_at(self) -> datetime | None:
        if not self._orders:
            return None
        due = (order.again_at or order.deadline for order in self._orders.values() if order.is_open)
        return min(due, default=None)

    @property
    def transferring(self) -> bool:
        """The provider took a transfer and its leg has not ended."""
        return any(
            order.command.verb is Verb.TRANSFER and order.taken and order.state is CommandState.SENT
            for order in self._orders.values()
        )

    def resume_transfer(self) -> None:
        """A former owner was told that the transfer was taken."""
        for order in self._orders.values():
            order.taken = order.taken or order.command.verb is Verb.TRANSFER

    def end_reason(self, at: datetime) -> EndReason | None:
        """Return why the call ended at that time, as far as commands explain it."""
        proven = [order.command.verb for order in self._orders.values() if self._provable(order, at)]
        if Verb.HANG_UP in proven or self._hung_up:
            return EndReason.HUNG_UP
        return EndReason.TRANSFERRED if Verb.TRANSFER in proven else None

    # From the operator

    def claim(self, command: Command, at: datetime, *, live: bool) -> None:
        """Send a command, or hold it until it can be sent. Raises InvalidTransition where it was claimed
        before.
        """
        if command.id in self._orders:
            raise InvalidTransition("the command was claimed before")
        order = Order(command, CommandState.CLAIMED, at + self._plan.command_timeout)
        if not live:
            self._settle(order, CommandState.REFUSED, at, "The call is not up.")
            return
        self._retry_all(at)  # what did not go out before it goes out before it
        self._orders[command.id] = order
        self._remember(command)
        self._try(order, at)

    def _remember(self, command: Command) -> None:
        self._book.transcript.authors[item_id_of(command)] = command.id
        self._agent.commands[mark_of(command)] = command.id

    def _timeout(self, command: Command) -> timedelta:
        timeouts = {Verb.HANG_UP: self._plan.hang_up_timeout, Verb.TRANSFER: self._plan.transfer_timeout}
        return timeouts.get(command.verb, self._plan.command_timeout)

    def _try(self, order: Order, at: datetime) -> None:
        verb = order.command.verb
        if verb in CONTROL_VERBS or (self.attached and not (verb is Verb.SAY and self._busy(order))):
            self._send(order, at)

    def _busy(self, order: Order) -> bool:
        """A response runs, or another Say has been sent and will start one."""
        return self._agent.running is not None or any(
            other.command.verb is Verb.SAY and other.under_way and not other.retry
            for other in self._orders.values()
            if other is not order
        )

    def _send(self, order: Order, at: datetime) -> None:
        command = order.command
        order.tries += 1
        order.handed, order.waits_until, order.again_at = True, order.deadline, None
        order.retry, order.words = False, ""
        order.deadline = at + self._timeout(command)
        if command.verb in CONTROL_VERBS:
            self._control(command)
        else:
            running = self._agent.running.id if self._agent.running else ""
            if command.verb is Verb.PROBE:
                order.asked_for = self._book.transcript.last_silent_item_id or item_id_of(command)
            frames = frames_for(command, order.tries, running, order.asked_for)
            self.outgoing += [SendEvent(frame, command.id) for frame in frames]
        if command.verb is Verb.STOP_TALKING:
            self._agent.stopping = True

    def _control(self, command: Command) -> None:
        if command.verb is Verb.HANG_UP:
            self.outgoing.append(ControlCall("hang_up", command.id))
        else:
            self.outgoing.append(ControlCall("refer", command.id, command.text))

    # From the road

    def sent(self, what: Outgoing, at: datetime) -> None:
        """It went out. Of the two frames of a stop the first one decides."""
        order = self._orders.get(what.command_id) if what.command_id else None
        if order is not None and order.handed:
            self._went_out(order, at)

    def not_sent(self, what: Outgoing, why: str, at: datetime) -> None:
        """It did not go out: as long as its deadline allows, it waits for the line or the next try."""
        order = self._orders.get(what.command_id) if what.command_id else None
        if order is None or not order.handed:
            return
        order.handed = False
        if not order.is_open:
            return
        verb = order.command.verb
        order.tries -= 1
        order.deadline = order.waits_until or at
        order.again_at = min(at + RETRY, order.deadline)
        if verb is Verb.STOP_TALKING:
            self._agent.stopping = False
        if order.state is CommandState.CLAIMED:
            order.words = unsent(why)
        elif verb is Verb.SAY:
            # The first try was refused, so the agent never spoke.
            order.retry, order.words = True, unsent(why)
        if at >= order.deadline:
            self._time_up(order, at)

    def _retry_all(self, at: datetime) -> None:
        for order in self._orders.values():
            if order.again_at is not None:
                self._retry(order, at)

    def _retry(self, order: Order, at: datetime) -> None:
        """Try again what did not go out, were it a repetition."""
        order.again_at = None
        if order.is_waiting or (order.is_open and order.command.verb in REPEATABLE_VERBS):
            self._try(order, at)

    # From the world

    def attach(self, at: datetime, *, again: bool) -> None:
        """The sideband is open: send what waited. After a gap, ask after what may have been proven
        meanwhile.
        """
        self.attached = True
        for order in list(self._orders.values()):
            verb = order.command.verb
            if order.handed:
                continue  # word of it is on its way
            if order.is_waiting:
                self._try(order, at)
            elif order.state is CommandState.CLAIMED:
                # Claimed by a former owner, and nobody knows whether it went out.
                if verb in REPEATABLE_VERBS:
                    self._send(order, at)
                else:
                    self._settle(order, CommandState.NOT_CONFIRMED, at, _SENDER_STOPPED)
            elif again and order.state is CommandState.SENT and verb in REPEATABLE_VERBS:
                # A call that can be attached to has not been hung up.
                if order.tries < 2:
                    self._send(order, at)
            elif again and order.state is CommandState.SENT and verb is Verb.INFORM:
                self.outgoing.append(SendEvent(retrieve(item_id_of(order.command))))

    def resume(self, at: datetime) -> None:
        """Take over what a former owner claimed; it gets its full time again."""
        for order in list(self._orders.values()):
            if order.state is CommandState.CLAIMED:
                order.deadline = at + self._timeout(order.command)
                if order.command.verb is Verb.HANG_UP:
                    self._send(order, at)

    def detach(self) -> None:
        self.attached = False

    def answer(self, answer: ControlAnswered, at: datetime) -> bool:
        """Take the answer to a control call. Return True where it says that the call is over."""
        order = self._orders.get(answer.command_id)
        gone = answer.outcome == "gone"
        if order is None or not order.is_open:
            return gone
        self._went_out(order, at)  # an answer proves the question
        hang_up = order.command.verb is Verb.HANG_UP
        if answer.outcome == "ok":
            order.taken = True
            order.deadline = at + self._timeout(order.command)
        elif gone:
            # "No such call" to the first try means that others ended it; to a repeated one, that we did.
            self._hung_up = hang_up and order.tries > 1
            state = CommandState.CONFIRMED if hang_up else CommandState.REFUSED
            self._settle(order, state, at, answer.detail or "The call was already over.")
        elif answer.outcome == "refused":
            self._settle(order, CommandState.REFUSED, at, answer.detail)
        elif hang_up and order.tries < 2:
            deadline = order.deadline
            self._send(order, at)
            order.deadline = deadline  # a repetition gets no more time
        return gone

    def fault(self, event: ProviderFault, at: datetime) -> Command | None:
        """Take an error. Return the command that it answers, if it answers one."""
        order = self._refused(event)
        if order is None:
            return None
        self._went_out(order, at)
        words = _words(event.fault)
        verb = order.command.verb
        if verb is Verb.SAY and event.fault.code == _BUSY and order.tries < 2:
            # It goes out again after that response; if that never ends in time, these words are the answer.
            order.retry, order.words = True, words
        elif verb is Verb.STOP_TALKING:
            self._stop_refused(order, words, at)
        elif verb is Verb.PROBE:
            self._confirm(order, at, "error", "")  # whoever refuses is there
        else:
            self._settle(order, CommandState.REFUSED, at, words)
        return order.command

    def _refused(self, event: ProviderFault) -> Order | None:
        if event.client_event_id is not None:
            match = EVENT_ID.fullmatch(event.client_event_id)
            order = self._orders.get(UUID(match.group(1))) if match else None
            return order if order is not None and order.under_way else None
        # Some gateways leave the id out; two codes answer nothing else.
        verb = {_BUSY: Verb.SAY, _IDLE: Verb.STOP_TALKING}.get(event.fault.code)
        return next((one for one in self._orders.values() if one.under_way and one.command.verb is verb), None)

    def _stop_refused(self, order: Order, words: str, at: datetime) -> None:
        """Of its two frames one is usually refused, as there is nothing to cancel or nothing to clear."""
        order.words = order.words or words
        if self._agent.playing is None and self._agent.running is None:
            order.deadline = min(order.deadline, at + GRACE)

    def tick(self, at: datetime) -> None:
        """Settle what has waited long enough."""
        for order in list(self._orders.values()):
            if not order.is_open:
                if at >= order.deadline + LATE:
                    del self._orders[order.command.id]
            elif at >= order.deadline:
                self._time_up(order, at)
            elif order.again_at is not None and at >= order.again_at:
                self._retry(order, at)

    def _time_up(self, order: Order, at: datetime) -> None:
        """It has waited long enough: for its chance to go out, or for its proof."""
        order.again_at = None
        if order.state is CommandState.SENT or order.handed:
            if order.words:
                self._settle(order, CommandState.REFUSED, at, order.words)
            else:
                self._settle(order, CommandState.NOT_CONFIRMED, at, "The provider did not confirm it in time.")
        elif order.tries:
            self._settle(order, CommandState.NOT_CONFIRMED, at, _SENDER_STOPPED)
        elif self.attached and order.command.verb is Verb.SAY and not order.words:
            self._send(order, at)  # it waited for a response that does not end
        else:
            self._settle(order, CommandState.REFUSED, at, order.words or unsent(_LINE_DOWN))

    def response_over(self, response: ResponseInfo, at: datetime) -> None:
        """A response is done: a cancelled one proves a stop, and the next Say may go."""
        if response.status == "cancelled" and not response.out_of_band:
            self.silence_seen(at, "response.done")
        if self._agent.running is not None or not self.attached:
            return
        for order in self._orders.values():
            if order.command.verb is Verb.SAY and order.is_waiting:
                self._send(order, at)
                return

    def over(self, at: datetime, state: CallState, reason: EndReason) -> None:
        """The call is over, and with it every command. A call that was lost sight of proves nothing."""
        proven = {Verb.HANG_UP} if state is CallState.ENDED else set()
        if reason is EndReason.TRANSFERRED:
            proven.add(Verb.TRANSFER)
        for order in list(self._orders.values()):
            if order.command.verb in proven and self._provable(order, at):
                self._confirm(order, at, "the end of the call", self._book.transcript.last_item_id)
            elif order.under_way:
                self._settle(order, CommandState.NOT_CONFIRMED, at, "The call ended first.")
            elif order.state is CommandState.CLAIMED and order.tries:
                self._settle(order, CommandState.NOT_CONFIRMED, at, _SENDER_STOPPED)
            elif order.state is CommandState.CLAIMED:
                self._settle(order, CommandState.REFUSED, at, "The call ended before it could be sent.")
        self._orders.clear()


def _words(fault: ProviderFaultInfo) -> str:
    return fault.message or fault.code or fault.type or "The provider refused it without a word."
