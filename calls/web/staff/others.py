"""What the staff look at and do not change: processes. And price lists, which only ever grow."""

from __future__ import annotations

from typing import Any, ClassVar

from django.contrib.admin import display
from django.db import models
from django.http import HttpRequest

from calls.models import PriceList, Worker
from calls.models.prices import PRICES
from calls.web.staff.site import StaffAdmin


class WorkerAdmin(StaffAdmin):
    list_display = ("kind", "host", "pid", "load", "started_at", "seen_at")
    list_display_links = None
    ordering = ("kind", "host", "pid")

    @display(description="Calls / slots")
    def load(self, worker: Worker) -> str:
        return f"{worker.calls} / {worker.slots}"

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


class PriceListAdmin(StaffAdmin):
    list_display = ("model", "valid_from", "currency", "source", "checked_on", "added_at")
    list_filter = ("model",)
    ordering = ("model", "-valid_from", "-id")
    formfield_overrides: ClassVar = {models.URLField: {"assume_scheme": "https"}}
    fields = ("model", "valid_from", "currency", *PRICES, "source", "checked_on", "note")

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """A change is a new list: what was charged by the old one must stay explicable."""
        return False


MODELS = {PriceList: PriceListAdmin, Worker: WorkerAdmin}
