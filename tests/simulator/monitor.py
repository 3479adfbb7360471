"""A plain observer, written for these tests only: frames in, rows of an export out."""

from __future__ import annotations

from typing import Any

SPEAKERS = {"user": "caller", "assistant": "agent", "system": "system"}


def turns(call_id: str, frames: list[dict[str, Any]]) -> list[dict[str, Any]]:
    order: list[str] = []
    rows: dict[str, dict[str, Any]] = {}
    for frame in frames:
        item = frame.get("item")
        match frame["type"]:
            case "conversation.item.added":
                after = frame["previous_item_id"]
                order.insert(order.index(after) + 1 if after in order else len(order), item["id"])
                rows[item["id"]] = _row(call_id, item)
            case "conversation.item.done":
                if item["id"] in rows:
                    rows[item["id"]] |= {key: value for key, value in _row(call_id, item).items() if value}
            case "conversation.item.input_audio_transcription.completed" if frame["item_id"] in rows:
                rows[frame["item_id"]] |= {"text": frame["transcript"], "transcription": "completed"}
            case "conversation.item.input_audio_transcription.failed" if frame["item_id"] in rows:
                rows[frame["item_id"]] |= {"transcription": "failed"}
    return [{**rows[item_id], "position": n} for n, item_id in enumerate(order)]


def _row(call_id: str, item: dict[str, Any]) -> dict[str, Any]:
    text = " ".join(part.get("text") or part.get("transcript") or "" for part in item.get("content") or ()).strip()
    return {
        "call_id": call_id,
        "item_id": item["id"],
        "speaker": SPEAKERS.get(item.get("role"), "tool"),
        "text": text,
        "heard_text": None,
        "name": item.get("name"),
        "arguments": item.get("arguments"),
        "output": item.get("output"),
        "status": item.get("status") or "completed",
        "transcription": "missing"
        if any(part["type"] == "input_audio" for part in item.get("content") or ())
        else None,
    }


def usage(call_id: str, frames: list[dict[str, Any]]) -> list[dict[str, Any]]:
    rows = []
    for frame in frames:
        if frame["type"] == "response.done":
            spent = frame["response"]["usage"]
            into, out = spent["input_token_details"], spent["output_token_details"]
            row = {"kind": "response", "response_id": frame["response"]["id"], "item_id": None}
            for kind in ("text", "audio", "image"):
                row[f"input_{kind}_tokens"] = into[f"{kind}_tokens"]
                row[f"cached_{kind}_tokens"] = into["cached_tokens_details"][f"{kind}_tokens"]
            row |= {f"output_{kind}_tokens": out[f"{kind}_tokens"] for kind in ("text", "audio")}
        elif frame["type"].endswith("transcription.completed"):
            spent = frame["usage"]
            row = {"kind": "transcription", "response_id": None, "item_id": frame["item_id"]}
            row |= {"seconds": spent.get("seconds"), "output_text_tokens": spent.get("output_tokens")}
            row |= {"input_audio_tokens": spent.get("input_tokens")}
        else:
            continue
        rows.append({"call_id": call_id, "state": "complete", **row})
    return rows
