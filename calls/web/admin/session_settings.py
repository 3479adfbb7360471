"""An agent's settings as a form shows them, and back. What a form has no field for stays as it is.

Decides nothing: what the provider would refuse is found by calls.actions.agents, whose paths lead to the fields here.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

from calls.exceptions import InvalidInput
from calls.models import Agent

Settings = dict[str, Any]
TURN_FIELDS = ("threshold", "silence_duration_ms", "prefix_padding_ms", "idle_timeout_ms")
ANSWER_FIELDS = ("create_response", "interrupt_response")
OTHER = ("output_modalities", "prompt", "tracing", "include")
FORM_KEYS = (
    *("transcription", "noise_reduction", "turn_detection", "speed", "tools", "tool_choice", "parallel_tool_calls"),
    *("reasoning", "max_output_tokens", "truncation", *OTHER),
)
"""Settings that the form writes as a whole: one that it leaves out goes back to the provider's default"""
_SWITCH = {True: "true", False: "false", None: ""}
_ITEM = re.compile(r"\[(\d+)\]")


def initial(agent: Agent) -> dict[str, Any]:
    """The form's fields for an agent."""
    found = agent.settings
    turns = found.get("turn_detection") or {}
    heard = found.get("transcription", True)
    noise = found.get("noise_reduction", "")
    cut = found.get("truncation", "")
    choice = found.get("tool_choice", "")
    return {
        "name": agent.name,
        "model": agent.model,
        "voice": agent.voice,
        "greeting": agent.greeting,
        "speed": found.get("speed"),
        "turn_detection": "off" if "turn_detection" in found and not turns else turns.get("type", ""),
        **{name: turns.get(name) for name in (*TURN_FIELDS, "eagerness")},
        **{name: _SWITCH[turns.get(name)] for name in ANSWER_FIELDS},
        "transcription": "off" if heard in (None, False) else "on",
        "transcription_model": heard.get("model", "") if isinstance(heard, dict) else "",
        "language": heard.get("language", "") if isinstance(heard, dict) else "",
        "noise_reduction": "off" if noise is None else noise.get("type", "") if isinstance(noise, dict) else "",
        "max_output_tokens": found.get("max_output_tokens", ""),
        "effort": (found.get("reasoning") or {}).get("effort", ""),
        "truncation": cut if isinstance(cut, str) else cut.get("type", ""),
        "retention_ratio": cut.get("retention_ratio") if isinstance(cut, dict) else None,
        "post_instructions": (cut.get("token_limits") or {}).get("post_instructions")
        if isinstance(cut, dict)
        else None,
        "tools": pretty(found["tools"]) if found.get("tools") else "",
        "tool_choice": choice if isinstance(choice, str) else choice.get("name") or pretty(choice),
        "parallel_tool_calls": _SWITCH[found.get("parallel_tool_calls")],
        "other": pretty(other) if (other := {name: found[name] for name in OTHER if name in found}) else "",
    }


def pretty(value: Any) -> str:
    return json.dumps(value, indent=2, ensure_ascii=False)


def settings(data: Mapping[str, Any], before: Mapping[str, Any]) -> Settings:
    """The settings that a filled form means. Raises InvalidInput, naming the form's field, for text that is no JSON."""
    made: Settings = {}
    if (turns := _turns(data)) is not _ABSENT:
        made["turn_detection"] = turns
    if (heard := _transcription(data, before.get("transcription", _ABSENT))) is not _ABSENT:
        made["transcription"] = heard
    if data["noise_reduction"]:
        made["noise_reduction"] = _noise(data["noise_reduction"], before.get("noise_reduction"))
    if data["speed"] is not None:
        made["speed"] = data["speed"]
    if limit := data["max_output_tokens"].strip():
        made["max_output_tokens"] = int(limit) if limit.isdecimal() else limit
    if data["effort"]:
        made["reasoning"] = {**(before.get("reasoning") or {}), "effort": data["effort"]}
    if data["truncation"]:
        made["truncation"] = _truncation(data)
    if (tools := json_of(data["tools"], "tools", list)) is not None:
        made["tools"] = tools
    if data["tool_choice"]:
        made["tool_choice"] = _tool_choice(data["tool_choice"], before.get("tool_choice"))
    if data["parallel_tool_calls"]:
        made["parallel_tool_calls"] = data["parallel_tool_calls"] == "true"
    other = json_of(data["other"], "other", dict) or {}
    if strange := sorted(other.keys() - set(OTHER)):
        raise InvalidInput(f"{strange[0]!a} has a field of its own, or does not exist", "other")
    return made | other


