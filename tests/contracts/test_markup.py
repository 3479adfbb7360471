"""What callers say is text, never markup: nothing in templates, scripts or views switches escaping off."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]

FORBIDDEN = {
    ".html": r"\|\s*safe\b|\bautoescape\s+off\b|\|\s*safeseq\b|\son[a-z]+\s*=|<script(?![^>]*\bsrc=)|javascript:",
    ".js": r"\binnerHTML\b|\bouterHTML\b|\binsertAdjacentHTML\b|\bdocument\.write\b|\beval\(|\bnew Function\b",
    ".py": r"\bmark_safe\b|\bSafeString\b|\bhtml_safe\b",
}


@pytest.mark.parametrize("suffix", FORBIDDEN)
def test_nothing_switches_escaping_off(suffix):
    found = [
        f"{path.relative_to(ROOT)}:{number}: {line.strip()}"
        for folder in ("calls", "templates", "realtime_ops")
        for path in (ROOT / folder).rglob(f"*{suffix}")
        for number, line in enumerate(path.read_text().splitlines(), 1)
        if re.search(FORBIDDEN[suffix], line)
    ]
    assert found == []
