"""The document of `provision`, read strictly: each fault has a path and quotes nothing."""

from __future__ import annotations

import pytest

from calls.domain.manifest import ManifestRejected, Problem, parse


def _problems(document: object) -> list[str]:
    return [str(problem) for problem in parse(document, agent_settings=["tools"])[1]]


def _tenant(**parts: object) -> dict[str, object]:
    return {"tenants": [{"slug": "acme", "name": "Acme", **parts}]}


AGENT = {"name": "A", "model": "m", "voice": "v", "instructions": "i"}
MEMBER = {"email": "a@b.c", "password": "p", "role": "owner"}
ACCOUNT = {"name": "main", "api_key": "k", "webhook_secrets": ["s"]}


def test_what_is_left_out_is_none():
    (tenant,), problems = parse(_tenant(agents=[AGENT], accounts=[ACCOUNT]), agent_settings=[])
    assert problems == []
    assert (tenant.timezone, tenant.currency, tenant.members) == (None, None, ())
    assert (tenant.agents[0].greeting, tenant.agents[0].settings) == (None, {})
    assert (tenant.accounts[0].kind, tenant.accounts[0].base_url) == (None, None)


def test_settings_are_taken_as_they_are():
    (tenant,), problems = parse(_tenant(agents=[AGENT | {"tools": None}]), agent_settings=["tools"])
    assert (tenant.agents[0].settings, problems) == ({"tools": None}, [])


@pytest.mark.parametrize(
    ("document", "problem"),
    [
        (None, "document: must be an object"),
        ({}, "tenants: is missing"),
        ({"tenants": {}}, "tenants: must be an array"),
        ({"tenants": [1]}, "tenants[0]: must be an object"),
        (_tenant(name=1), "tenants[0].name: must be a text"),
        (_tenant(timezone=None), "tenants[0].timezone: must be a text"),
        (_tenant(x=1), "tenants[0].x: is not a known key"),
        (_tenant(members=[MEMBER, MEMBER | {"email": "A@b.C"}]),
            "tenants[0].members[1].email: is the same as tenants[0].members[0].email"),
        (_tenant(members=[{**MEMBER, "role": None}]), "tenants[0].members[0].role: must be a text"),
        (_tenant(accounts=[ACCOUNT | {"webhook_secrets": []}]),
            "tenants[0].accounts[0].webhook_secrets: must hold 1 to 2 texts"),
        (_tenant(accounts=[ACCOUNT | {"webhook_secrets": ["s", "s"]}]),
            "tenants[0].accounts[0].webhook_secrets: holds the same text twice"),
        (_tenant(accounts=[ACCOUNT | {"webhook_secrets": "s"}]),
            "tenants[0].accounts[0].webhook_secrets: must be an array"),
        (_tenant(accounts=[ACCOUNT, ACCOUNT]),
            "tenants[0].accounts[1].name: is the same as tenants[0].accounts[0].name"),
        (_tenant(agents=[AGENT, AGENT]), "tenants[0].agents[1].name: is the same as tenants[0].agents[0].name"),
        (_tenant(agents=[AGENT | {"tools": [{"a": "\0"}]}]),
            "tenants[0].agents[0].tools: contains text that cannot be stored (NUL, or half of a surrogate pair)"),
        (_tenant(routes=[{"number": "*", "agent": "A"}] * 2),
            "tenants[0].routes[1].number: is the same as tenants[0].routes[0].number"),
        ({"tenants": [{"slug": "a", "name": "A"}] * 2}, "tenants[1].slug: is the same as tenants[0].slug"),
    ],
)  # fmt: skip
def test_a_fault_is_named_by_its_path(document, problem):
    assert _problems(document) == [problem]


def test_one_person_has_one_password():
    tenants = [{"slug": slug, "name": slug, "members": [MEMBER | {"password": slug}]} for slug in ("one", "two")]
    assert _problems({"tenants": tenants}) == [
        "tenants[1].members[0].password: differs from tenants[0].members[0].password"
    ]


def test_all_faults_are_found_in_one_go():
    assert len(_problems(_tenant(slug="A B", currency="x", routes=[{}, {"number": "1"}]))) == 6


def test_a_spec_never_shows_its_secrets():
    (tenant,), _ = parse(
        _tenant(members=[MEMBER | {"password": "hidden"}], accounts=[ACCOUNT | {"api_key": "hidden"}]),
        agent_settings=[],
    )
    assert "hidden" not in repr(tenant)


def test_a_rejection_lists_its_problems():
    rejected = ManifestRejected([Problem("a", "b"), Problem("c", "d")])
    assert str(rejected) == "a: b\nc: d"
