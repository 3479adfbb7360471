"""A call that is attended, and what that stands on, in memory: the process that it runs in, what is stored of the call."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from uuid import UUID

from calls.actions.ingest import CallRef
from calls.domain.changes import AttachmentChanged, CallStateChanged, Signs
from calls.domain.states import Attachment, CallState
from calls.providers.base import Account
from calls.providers.client import ControlClient
from calls.selectors.sideband import Briefing
from calls.sideband.attendance import Attendance
from calls.sideband.briefed import begin
from calls.sideband.runner import Frames


class Shell:
    """A process that writes down what its runners want stored."""

    def __init__(self, *, sending=True):
        self.writer = self.hints = self
        self.changes = []
        self.frames = Frames()
        self.columns = {}
        self.heard_at = None
        self.sending = sending

    def may_send(self):
        return self.sending

    def put(self, ref, changes, columns):
        self.changes += changes
        self.columns |= columns

    def heard(self, ref):
        self.heard_at = ref.heard_at

    roomy = True

    async def room(self):
        return

    def mark(self, picture):
        pass

    def of(self, kind):
        return [change for change in self.changes if isinstance(change, kind)]

    @property
    def states(self):
        return [change.state.value for change in self.of(CallStateChanged)]

    @property
    def attachments(self):
        return [change.attachment.value for change in self.of(AttachmentChanged)]

    @property
    def end(self):
        last = self.of(CallStateChanged)[-1]
        return last.state.value, last.reason.value


def briefed(url):
    return Briefing(
        id=1, code=UUID(int=1), tenant_id=UUID(int=9), stream_epoch="e", call_id="rtc_1", state=CallState.RINGING, age=timedelta(),
        attachment=Attachment.DETACHED, started_at=datetime.now(UTC), answered_at=None, last_event_at=None,
        deadline=None, signs=Signs(), account=Account(url, "sk-test"), has_agent=True, busy=False, model="gpt-realtime", voice="marin",
        greeting="", instructions="Be brief.", settings={}, turns=[], commands=[],
    )  # fmt: skip


def running(seconds=60):
    """What is stored of a call that somebody else watched."""
    now = datetime.now(UTC)
    return {
        "state": CallState.ACTIVE,
        "attachment": Attachment.ATTACHED,
        "started_at": now - timedelta(seconds=seconds),
        "answered_at": now - timedelta(seconds=seconds),
        "last_event_at": now - timedelta(seconds=5),
    }


class Scene:
    """One call that is being attended."""

    def __init__(self, served, shell, brief, *, first_owner, epoch=2):
        self.shell = shell
        self.control = ControlClient(brief.account)
        ref = CallRef(brief.id, brief.code, brief.tenant_id, "e", 1 if first_owner else epoch)
        self.runner = begin(brief, ref, self.control, shell)
        self.attendance = Attendance(brief, self.runner, first_owner=first_owner)
        self.work = asyncio.create_task(self.attendance.run())

    async def over(self, seconds=5):
        await asyncio.wait_for(self.work, seconds)
        return self.shell.end
