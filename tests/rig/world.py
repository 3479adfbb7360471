"""What there is to look at in a rig: codes for the addresses of the table of pages, and the platform's staff."""

from __future__ import annotations

import subprocess
from dataclasses import dataclass

from realtime_ops import command_lines, demo
from tests.rig.browser import Browser
from tests.rig.machine import Rig
from tests.rig.pages import Place

_FIRST = (
    "select r.code from {table} r join calls_tenant t on t.id = r.tenant_id where t.slug = %s order by r.id limit 1"
)


@dataclass
class World:
    rig: Rig
    codes: dict[str, str]

    @classmethod
    def of(cls, rig: Rig, finished: str, live: str, *, word: str, slug: str = "acme") -> World:
        """`word` was said in the finished call."""
        codes = {"slug": slug, "finished": finished, "live": live, "word": word}
        for name, table in (("agent", "calls_agent"), ("account", "calls_provideraccount")):
            codes[name] = str(rig.rows(_FIRST.format(table=table), slug)[0][0])
        return cls(rig, codes)

    def path(self, place: Place) -> str:
        return place.path.format(**self.codes)

    def staff(self) -> Browser:
        """Signed in as one of the platform's staff, who is no member of anything."""
        if not self.rig.rows("select 1 from calls_user where email = %s", demo.STAFF):
            made = command_lines.sample("people", "--staff")
            subprocess.run(made, env=self.rig.environment, check=True, capture_output=True, timeout=60)
        return Browser(self.rig.port).sign_in(demo.STAFF, demo.PASSWORD)
