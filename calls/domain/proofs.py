"""What proves operators' commands: the provider's own events, never an answer of ours. Sends nothing."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from uuid import UUID

from calls.domain.changes import CommandChanged
from calls.domain.client_events import clean
from calls.domain.commands import Verb
from calls.domain.events import Item, ResponseInfo, SessionReported
from calls.domain.notebook import Notebook
from calls.domain.orders import Order
from calls.domain.speaking import Speaking
from calls.domain.states import COMMAND, CommandState, move

LATE = timedelta(seconds=60)
"""How long after its deadline a proof is still believed to belong to a command."""

_LATE_PROOF = frozenset({Verb.INFORM, Verb.INSTRUCT, Verb.SAY, Verb.HANG_UP})
"""A leg that ends or falls silent long after a transfer or a stop has reasons of its own."""


class Proofs:
    """The orders of a call and how they are settled."""

    def __init__(self, book: Notebook, agent: Speaking) -> None:
        self._book = book
        self._agent = agent
        self._orders: dict[UUID, Order] = {}

    def item_seen(self, item: Item, at: datetime) -> None:
        """An item of ours stands in the conversation."""
        transcript = self._book.transcript
        author = transcript.authors.get(item.id)
        order = self._orders.get(author) if author else None
        if order is not None and order.command.verb is Verb.INFORM:
            draft = transcript.drafts.get(item.id)
            self._confirm(order, at, "conversation.item.added", transcript.before(draft) if draft else "")

    def sign_of_life(self, item_id: str, at: datetime) -> None:
        """The provider answered with the item that a Probe asked for."""
        for order in list(self._orders.values()):
            if order.command.verb is Verb.PROBE and order.asked_for == item_id:
                self._confirm(order, at, "conversation.item.retrieved", "")

    def session_seen(self, event: SessionReported, at: datetime) -> None:
        """The session as it is now in force."""
        if not event.updated:
            return
        for order in list(self._orders.values()):
            if order.command.verb is Verb.SESSION and contains(event.session, order.command.settings):
                self._confirm(order, at, "session.updated", self._book.transcript.last_item_id)
        self._instructions_seen(event, at)

    def _instructions_seen(self, event: SessionReported, at: datetime) -> None:
        """The session's instructions are ours: so they are in force. An older one is superseded by then."""
        instructs = [one for one in self._orders.values() if one.command.verb is Verb.INSTRUCT]
        effective = event.session.get("instructions")
        proven = [one for one in instructs if clean(one.command.text) == effective]
        for order in proven:
            self._confirm(order, at, "session.updated", self._book.transcript.last_item_id)
        if proven:
            newest = instructs.index(proven[-1])
            for order in instructs[:newest]:
                if order.under_way:
                    self._settle(order, CommandState.NOT_CONFIRMED, at, "Superseded by newer instructions.")
                elif order.is_waiting:
                    self._settle(order, CommandState.REFUSED, at, unsent("newer instructions are in force"))

    def response_seen(self, response: ResponseInfo, at: datetime) -> None:
        """A response bears the mark of a Say."""
        mark = self._agent.commands.get(response.metadata.get("command", ""))
        order = self._orders.get(mark) if mark else None
        if order is not None:
            self._confirm(order, at, "response.created", self._book.transcript.last_item_id)

    def silence_seen(self, at: datetime, proof: str = "output_audio_buffer.cleared") -> None:
        """The agent was cut off, by whomever: it is silent."""
        for order in list(self._orders.values()):
            if order.command.verb is Verb.STOP_TALKING and order.under_way:
                self._confirm(order, at, proof, self._book.transcript.last_item_id)

    def _went_out(self, order: Order, at: datetime) -> None:
        order.handed = False
        if order.state is CommandState.CLAIMED:
            self._settle(order, CommandState.SENT, at, after=self._book.transcript.last_item_id)

    def _provable(self, order: Order, at: datetime) -> bool:
        late = order.state is CommandState.NOT_CONFIRMED and at < order.deadline + LATE
        return order.under_way or (late and order.command.verb in _LATE_PROOF)

    def _confirm(self, order: Order, at: datetime, proof: str, after: str) -> None:
        if self._provable(order, at):
            self._went_out(order, at)
            self._settle(order, CommandState.CONFIRMED, at, proof, after)

    def _settle(self, order: Order, state: CommandState, at: datetime, detail: str = "", after: str = "") -> None:
        order.state = move(COMMAND, order.state, state)
        self._book.changes.append(CommandChanged(order.command.id, state, at, detail[:500], after))
        if state in (CommandState.CONFIRMED, CommandState.REFUSED):
            self._orders.pop(order.command.id, None)
        if order.command.verb is Verb.STOP_TALKING and state is not CommandState.SENT:
            self._agent.stopping = False


def unsent(why: str) -> str:
    return f"Nothing was sent: {why}."


def contains(effective: object, wanted: object) -> bool:
    """Whether all of `wanted` is in force. The provider completes objects with its defaults, and may leave null out."""
    if isinstance(wanted, Mapping):
        return isinstance(effective, Mapping) and all(
            contains(effective.get(name), value) for name, value in wanted.items()
        )
    return effective == wanted
