"""All addresses of people and of the provider's deliveries. The feed's are in calls.live.routing."""

from __future__ import annotations

from django.urls import include, path

from calls.web import (
    call,
    calls,
    calls_csv,
    commands,
    connect,
    exports,
    figures,
    guide,
    health,
    live,
    session,
    sign_in_link,
    status,
    style,
    usage,
    webhooks,
)
from calls.web.admin import invitation
from calls.web.staff import urls as staff

urlpatterns = [
    path("admin/", staff.site.urls),
    path("", session.home, name="home"),
    path("sign-in/", session.sign_in, name="sign_in"),
    path("sign-in/link/<str:token>/", sign_in_link.sign_in_link, name="sign_in_link"),
    path("sign-out/", session.sign_out, name="sign_out"),
    path("sign-out-everywhere/", session.sign_out_everywhere, name="sign_out_everywhere"),
    path("preferences/", session.preferences, name="preferences"),
    path("style/", style.style, name="style"),
    path("status/", status.status, name="status"),
    path("status.json", status.status_json, name="status_json"),
    path("t/<slug:slug>/live/", live.live, name="live"),
    path("t/<slug:slug>/live/figures/", figures.figures, name="figures"),
    path("t/<slug:slug>/guide/", guide.progress, name="guide_progress"),
    path("t/<slug:slug>/guide/dismiss/", guide.dismiss, name="guide_dismiss"),
    path("t/<slug:slug>/connect/", connect.connect, name="connect"),
    path("t/<slug:slug>/connect/<uuid:code>/first-event/", connect.first_event, name="first_event"),
    path("t/<slug:slug>/calls/", calls.calls, name="calls"),
    path("t/<slug:slug>/calls.csv", calls_csv.calls_csv, name="calls_csv"),
    path("t/<slug:slug>/calls/<uuid:code>/", call.page, name="call"),
    path("t/<slug:slug>/calls/<uuid:code>/commands/", commands.command, name="command"),
    path("t/<slug:slug>/", include("calls.web.admin.urls")),
    path("sign-in/invitation/<str:token>/", invitation.invitation, name="invitation"),
    path("t/<slug:slug>/usage/", usage.usage, name="usage"),
    path("t/<slug:slug>/usage/<slug:key>.csv", usage.table, name="usage_table"),
    path("t/<slug:slug>/exports/", exports.exports, name="exports"),
    path("t/<slug:slug>/exports/ask/", exports.ask, name="export_ask"),
    path("t/<slug:slug>/exports/status.json", exports.status, name="export_status"),
    path("t/<slug:slug>/exports/<uuid:code>/file/", exports.download, name="export_file"),
    path("t/<slug:slug>/exports/<uuid:code>/cancel/", exports.cancel, name="export_cancel"),
    path("t/<slug:slug>/exports/<uuid:code>/again/", exports.again, name="export_again"),
    path("webhooks/openai/<str:token>/", webhooks.openai),
    path("healthz", health.healthz),
    path("readyz", health.readyz),
]
