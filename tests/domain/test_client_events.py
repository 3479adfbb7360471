"""What goes out fits what the API takes."""

from __future__ import annotations

from uuid import UUID

import pytest

from calls.domain.client_events import EVENT_ID, frames_for, item_id_of, retrieve
from calls.domain.commands import CONTROL_VERBS, Command, Verb

COMMAND_ID = UUID(int=2**128 - 1)


@pytest.mark.parametrize("attempt", [1, 2])
@pytest.mark.parametrize("verb", sorted(set(Verb) - CONTROL_VERBS))
def test_every_frame_names_its_command(verb: Verb, attempt: int) -> None:
    for frame in frames_for(Command(COMMAND_ID, verb, "words"), attempt, "resp_1"):
        match = EVENT_ID.fullmatch(frame["event_id"])
        assert match
        assert UUID(match.group(1)) == COMMAND_ID


def test_an_item_id_has_no_more_than_32_characters() -> None:
    assert len(item_id_of(Command(COMMAND_ID, Verb.INFORM))) == 32


@pytest.mark.parametrize("verb", sorted(CONTROL_VERBS))
def test_control_verbs_have_no_frame(verb: Verb) -> None:
    assert frames_for(Command(COMMAND_ID, verb), 1, "") == []


def test_a_retrieval_is_told_from_a_command_by_its_id() -> None:
    assert not EVENT_ID.fullmatch(retrieve("item_a")["event_id"])
