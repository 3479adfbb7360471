"""Members and roles: invitations whose link is shown once, roles, removal, and who may not."""

from __future__ import annotations

import re

import pytest
from django.urls import reverse

from calls.models import Invitation, Membership
from calls.tenancy import tenant_scope
from tests import factories

URL = "/t/acme/admin/members/"
LINK = re.compile(r"/sign-in/invitation/([0-9a-f]{64})/")


def roles(tenant):
    with tenant_scope(tenant.id):
        return dict(Membership.objects.values_list("user__email", "role"))


def test_the_table_and_the_matrix(adam, sam):
    page = adam.client.get(URL)
    assert [one["row"].user.email for one in page.context["people"]] == [adam.user.email, sam.user.email]
    matrix = {name: granted for name, _, granted in page.context["matrix"]}
    assert page.context["role_names"] == ["owner", "admin", "supervisor", "analyst"]
    assert matrix["Manage"] == [True, True, False, False]
    assert matrix["Act"] == [True, True, True, False]


def test_an_invitation_shows_its_link_once(acme, adam):
    page = adam.client.post(URL, {"email": " New@Acme.example ", "role": "analyst"})
    [token] = set(LINK.findall(page.content.decode()))
    with tenant_scope(acme.id):
        assert token not in str(list(Invitation.objects.values()))
        assert Invitation.objects.get().email == "new@acme.example"
    again = adam.client.get(URL).content.decode()
    assert "new@acme.example" in again
    assert not LINK.search(again)


@pytest.mark.parametrize(
    ("email", "words"), [("nobody", "no e-mail"), ("sam@acme.example", "member already"), ("", "required")]
)
def test_who_cannot_be_invited(adam, sam, email, words):
    answer = adam.client.post(URL, {"email": email, "role": "analyst"})
    assert answer.status_code == 422
    assert words in answer.context["form"].errors["email"][0]
    assert answer.context["form"]["email"].value() == email


def test_an_admin_cannot_make_owners(acme, adam, olivia, sam):
    assert list(adam.client.post(URL, {"email": "x@acme.example", "role": "owner"}).context["form"].errors) == ["role"]
    role_url = reverse("member_role", args=["acme", factories.membership_of(sam).pk])
    assert adam.client.post(role_url, {"role": "owner"}).status_code == 403
    assert olivia.client.post(role_url, {"role": "owner"}).status_code == 302
    owner = reverse("member_remove", args=["acme", factories.membership_of(olivia).pk])
    assert adam.client.post(owner).status_code == 403


def test_a_role_is_changed_unless_somebody_did_meanwhile(acme, adam, sam):
    url = reverse("member_role", args=["acme", factories.membership_of(sam).pk])
    assert adam.client.post(url, {"role": "analyst", "seen": "supervisor"}).status_code == 302
    assert roles(acme)["sam@acme.example"] == "analyst"
    answer = adam.client.post(url, {"role": "admin", "seen": "supervisor"})
    assert answer.status_code == 409
    assert "Somebody made them analyst" in answer.content.decode()
    assert roles(acme)["sam@acme.example"] == "analyst"
    assert adam.client.post(url, {"role": "king", "seen": "analyst"}).status_code == 422


def test_the_last_owner_stays(acme, olivia):
    membership = factories.membership_of(olivia)
    for url, data in (("member_role", {"role": "admin"}), ("member_remove", {})):
        answer = olivia.client.post(reverse(url, args=["acme", membership.pk]), data)
        assert answer.status_code == 422
        assert "The last owner of a tenant stays one." in answer.content.decode()
    assert roles(acme) == {"olivia@acme.example": "owner"}


def test_a_removed_member_finds_nothing_any_more(acme, adam, sam):
    assert sam.client.get("/t/acme/live/").status_code == 200
    answer = adam.client.post(reverse("member_remove", args=["acme", factories.membership_of(sam).pk]))
    assert answer.url == URL
    assert sam.client.get("/t/acme/live/").status_code == 404


def test_who_removes_themselves_is_led_out(adam, olivia):
    answer = adam.client.post(reverse("member_remove", args=["acme", factories.membership_of(adam).pk]), follow=True)
    assert answer.status_code == 200
    assert "No tenant yet" in answer.content.decode()


def test_an_invitation_is_withdrawn(acme, adam):
    invitation = factories.make_invitation(acme)
    adam.client.post(reverse("invitation_withdraw", args=["acme", invitation.code]))
    with tenant_scope(acme.id):
        assert not Invitation.objects.exists()


def test_a_member_of_another_tenant_is_nobody_here(adam, rita):
    theirs = factories.membership_of(rita)
    assert adam.client.post(reverse("member_remove", args=["acme", theirs.pk])).status_code == 404
