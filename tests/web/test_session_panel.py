"""Where a session differs from the agent's own settings: the server and the browser's module say the same."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path

import pytest

from calls.domain.effective import summary
from calls.providers import session_body
from calls.web import session_panel, words

SCRIPTS = Path(__file__).resolve().parents[2] / "calls" / "static" / "calls" / "js"
PUBLISHED = session_body.build("gpt-realtime", "marin", "", {"speed": 1.0, "turn_detection": {"type": "semantic_vad"}})
INSTRUCT = {"id": "k", "verb": "instruct", "state": "confirmed"}


def in_force(**audio):
    return summary({**PUBLISHED, "audio": {**PUBLISHED["audio"], **audio}})


BODIES = {
    "nothing told": ({"session": None, "commands": []}, []),
    "all the same": ({"session": in_force(), "commands": []}, []),
    "other settings": (
        {"session": in_force(output={"voice": "ash", "speed": 0.85}), "commands": []},
        [["Voice", "marin", "ash"], ["Speed", "1", "0.85"]],
    ),
    "other instructions": (
        {"session": None, "commands": [INSTRUCT]},
        [["Instructions", "published", "replaced in this call"]],
    ),
    "not yet other instructions": ({"session": None, "commands": [INSTRUCT | {"state": "sent"}]}, []),
    "tools off": (
        {"session": summary({**PUBLISHED, "tool_choice": "none"}), "commands": []},
        [["Tools", "on", "off"]],
    ),
    "switched off": (
        {"session": in_force(output={"voice": "marin", "speed": 1.0}, input={}), "commands": []},
        [["Turn detection", "semantic_vad", "not set"], ["Transcription", "gpt-realtime-whisper", "not set"]],
    ),
}
HARNESS = """
globalThis.document = { getElementById: (id) => (id === "words" ? { textContent: process.argv[3] } : null) };
const { differences } = await import(`${process.argv[2]}/call/session.js`);
const { bodies, own } = JSON.parse(process.argv[4]);
console.log(JSON.stringify(bodies.map(({ session, commands }) =>
  differences({ session, commands: new Map(commands.map((one) => [one.id, one])) }, own))));
"""


@pytest.mark.parametrize("name", BODIES)
def test_what_differs_is_named_with_both_values(name):
    body, expected = BODIES[name]
    assert [list(one) for one in session_panel.differences(body, summary(PUBLISHED))] == expected


def test_the_browser_names_the_same(tmp_path):
    if shutil.which("node") is None:
        pytest.skip("node is not installed: the browser's module was not compared")
    shutil.copytree(SCRIPTS, tmp_path / "js")
    (tmp_path / "package.json").write_text('{"type": "module"}')
    (tmp_path / "run.mjs").write_text(HARNESS)
    given = {"bodies": [body for body, _ in BODIES.values()], "own": summary(PUBLISHED)}
    command = ["node", "run.mjs", str(tmp_path / "js"), json.dumps(words.table()), json.dumps(given)]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout) == [expected for _, expected in BODIES.values()]


def test_a_call_without_an_agent_has_nothing_to_differ_from():
    panel = session_panel.panel({"session": None, "commands": [INSTRUCT], "turns": []}, {})
    assert (panel["differences"], panel["known"], panel["voice_locked"]) == ([], False, False)
