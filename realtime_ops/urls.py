"""Addresses: everything is in calls.web."""

from __future__ import annotations

from django.urls import include, path

urlpatterns = [path("", include("calls.web.urls"))]
handler400 = "calls.web.problems.bad_request"
handler403 = "calls.web.problems.forbidden"
handler404 = "calls.web.problems.not_found"
handler500 = "calls.web.problems.server_error"
