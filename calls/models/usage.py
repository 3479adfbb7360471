"""Sums of usage by quarters of an hour, and marks on the quarters whose sums are no longer right.

A quarter hour of UTC lies within one day of every time zone in use, so the sums serve all of them.
"""

from __future__ import annotations

from typing import ClassVar

from django.db import models

from calls.models.base import TenantOwned


class UsageSum(TenantOwned):
    """What was used in the quarter hour from `start` on, by all that a page groups by. Made by actions.usage."""

    start = models.DateTimeField()
    model = models.CharField(max_length=80, blank=True)
    agent = models.BigIntegerField(null=True)
    """Key of the call's agent; no foreign key, since marks follow an agent that goes"""
    version = models.BigIntegerField(null=True)
    complete = models.BooleanField()
    split_known = models.BooleanField()
    bills = models.BigIntegerField()
    fresh_text = models.BigIntegerField()
    fresh_audio = models.BigIntegerField()
    fresh_image = models.BigIntegerField()
    cached_text = models.BigIntegerField()
    cached_audio = models.BigIntegerField()
    cached_image = models.BigIntegerField()
    output_text = models.BigIntegerField()
    output_audio = models.BigIntegerField()
    seconds = models.DecimalField(max_digits=16, decimal_places=3)

    class Meta:
        indexes: ClassVar = [models.Index(fields=["tenant", "start"], name="usage_sum_by_start")]


class UsageMark(TenantOwned):
    """Usage of the quarter hour from `start` on was written: its sums are made again, until then its rows are read.

    Only ever inserted, by a trigger in the writer's own transaction, so that writers never wait for one another and
    a mark becomes visible together with what it is about.
    """

    start = models.DateTimeField()

    class Meta:
        indexes: ClassVar = [models.Index(fields=["tenant", "start"], name="usage_mark_by_start")]
