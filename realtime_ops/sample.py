"""`python -m realtime_ops.sample people|past`: what the sample installation has beside its tenants.

`people` prints a link for each newcomer, and with --staff sees to it that there is somebody of the platform staff.
`past` runs beside the demo at the lowest priority and stops by itself.
"""

from __future__ import annotations

import argparse
import os
from datetime import timedelta

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "realtime_ops.settings")
django.setup()

from django.core.management import call_command  # noqa: E402  models need the settings

from calls.actions import sign_in_links  # noqa: E402
from calls.actions import staff as actions  # noqa: E402
from calls.domain.actors import SYSTEM  # noqa: E402
from calls.models import User  # noqa: E402
from realtime_ops import demo, history  # noqa: E402


def main() -> None:
    parser = argparse.ArgumentParser(prog="realtime_ops.sample", description=__doc__)
    parser.add_argument("what", choices=["people", "past"])
    parser.add_argument("--staff", action="store_true", help="people: one of the staff, whose password everybody knows")
    parser.add_argument("--days", type=int, default=history.DAYS)
    parser.add_argument("--share", type=float, default=1.0, help="past: of the usual number of calls")
    options = parser.parse_args()
    if options.what == "people":
        people(staff=options.staff)
    else:
        os.nice(19)
        history.write(demo.TRADES, days=options.days, share=options.share)


def people(*, staff: bool) -> None:
    known = User.objects.filter(email=demo.STAFF).first()
    if staff and known is None:
        User.objects.create_user(demo.STAFF, demo.PASSWORD, is_staff=True)
    elif known is not None and known.is_active != staff:
        # Everybody knows the password: others than this machine's own users may reach the door now.
        actions.change_user(known, name=known.name, is_active=staff, is_staff=True, by=SYSTEM)
    call_command("sign_in_link", *demo.NEWCOMERS, minutes=sign_in_links.LONGEST // timedelta(minutes=1))


if __name__ == "__main__":
    main()
