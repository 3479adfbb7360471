"""Roles, and row-level security on every tenant table."""

from django.db import migrations

from calls.migrations._operations import create_roles, enable_tenant_isolation, refuse_changes

TABLES = (
    "agent",
    "auditentry",
    "call",
    "callevent",
    "command",
    "gap",
    "instructionversion",
    "provideraccount",
    "route",
    "tenantevent",
    "tenantstream",
    "tokenusage",
    "turn",
    "webhookevent",
)


class Migration(migrations.Migration):
    dependencies = [("calls", "0001_initial")]

    operations = [
        create_roles(),
        *(enable_tenant_isolation(f"calls_{table}") for table in TABLES),
        enable_tenant_isolation("calls_membership", own_rows=True),
        refuse_changes("calls_auditentry"),
    ]
