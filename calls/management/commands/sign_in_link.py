"""`sign_in_link EMAIL…`: an address that signs its user in once, for a first visit or a lost password."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.urls import reverse

from calls.actions import sign_in_links
from calls.conf import conf
from calls.domain.actors import SYSTEM
from calls.exceptions import InvalidInput


class Command(BaseCommand):
    """Prints one address a line, in the order of the users. Whoever opens it first is signed in."""

    help = "Make a link that signs a user in, once. An earlier link of the user stops working."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("email", nargs="+")
        most = sign_in_links.LONGEST // timedelta(minutes=1)
        usual = sign_in_links.USUAL // timedelta(minutes=1)
        parser.add_argument("--minutes", type=int, default=usual, help=f"until it expires; {usual}, at most {most}")

    def handle(self, *args: Any, **options: Any) -> None:
        for email in options["email"]:
            try:
                token = sign_in_links.make(email, lasts=timedelta(minutes=options["minutes"]), by=SYSTEM)
            except InvalidInput as error:
                raise CommandError(f"{email}: {error.field} {error.reason.removeprefix(f'{error.field}: ')}") from None
            self.stdout.write(conf().public_url + reverse("sign_in_link", args=[token]))
