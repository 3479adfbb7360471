"""How processes are started."""

from __future__ import annotations

import pytest
from daphne.cli import CommandLineInterface

from realtime_ops import command_lines


@pytest.mark.parametrize(("behind", "believed"), [("1", True), ("0", False), ("", False)])
def test_forwarded_addresses_are_believed_behind_a_proxy_only(monkeypatch, behind, believed):
    monkeypatch.setenv("BEHIND_PROXY", behind)
    options = CommandLineInterface().parser.parse_args(command_lines.web(8000)[3:])
    assert options.proxy_headers is believed
    assert options.application == "realtime_ops.asgi:application"
