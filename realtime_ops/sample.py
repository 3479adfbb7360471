"""`python -m realtime_ops.sample`: gives the sample installation a past, and with --staff its platform staff.

Runs beside the demo, at the lowest priority.

Stops by itself; a start that finds nothing missing stops at once.
"""

from __future__ import annotations

import argparse
import os

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "realtime_ops.settings")
django.setup()

from calls.models import User  # noqa: E402  models need the settings
from realtime_ops import demo, history  # noqa: E402


def main() -> None:
    parser = argparse.ArgumentParser(prog="realtime_ops.sample", description=__doc__)
    parser.add_argument("--days", type=int, default=history.DAYS)
    parser.add_argument("--share", type=float, default=1.0, help="of the usual number of calls")
    parser.add_argument("--staff", action="store_true", help="a user of the staff, whose password everybody knows")
    options = parser.parse_args()
    os.nice(19)
    if options.staff and not User.objects.filter(email=demo.STAFF).exists():
        User.objects.create_user(demo.STAFF, demo.PASSWORD, is_staff=True)
    history.write(demo.TRADES, days=options.days, share=options.share)


if __name__ == "__main__":
    main()