def json_of(text: str, field: str, kind: type) -> Any:
    """None for an empty text. Raises InvalidInput with line and reason."""
    if not text.strip():
        return None
    try:
        found = json.loads(text)
    except json.JSONDecodeError as error:
        reason = error.msg[:1].lower() + error.msg[1:]
        raise InvalidInput(f"line {error.lineno}, column {error.colno}: {reason}", field) from None
    except RecursionError:
        raise InvalidInput("is nested too deeply", field) from None
    except ValueError:
        raise InvalidInput("holds a number that is too large", field) from None
    try:
        storable = "\\u0000" not in json.dumps(found, ensure_ascii=False, allow_nan=False).encode().decode()
    except (ValueError, UnicodeEncodeError):
        storable = False
    if not storable:
        raise InvalidInput("holds a number or a character that cannot be stored", field)
    if not isinstance(found, kind):
        raise InvalidInput("must be a list: [ … ]" if kind is list else "must be an object: { … }", field)
    return found


def place(path: str, reason: str, data: Mapping[str, Any]) -> tuple[str, str]:
    """The form's field for a path such as `tools[1].name`, and the reason with what the field alone does not say."""
    head = re.split(r"[.\[]", path, maxsplit=1)[0]
    rest = path[len(head) :].lstrip(".")
    last = rest.rsplit(".", 1)[-1]
    if head == "tools":
        item = _ITEM.match(path.removeprefix("tools"))
        line = line_of(data.get("tools", ""), int(item[1])) if item else 0
        return "tools", f"{f'tool in line {line}, ' if line else ''}{f'{rest}: ' if rest else ''}{reason}"
    if head == "other" or head in OTHER:
        return "other", reason if path == "other" else f"in {path}: {reason}"
    if head in {"turn_detection", "truncation"} and last in data:
        return last, reason
    if head == "transcription" and last in {"model", "language"}:
        return {"model": "transcription_model", "language": "language"}[last], reason
    if head == "reasoning":
        return "effort", reason
    return head, reason if not rest or rest == "type" else f"{rest}: {reason}"


def line_of(text: str, index: int) -> int:
    """Where the list's entry begins; 0 where that cannot be said."""
    decoder, at = json.JSONDecoder(), text.find("[") + 1
    try:
        for _ in range(index + 1):
            at += len(text[at:]) - len(text[at:].lstrip(" \t\r\n,"))
            start = at
            _, at = decoder.raw_decode(text, at)
    except (ValueError, RecursionError):
        return 0
    return text.count("\n", 0, start) + 1


_ABSENT: Any = object()


def _turns(data: Mapping[str, Any]) -> Any:
    kind = data["turn_detection"]
    if not kind:
        return _ABSENT
    if kind == "off":
        return None
    own = TURN_FIELDS if kind == "server_vad" else ("eagerness",)
    made = {"type": kind} | {name: data[name] for name in own if data[name] not in (None, "")}
    made |= {name: data[name] == "true" for name in ANSWER_FIELDS if data[name]}
    return made


def _transcription(data: Mapping[str, Any], before: Any) -> Any:
    if data["transcription"] == "off":
        return None
    kept = (
        {key: value for key, value in before.items() if key not in {"model", "language"}}
        if isinstance(before, dict)
        else {}
    )
    named = {"model": data["transcription_model"], "language": data["language"]}
    made = kept | {key: value for key, value in named.items() if value}
    return made or _ABSENT


def _noise(kind: str, before: Any) -> Any:
    if kind == "off":
        return None
    return {**(before if isinstance(before, dict) else {}), "type": kind}


def _truncation(data: Mapping[str, Any]) -> Any:
    if data["truncation"] != "retention_ratio":
        return data["truncation"]
    made: Settings = {"type": "retention_ratio"}
    if data["retention_ratio"] is not None:
        made["retention_ratio"] = data["retention_ratio"]
    if data["post_instructions"] is not None:
        made["token_limits"] = {"post_instructions": data["post_instructions"]}
    return made


def _tool_choice(text: str, before: Any) -> Any:
    if text in {"auto", "none", "required"}:
        return text
    if text.lstrip().startswith("{"):
        return json_of(text, "tool_choice", dict)
    if isinstance(before, dict) and before.get("name") == text:
        return before
    return {"type": "function", "name": text}
