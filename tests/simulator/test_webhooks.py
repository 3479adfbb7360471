"""Webhooks as the SDK would verify them, and how long the courier insists."""

from __future__ import annotations

import asyncio

import openai
import orjson
import pytest

from tests.simulator.stage import SECRET, SESSION, Stage


async def deliveries(stage: Stage, count: int) -> None:
    async with asyncio.timeout(30), stage.delivered:
        await stage.delivered.wait_for(lambda: len(stage.deliveries) >= count)


@pytest.mark.asyncio
@pytest.mark.parametrize("fault", [None, "webhook_old", "webhook_late", "webhook_shuffled", "webhook_doubled"])
async def test_every_delivery_verifies(stage: Stage, fault: str | None) -> None:
    call = stage.place(faults=[fault] if fault else [])
    await deliveries(stage, 2 if fault == "webhook_doubled" else 1)
    with openai.OpenAI(api_key="unused") as client:
        for delivery in stage.deliveries:
            event = client.webhooks.unwrap(delivery.body, delivery.headers, secret=SECRET)
            assert event.type == "realtime.call.incoming"
            assert event.data.call_id == call.id
            assert event.data.sip_media_security == "srtp"
            headers = {header.name: header.value for header in event.data.sip_headers}
            assert call.birth.invitation.caller in headers["From"]
            assert "+442079460001" in headers["To"]
            assert headers["Call-ID"]


@pytest.mark.asyncio
async def test_a_refused_delivery_comes_again_with_the_same_id(stage: Stage) -> None:
    stage.answer = 503
    call = stage.place(speed=100.0)
    await deliveries(stage, 3)
    stage.answer = 200
    await stage.verb(call.id, "accept", SESSION)
    ids = {delivery.headers["webhook-id"] for delivery in stage.deliveries}
    assert len(ids) == 1
    assert len({delivery.body for delivery in stage.deliveries}) == 1


@pytest.mark.asyncio
async def test_a_doubled_delivery_can_have_two_ids(stage: Stage) -> None:
    stage.place(faults=[{"name": "webhook_doubled", "new_id": True}])
    await deliveries(stage, 2)
    assert len({delivery.headers["webhook-id"] for delivery in stage.deliveries}) == 2
    assert len({orjson.loads(delivery.body)["data"]["call_id"] for delivery in stage.deliveries}) == 1


@pytest.mark.asyncio
async def test_an_old_event_has_a_fresh_signature(stage: Stage) -> None:
    stage.place(faults=["webhook_old"])
    await deliveries(stage, 1)
    delivery = stage.deliveries[0]
    created = orjson.loads(delivery.body)["created_at"]
    assert 590 < int(delivery.headers["webhook-timestamp"]) - created < 610
