"""Agents, their instruction versions, and the routes that lead a dialled number to an agent."""

from __future__ import annotations

import uuid
from typing import ClassVar

from django.db import models

from calls.models.base import TenantOwned


class Agent(TenantOwned):
    """A named session configuration. `settings` holds what the session body takes besides model and voice."""

    code = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    name = models.CharField(max_length=80)
    model = models.CharField(max_length=80)
    voice = models.CharField(max_length=80, blank=True)
    greeting = models.TextField(blank=True)
    """Instructions of the first reply; empty: the agent waits for the caller to speak"""
    settings = models.JSONField(default=dict, blank=True)
    """Keys as in calls.providers.session_body.SETTINGS: transcription, turn_detection, tools, …"""
    created_at = models.DateTimeField(auto_now_add=True)
    archived_at = models.DateTimeField(null=True)
    """No route may lead to it any more; its calls and versions stay"""

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["tenant", "name"], name="agent_name_once"),
        ]

    def __str__(self) -> str:
        return self.name


class InstructionVersion(TenantOwned):
    """One immutable, numbered text of instructions; at most one per agent is published."""

    agent = models.ForeignKey(Agent, on_delete=models.CASCADE, related_name="versions")
    number = models.PositiveIntegerField()
    text = models.TextField()
    note = models.CharField(max_length=200, blank=True)
    author = models.ForeignKey("calls.User", null=True, on_delete=models.SET_NULL, related_name="+")
    created_at = models.DateTimeField(auto_now_add=True)
    published_at = models.DateTimeField(null=True)
    """Set on the one version that new calls use; cleared when another is published"""

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["agent", "number"], name="version_number_once"),
            models.UniqueConstraint(
                fields=["agent"], condition=models.Q(published_at__isnull=False), name="one_published_version"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.agent} v{self.number}"


class Route(TenantOwned):
    """A dialled number, or a pattern of them, that leads to an agent. The most specific pattern wins."""

    number = models.CharField(max_length=80)
    """E.164 number, a prefix followed by `*`, or `*` alone"""
    agent = models.ForeignKey(Agent, on_delete=models.PROTECT, related_name="routes")
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["tenant", "number"], name="route_number_once"),
        ]

    def __str__(self) -> str:
        return self.number
