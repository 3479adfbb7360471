"""What the admins' pages need: invitations, agents that are put away, and the history of one object."""

import uuid

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

from calls.migrations._operations import enable_tenant_isolation

ROLES = [("owner", "Owner"), ("admin", "Admin"), ("supervisor", "Supervisor"), ("analyst", "Analyst")]


class Migration(migrations.Migration):
    dependencies = [("calls", "0007_money")]

    operations = [
        migrations.AddField("agent", "archived_at", models.DateTimeField(null=True)),
        migrations.AlterField(
            "route",
            "agent",
            models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name="routes", to="calls.agent"),
        ),
        migrations.AddIndex(
            "auditentry",
            models.Index(fields=["tenant", "object_kind", "object_code", "-at"], name="audit_by_object"),
        ),
        migrations.CreateModel(
            "Invitation",
            [
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("code", models.UUIDField(default=uuid.uuid4, editable=False, unique=True)),
                ("email", models.EmailField(max_length=254)),
                ("role", models.CharField(choices=ROLES, max_length=12)),
                ("digest", models.CharField(max_length=64)),
                (
                    "invited_by",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                ("created_at", models.DateTimeField(auto_now_add=True)),
                ("expires_at", models.DateTimeField()),
                (
                    "tenant",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="+",
                        to="calls.tenant",
                    ),
                ),
            ],
            options={
                "constraints": [
                    models.UniqueConstraint(fields=["tenant", "email"], name="invitation_once"),
                ],
            },
        ),
        enable_tenant_isolation("calls_invitation"),
    ]
