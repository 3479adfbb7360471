"""The style page is for staff, and alive: whatever the style sheets offer stands on it."""

from __future__ import annotations


def test_only_staff_sees_it(sam, client):
    assert sam.client.get("/style/").status_code == 404
    assert client.get("/style/").status_code == 302
    sam.user.is_staff = True
    sam.user.save()
    assert sam.client.get("/style/").status_code == 200
