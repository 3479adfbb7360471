"""The way from a user to a tenant: memberships, and nothing else."""

import pytest

from calls.domain.roles import Role
from calls.exceptions import NotFound
from calls.selectors import members
from calls.selectors.members import member_of, memberships
from calls.tenancy import tenant_scope
from tests import factories


def test_a_member_is_found_with_the_role_in_that_tenant(acme, sam):
    member = member_of(sam.user.pk, "acme")
    assert member is not None
    assert (member.tenant_id, member.actor.role, member.actor.label) == (acme.id, Role.SUPERVISOR, sam.user.email)


def test_a_foreign_and_an_absent_tenant_are_the_same_nothing(acme, globex, sam, rita):
    assert member_of(sam.user.pk, "globex") is None
    assert member_of(sam.user.pk, "no-such-tenant") is None
    assert [member.slug for member in memberships(rita.user.pk)] == ["globex"]


def test_a_person_in_two_tenants_has_a_role_in_each(acme, globex, sam):
    factories.make_member(globex, user=sam.user, role=Role.ANALYST)
    assert [(member.slug, member.actor.role) for member in memberships(sam.user.pk)] == [
        ("acme", Role.SUPERVISOR),
        ("globex", Role.ANALYST),
    ]


def test_an_inactive_user_belongs_nowhere(sam):
    sam.user.is_active = False
    sam.user.save()
    assert memberships(sam.user.pk) == []


def test_the_roster_is_the_tenants_own(acme, globex, sam, olivia, rita):
    factories.make_member(globex, user=sam.user)
    invitation = factories.make_invitation(acme)
    with tenant_scope(acme.id):
        assert [row.user for row in members.roster(acme.id)] == [olivia.user, sam.user]
        assert members.invitations() == [invitation]
        with pytest.raises(NotFound):
            members.membership_of(acme.id, factories.membership_of(rita).pk)
    with tenant_scope(globex.id):
        assert members.invitations() == []
        with pytest.raises(NotFound):
            members.invitation_of(invitation.code)
