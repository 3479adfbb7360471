"""All tables. Shape, constraints and querysets only."""

from calls.models.accounts import ProviderAccount
from calls.models.agents import Agent, InstructionVersion, Route
from calls.models.audit import AuditEntry
from calls.models.calls import Call, Gap
from calls.models.commands import Command
from calls.models.exports import Export
from calls.models.feed import CallEvent, TenantEvent, TenantStream
from calls.models.invitations import Invitation
from calls.models.people import Membership, SignInLink, Tenant, User
from calls.models.prices import PriceList
from calls.models.turns import TokenUsage, Turn
from calls.models.usage import UsageMark, UsageSum
from calls.models.webhooks import WebhookEvent
from calls.models.workers import Worker

__all__ = [
    "Agent",
    "AuditEntry",
    "Call",
    "CallEvent",
    "Command",
    "Export",
    "Gap",
    "InstructionVersion",
    "Invitation",
    "Membership",
    "PriceList",
    "ProviderAccount",
    "Route",
    "SignInLink",
    "Tenant",
    "TenantEvent",
    "TenantStream",
    "TokenUsage",
    "Turn",
    "UsageMark",
    "UsageSum",
    "User",
    "WebhookEvent",
    "Worker",
]
