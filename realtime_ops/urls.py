"""Addresses: everything is in calls.web."""

from __future__ import annotations

from django.urls import include, path

urlpatterns = [path("", include("calls.web.urls"))]
handler403 = "calls.web.problems.forbidden"
handler404 = "calls.web.problems.not_found"
handler500 = "calls.web.problems.server_error"
