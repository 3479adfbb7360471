"""The agent's half of a conversation: responses, playback, interruptions, tool calls. Hears no caller."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

from calls.domain import events
from calls.domain.drafts import Draft, milliseconds
from calls.domain.notebook import Notebook, words_of
from calls.domain.replies import Reply, weigh


class Speaking:
    """`active` is the running response of the conversation, `playing` the one that the caller hears."""

    def __init__(self, book: Notebook) -> None:
        self.replies: dict[str, Reply] = {}
        self.active: Reply | None = None
        self.playing: Reply | None = None
        self.stopping = False
        """An operator has just asked the agent to be silent"""
        self.commands: dict[str, UUID] = {}
        """Commands that cause responses, by the mark in the response's metadata"""
        self.speech_ended: datetime | None = None
        """When the caller stopped speaking, until a reply takes it up"""
        self.aside: dict[str, Reply] = {}
        """Items of out-of-band responses"""
        self._book = book
        self._turns = book.transcript
        self._playback_known = False
        for draft in self._turns.ordered():
            if draft.response_id and draft.status == "open":
                self.reply(draft.response_id).gapped = True

    @property
    def running(self) -> Reply | None:
        """The response that surely runs: of one that a gap hid, nobody knows."""
        return self.active if self.active is not None and not self.active.gapped else None

    def detach(self) -> None:
        """The sideband dropped: what is running may end unseen."""
        for reply in self.replies.values():
            reply.gapped = reply.gapped or not reply.done
        self.playing = None
        self.speech_ended = None

    def close(self, at: datetime) -> None:
        """The call is over: bills that did not come by now never will."""
        for reply in self.replies.values():
            if not reply.done:
                self._book.bill("response", reply.id, at)
        self.active = self.playing = None

    def reply(self, response_id: str, *, active: bool = True, out_of_band: bool = False) -> Reply:
        """Return the record of a response; one that was never announced began over a gap."""
        reply = self.replies.get(response_id)
        if reply is None:
            drafts = [draft for draft in self._turns.ordered() if draft.response_id == response_id]
            reply = self.replies[response_id] = Reply(
                response_id,
                out_of_band=out_of_band,
                active=active,
                # Known from a former owner's turns, all of them closed: its bill is written.
                done=not active and bool(drafts) and all(draft.done for draft in drafts),
                interrupted=any(draft.cut for draft in drafts),
                drafts=drafts,
            )
        if active and reply.active:
            reply.gapped = False
            if not reply.out_of_band:
                self.active = reply
        return reply

    def interrupt(self, reply: Reply, at: datetime, reason: str = "") -> None:
        """Note an interruption once, whichever of its signs comes first; work out what was heard at each."""
        if not reply.interrupted:
            reply.interrupted = True
            by = "operator" if self.stopping else "application" if reason == "client_cancelled" else "caller"
            self._book.note("interrupted", at, response_id=reply.id, by=by)
        self._weigh(reply)

    def truncate(self, draft: Draft, audio_end_ms: int, at: datetime) -> None:
        """The words after that were not heard. The event names no response, so it is found by the item."""
        draft.truncated_ms = max(0, audio_end_ms)
        if draft.response_id:
            self.interrupt(self.reply(draft.response_id, active=False), at)
        else:
            self.interrupt(Reply("", active=False, drafts=[draft], interrupted=draft.cut), at)

    # Events

    def _response_created(self, event: events.ResponseCreated, at: datetime) -> None:
        info = event.response
        if not info.out_of_band:
            for other in self.replies.values():
                # One response runs at a time, so an older one that a gap hid must be over.
                if other.gapped and other.active and other.id != info.id:
                    other.active = False
                    self._book.bill("response", other.id, at)
        reply = self.reply(info.id, out_of_band=info.out_of_band)
        reply.command_id = reply.command_id or self.commands.get(info.metadata.get("command", ""))

    def _response_done(self, event: events.ResponseDone, at: datetime) -> None:
        info = event.response
        reply = self.reply(info.id, out_of_band=info.out_of_band)
        self._book.bill("response", info.id, at, info.tokens)
        reply.tokens = info.tokens or reply.tokens
        reply.command_id = reply.command_id or self.commands.get(info.metadata.get("command", ""))
        first, reply.done, reply.active, reply.gapped = not reply.done, True, False, False
        if self.active is reply:
            self.active = None
        if info.out_of_band and reply.out_of_band:
            for draft in reply.drafts:
                # Its words came over a gap, before anybody could know that they are no part of the
                # conversation.
                draft.deleted = True
                self._turns.touch(draft)
            return
        for item in info.items:
            self._turns.finish(self._link(self._turns.describe(item, at), reply, at), item, at)
        if first:
            self._outcome(reply, info, at)
        for draft in reply.drafts:
            if not draft.done:
                draft.close(at)
                self._turns.touch(draft)
        if reply.cancelled or reply.interrupted:
            self._weigh(reply)

    def _outcome(self, reply: Reply, info: events.ResponseInfo, at: datetime) -> None:
        unfinished = [draft for draft in reply.drafts if draft.item_status != "completed"]
        if info.status == "cancelled":
            reply.cancelled, reply.cancelled_at = True, at
            for draft in unfinished:
                draft.cut, draft.incomplete = draft.kind == "message", draft.kind != "message"
                self._turns.touch(draft)
            if any(draft.text for draft in reply.messages()):
                self.interrupt(reply, at, info.reason)
        elif info.status in ("failed", "incomplete"):
            for draft in unfinished:
                draft.incomplete = True
                self._turns.touch(draft)
            if info.status == "failed":
                self._book.note("response_failed", at, response_id=info.id, **words_of(info.fault))
            else:
                self._book.note("response_incomplete", at, response_id=info.id, reason=info.reason)

    def _output_item_added(self, event: events.OutputItemAdded, at: datetime) -> None:
        reply = self.reply(event.response_id)
        if reply.out_of_band and event.item.id not in self._turns.drafts:
            self.aside[event.item.id] = reply
        else:
            self._link(self._turns.describe(event.item, at), reply, at)

    def _output_item_done(self, event: events.OutputItemDone, at: datetime) -> None:
        self._output_item_added(events.OutputItemAdded(event.response_id, event.item), at)
        if (draft := self._turns.drafts.get(event.item.id)) is not None:
            self._turns.finish(draft, event.item, at)

    def _output_delta(self, event: events.OutputDelta, at: datetime) -> None:
        draft = self._spoken(event.response_id, event.item_id, at)
        if draft is None:
            return
        if draft.worded_at is None:
            self._first_words(draft, self.replies[event.response_id], at)
        self._book.grow(draft, event.content_index, event.delta, at)

    def _output_done(self, event: events.OutputTextDone, at: datetime) -> None:
        draft = self._spoken(event.response_id, event.item_id, at)
        if draft is not None and event.text:
            if draft.worded_at is None:
                self._first_words(draft, self.replies[event.response_id], at)
            draft.finish(event.content_index, event.text)
            self._turns.touch(draft)
            if draft.cut:
                self._weigh(self.replies[event.response_id])

    def _arguments_delta(self, event: events.ArgumentsDelta, at: datetime) -> None:
        self._tool(event.response_id, event.item_id, at)

    def _arguments_done(self, event: events.ArgumentsDone, at: datetime) -> None:
        draft = self._tool(event.response_id, event.item_id, at)
        if draft is not None:
            draft.arguments = event.arguments or draft.arguments
            draft.name = event.name or draft.name
            draft.tool_call_id = event.tool_call_id or draft.tool_call_id
            self._turns.touch(draft)

    def _playback_started(self, event: events.PlaybackStarted, at: datetime) -> None:
        self._playback_known = True
        reply = self.reply(event.response_id, active=False)
        if reply.started_at is not None:
            return
        reply.started_at = at
        if reply.cleared_at is None:
            self.playing = reply
        messages = reply.messages()
        if messages:
            draft = messages[0]
            draft.started_at = at
            if draft.answers is not None:
                draft.reply_ms = milliseconds(draft.answers, at)
            self._turns.touch(draft)

    def _playback_stopped(self, event: events.PlaybackStopped, at: datetime) -> None:
        self._silenced(self.reply(event.response_id, active=False), at)

    def _playback_cleared(self, event: events.PlaybackCleared, at: datetime) -> None:
        reply = self.reply(event.response_id, active=False)
        if reply.cleared_at is None:
            reply.cleared_at = at
            self._silenced(reply, at)
            self.interrupt(reply, at)

    def _silenced(self, reply: Reply, at: datetime) -> None:
        self._playback_known = True
        if self.playing is reply:
            self.playing = None
        messages = reply.messages()
        if messages and messages[-1].done:
            messages[-1].ended_at = at
            self._turns.touch(messages[-1])

    # How it is put together

    def _link(self, draft: Draft, reply: Reply, at: datetime) -> Draft:
        if not draft.response_id and not draft.hidden:
            draft.response_id = reply.id
            draft.command_id = draft.command_id or reply.command_id
            reply.drafts.append(draft)
            self._turns.touch(draft)
        if draft.text and draft.worded_at is None:
            self._first_words(draft, reply, at)
        return draft

    def _spoken(self, response_id: str, item_id: str, at: datetime) -> Draft | None:
        """Return the draft of the agent's words; None where they are no part of the conversation."""
        reply = self.replies.get(response_id)
        if reply is None or reply.gapped:
            reply = self.reply(response_id)
        if reply.out_of_band:
            return None
        draft = self._turns.drafts.get(item_id)
        if draft is None:
            draft = self._turns.open(item_id, at, "message", "agent")
        return draft if draft.response_id else self._link(draft, reply, at)

    def _tool(self, response_id: str, item_id: str, at: datetime) -> Draft | None:
        reply = self.reply(response_id)
        if reply.out_of_band:
            return None
        return self._link(self._turns.open(item_id, at, "tool_call", "agent"), reply, at)

    def _first_words(self, draft: Draft, reply: Reply, at: datetime) -> None:
        reply.worded = True
        draft.worded_at = draft.born = at
        first = draft in reply.messages()[:1]
        draft.started_at = reply.started_at if first and reply.started_at else at
        if first and self.speech_ended is not None:
            draft.answers, self.speech_ended = self.speech_ended, None
            draft.reply_ms = milliseconds(draft.answers, draft.started_at)

    def _weigh(self, reply: Reply) -> None:
        for draft in weigh(reply, playback_known=self._playback_known):
            self._turns.touch(draft)


SPEAKING: Mapping[type, Callable[[Speaking, Any, datetime], None]] = {
    events.PlaybackStarted: Speaking._playback_started,
    events.PlaybackStopped: Speaking._playback_stopped,
    events.PlaybackCleared: Speaking._playback_cleared,
    events.ResponseCreated: Speaking._response_created,
    events.ResponseDone: Speaking._response_done,
    events.OutputItemAdded: Speaking._output_item_added,
    events.OutputItemDone: Speaking._output_item_done,
    events.OutputDelta: Speaking._output_delta,
    events.OutputTextDone: Speaking._output_done,
    events.ArgumentsDelta: Speaking._arguments_delta,
    events.ArgumentsDone: Speaking._arguments_done,
}
