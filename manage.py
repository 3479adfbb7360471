#!/usr/bin/env python
"""Django's command line; says in plain words when no database answers."""

import os
import sys

from django.core.management import execute_from_command_line
from django.db.utils import OperationalError

if __name__ == "__main__":
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "realtime_ops.settings")
    try:
        execute_from_command_line(sys.argv)
    except OperationalError as error:
        if getattr(error.__cause__, "sqlstate", None):
            raise  # a server did answer
        sys.exit(f"No database answers: start `make run` or `make demo`, or set DATABASE_URL.\n{error}")
