"""Accounts of the tenant in scope only."""

from __future__ import annotations

import pytest

from calls.exceptions import NotFound
from calls.selectors import accounts
from calls.tenancy import tenant_scope
from tests import factories


def test_accounts_are_of_the_tenant(acme, globex):
    mine, theirs = factories.make_account(acme), factories.make_account(globex)
    with tenant_scope(acme.id):
        assert accounts.listed() == [mine]
        assert accounts.account_of(mine.code) == mine
        with pytest.raises(NotFound):
            accounts.account_of(theirs.code)
