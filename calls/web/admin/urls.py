"""Addresses of the admins' pages, inside a tenant."""

from __future__ import annotations

from django.urls import path

from calls.web.admin import accounts, agents, audit, instructions, members, routes, tenant

_AGENT = "agents/<uuid:code>/"
_ACCOUNT = "admin/accounts/<uuid:code>/"

urlpatterns = [
    path("agents/", agents.listed, name="agents"),
    path("agents/new/", agents.new, name="agent_new"),
    path(_AGENT, instructions.instructions, name="agent"),
    path(f"{_AGENT}session/", agents.session, name="agent_session"),
    path(f"{_AGENT}versions/", instructions.versions, name="agent_versions"),
    path(f"{_AGENT}publish/<int:number>/", instructions.publish, name="agent_publish"),
    path(f"{_AGENT}used/", agents.used, name="agent_used"),
    path(f"{_AGENT}remove/", agents.remove, name="agent_remove"),
    path(f"{_AGENT}restore/", agents.restore, name="agent_restore"),
    path("routes/", routes.routes, name="routes"),
    path("routes/<int:pk>/", routes.change, name="route_change"),
    path("routes/<int:pk>/remove/", routes.remove, name="route_remove"),
    path("admin/", members.index, name="admin"),
    path("admin/members/", members.members, name="members"),
    path("admin/members/<int:pk>/", members.change_role, name="member_role"),
    path("admin/members/<int:pk>/remove/", members.remove, name="member_remove"),
    path("admin/invitations/<uuid:code>/withdraw/", members.withdraw, name="invitation_withdraw"),
    path("admin/accounts/", accounts.listed, name="accounts"),
    path("admin/accounts/new/", accounts.new, name="account_new"),
    path(_ACCOUNT, accounts.account, name="account"),
    path(f"{_ACCOUNT}rotate/", accounts.rotate, name="account_rotate"),
    path(f"{_ACCOUNT}drop/", accounts.drop_previous, name="account_drop"),
    path(f"{_ACCOUNT}test/", accounts.test, name="account_test"),
    path("admin/audit/", audit.listed, name="audit"),
    path("admin/audit.csv", audit.file, name="audit_csv"),
    path("admin/settings/", tenant.settings, name="tenant_settings"),
]
