"""Log lines: one JSON object each, whatever they contain, and nothing private."""

import json
import logging
import sys

from realtime_ops.logs import JsonFormatter, PrivateFilter


def _line(**extra):
    record = logging.makeLogRecord({"name": "calls", "levelno": 20, "levelname": "INFO", "msg": "a call", **extra})
    PrivateFilter().filter(record)
    return JsonFormatter().format(record)


def test_facts_stand_beside_a_static_message():
    line = json.loads(_line(call="c-1", attempt=2))
    assert (line["message"], line["call"], line["attempt"], line["level"]) == ("a call", "c-1", "2", "info")


def test_private_fields_are_dropped():
    assert "0017" not in _line(private_number="+441632960017")


def test_a_name_cannot_forge_a_second_line():
    line = _line(name_given='x"\n{"level": "error"}\x1b[31m')
    assert "\n" not in line
    assert "\x1b" not in line
    assert json.loads(line)["level"] == "info"


def test_the_path_of_a_webhook_is_masked():
    line = _line(
        msg="Not Found: /webhooks/openai/00ff11aa00ff11aa/", request="<POST '/webhooks/openai/00ff11aa00ff11aa/'>"
    )
    assert "00ff11aa" not in line
    assert line.count("/webhooks/[token]/") == 2


def test_the_token_of_a_link_to_sign_in_is_masked():
    line = _line(msg="a page failed", path="/sign-in/link/qA-7_zz/", extra="<GET '/sign-in/link/qA-7_zz/'>")
    assert "qA-7" not in line
    assert line.count("/sign-in/[token]/") == 2


def test_an_exception_comes_whole_and_long_values_are_cut():
    try:
        raise ValueError("why")
    except ValueError:
        line = json.loads(_line(exc_info=sys.exc_info(), long="x" * 10_000))
    assert "ValueError: why" in line["exception"]
    assert len(line["long"]) == 2_000


class _Refused(Exception):
    sqlstate = "23514"


def test_what_postgresql_quotes_of_a_row_is_withheld():
    row = f"my card is {4 * 1000 + 111}"  # a traceback holds the lines of the program, too
    try:
        try:
            raise _Refused(f"new row violates a check\nDETAIL:  Failing row contains ({row})")
        except _Refused as error:
            raise RuntimeError("a batch was refused") from error
    except RuntimeError:
        line = _line(exc_info=sys.exc_info())
    assert "4111" not in line
    assert "SQLSTATE 23514 (its words are withheld)" in line
    assert "a batch was refused" in line
