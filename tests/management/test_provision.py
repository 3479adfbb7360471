"""`provision`: idempotent, strict, all or nothing, silent about secrets."""

from __future__ import annotations

import copy
import io
import json
import re

import pytest
from django.core.management import CommandError, call_command

from calls import sealing
from calls.models import Agent, AuditEntry, Membership, ProviderAccount, Route, Tenant, TenantStream, User
from calls.tenancy import tenant_scope

KEY = "sk-live-abcdefghijklmnop1234"
SECRETS = ["whsec_bmV3IHNlY3JldA==", "whsec_b2xkIHNlY3JldA=="]
PASSWORD = "correct horse"

DOCUMENT = {
    "tenants": [
        {
            "slug": "acme",
            "name": "Acme",
            "timezone": "Europe/Berlin",
            "currency": "EUR",
            "members": [
                {"email": "Olivia@acme.example", "password": PASSWORD, "role": "owner"},
                {"email": "sam@acme.example", "password": PASSWORD, "role": "supervisor"},
            ],
            "accounts": [
                {
                    "name": "main",
                    "kind": "openai",
                    "base_url": "https://api.openai.com/v1",
                    "api_key": KEY,
                    "webhook_secrets": SECRETS,
                }
            ],
            "agents": [
                {
                    "name": "Reception",
                    "model": "gpt-realtime",
                    "voice": "marin",
                    "instructions": "Be brief.",
                    "greeting": "Say hello.",
                    "turn_detection": {"type": "semantic_vad"},
                }
            ],
            "routes": [{"number": "+498001234", "agent": "Reception"}, {"number": "*", "agent": "Reception"}],
        },
        {"slug": "globex", "name": "Globex"},
    ]
}


@pytest.fixture
def document():
    return copy.deepcopy(DOCUMENT)


@pytest.fixture
def provision(tmp_path, db):
    def run(document) -> dict:
        path = tmp_path / "document.json"
        path.write_text(document if isinstance(document, str) else json.dumps(document))
        out = io.StringIO()
        call_command("provision", str(path), stdout=out)
        assert not [secret for secret in (KEY, PASSWORD, *SECRETS) if secret in out.getvalue()]
        return json.loads(out.getvalue())

    return run


@pytest.fixture
def refused(provision):
    """The faults of a document, one a line; nothing was written."""

    def run(document) -> list[str]:
        before = (Tenant.objects.count(), User.objects.count())
        with pytest.raises(CommandError) as caught:
            provision(document)
        assert caught.value.returncode == 1
        assert (Tenant.objects.count(), User.objects.count()) == before
        return str(caught.value).splitlines()

    return run


def _scope(slug: str = "acme"):
    return tenant_scope(Tenant.objects.get(slug=slug).id)


def _outcomes(report: dict) -> set[str]:
    return set(re.findall(r'"outcome": "(\w+)"', json.dumps(report)))


def _audited() -> list[str]:
    with _scope():
        return list(AuditEntry.objects.order_by("id").values_list("verb", flat=True))


def test_everything_that_the_document_describes_exists_afterwards(provision, document):
    report = provision(document)
    assert _outcomes(report) == {"created"}
    tenant = Tenant.objects.get(slug="acme")
    assert (tenant.name, tenant.timezone, tenant.currency) == ("Acme", "Europe/Berlin", "EUR")
    assert User.objects.get(email="olivia@acme.example").check_password(PASSWORD)
    with tenant_scope(tenant.id):
        assert TenantStream.objects.count() == 1
        assert set(Membership.objects.values_list("user__email", "role")) == {
            ("olivia@acme.example", "owner"),
            ("sam@acme.example", "supervisor"),
        }
        agent = Agent.objects.get()
        assert (agent.name, agent.greeting) == ("Reception", "Say hello.")
        assert agent.settings == {"turn_detection": {"type": "semantic_vad"}}
        version = agent.versions.get()
        assert (version.number, version.text, version.published_at is None) == (1, "Be brief.", False)
        assert set(Route.objects.values_list("number", "agent__name")) == {
            ("+498001234", "Reception"),
            ("*", "Reception"),
        }


def test_secrets_are_sealed_for_their_place(provision, document):
    provision(document)
    tenant = Tenant.objects.get(slug="acme")
    with tenant_scope(tenant.id):
        account = ProviderAccount.objects.get()
    place = {"tenant": tenant.id, "row": account.code}
    assert sealing.unseal(account.api_key_sealed, field="api_key", **place) == KEY
    assert sealing.unseal(account.webhook_secret_sealed, field="webhook_secret", **place) == SECRETS[0]
    assert (
        sealing.unseal(account.previous_webhook_secret_sealed, field="previous_webhook_secret", **place) == SECRETS[1]
    )
    assert account.api_key_hint == "1234"


def test_the_report_tells_the_webhook_address_and_hints_only(provision, document):
    tenant = provision(document)["tenants"][0]
    account = tenant["accounts"][0]
    token = f"{Tenant.objects.get(slug='acme').id.hex}[0-9a-f]{{32}}"
    assert re.fullmatch(rf"http://testserver/webhooks/openai/{token}/", account["webhook_url"])
    assert account["api_key_hint"] == "1234"
    assert account["webhook_secret_hints"] == [secret[-4:] for secret in SECRETS]
    assert tenant["agents"][0]["instruction_version"] == 1
    assert [member["email"] for member in tenant["members"]] == ["olivia@acme.example", "sam@acme.example"]


def test_a_second_run_changes_nothing_and_audits_nothing(provision, document):
    first = provision(document)
    audited = _audited()
    second = provision(document)
    assert _outcomes(second) == {"unchanged"}
    assert _audited() == audited
    assert second == json.loads(json.dumps(first).replace('"created"', '"unchanged"'))


@pytest.mark.parametrize(
    ("edit", "verbs"),
    [
        (lambda t: t.update(name="Acme Ltd"), ["tenant.changed"]),
        (lambda t: t["members"][1].update(role="admin"), ["member.role_changed"]),
        (lambda t: t["members"][1].update(password="another one"), ["member.password_set"]),
        (lambda t: t["accounts"][0].update(api_key="sk-live-another-one-5678"), ["account.changed"]),
        (lambda t: t["accounts"][0].update(webhook_secrets=["plain-new", SECRETS[0]]), ["account.changed"]),
        (lambda t: t["accounts"][0].update(webhook_secrets=SECRETS[:1]), ["account.changed"]),
        (lambda t: t["agents"][0].update(voice="cedar"), ["agent.changed"]),
        (lambda t: t["agents"][0].update(turn_detection=None), ["agent.changed"]),
        (lambda t: t["agents"][0].update(instructions="Be kind."), ["agent.instructions_written", "agent.published"]),
    ],
)  # fmt: skip
def test_an_edited_document_changes_the_difference_only(provision, document, edit, verbs):
    provision(document)
    audited = _audited()
    edit(document["tenants"][0])
    report = provision(document)
    assert json.dumps(report).count('"changed"') == 1
    assert _audited() == audited + verbs
    provision(document)
    assert _audited() == audited + verbs


def test_new_instructions_are_a_new_published_version(provision, document):
    provision(document)
    document["tenants"][0]["agents"][0]["instructions"] = "Be kind."
    assert provision(document)["tenants"][0]["agents"][0]["instruction_version"] == 2
    with _scope():
        versions = Agent.objects.get().versions.order_by("number")
        assert [(v.text, v.published_at is not None) for v in versions] == [
            ("Be brief.", False),
            ("Be kind.", True),
        ]


def test_what_the_document_leaves_out_stays(provision, document):
    provision(document)
    provision({"tenants": [{"slug": "acme", "name": "Acme"}]})
    provision(
        {
            "tenants": [
                {
                    "slug": "acme",
                    "name": "Acme",
                    "agents": [
                        {
                            "name": "Reception",
                            "model": "gpt-realtime",
                            "voice": "marin",
                            "instructions": "Be brief.",
                        }
                    ],
                }
            ]
        }
    )
    tenant = Tenant.objects.get(slug="acme")
    assert (tenant.timezone, tenant.currency) == ("Europe/Berlin", "EUR")
    with _scope():
        agent = Agent.objects.get()
        assert (agent.greeting, agent.settings) == (
            "Say hello.",
            {"turn_detection": {"type": "semantic_vad"}},
        )
        assert (Membership.objects.count(), Route.objects.count()) == (2, 2)


def test_a_tenant_can_be_handed_to_another_owner(provision, document):
    provision(document)
    document["tenants"][0]["members"][0]["role"] = "admin"
    document["tenants"][0]["members"][1]["role"] = "owner"
    provision(document)
    with _scope():
        assert Membership.objects.get(role="owner").user.email == "sam@acme.example"


def test_the_last_owner_stays_one(provision, refused, document):
    provision(document)
    document["tenants"][0]["members"][0]["role"] = "admin"
    document["tenants"][0]["name"] = "Other"
    assert refused(document) == ["tenants[0].members[0].role: the last owner of a tenant stays one"]
    assert Tenant.objects.get(slug="acme").name == "Acme"


def test_one_person_in_two_tenants_has_one_password(provision, refused, document):
    document["tenants"][1]["members"] = [{"email": "sam@acme.example", "password": PASSWORD, "role": "analyst"}]
    provision(document)
    assert User.objects.get(email="sam@acme.example").memberships.model
    document["tenants"][1]["members"][0]["password"] = "another"
    assert refused(document) == ["tenants[1].members[0].password: differs from tenants[0].members[1].password"]


def test_every_fault_is_told_at_once_and_no_secret_with_it(refused, document):
    tenant = document["tenants"][0]
    tenant["timezone"] = "Europe/Atlantis"
    tenant["colour"] = "red"
    tenant["members"][0]["email"] = "olivia"
    tenant["members"][1] |= {"role": PASSWORD, "password": ""}
    tenant["accounts"][0] |= {"api_key": f"{KEY} ", "base_url": "ftp://x", "webhook_secrets": ["whsec_!"]}
    tenant["agents"][0] |= {"voice": "nobody", "temperature": 1}
    tenant["routes"][0] |= {"number": "0800", "agent": "Nobody"}
    del document["tenants"][1]["name"]
    faults = refused(document)
    assert not [secret for secret in (KEY, PASSWORD, "whsec_") if secret in "".join(faults).replace("whsec_ must", "")]
    assert {fault.split(": ")[0] for fault in faults} == {
        "tenants[0].timezone",
        "tenants[0].colour",
        "tenants[0].members[0].email",
        "tenants[0].members[1].role",
        "tenants[0].members[1].password",
        "tenants[0].accounts[0].api_key",
        "tenants[0].accounts[0].base_url",
        "tenants[0].accounts[0].webhook_secrets[0]",
        "tenants[0].agents[0].voice",
        "tenants[0].agents[0].temperature",
        "tenants[0].routes[0].number",
        "tenants[0].routes[0].agent",
        "tenants[1].name",
    }


def test_a_setting_is_named_as_the_document_has_it(refused, document):
    document["tenants"][0]["agents"][0]["turn_detection"] = {"type": "server_vad", "threshold": 7}
    (fault,) = refused(document)
    assert fault.startswith("tenants[0].agents[0].turn_detection.threshold: ")


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("{", "is not JSON"),
        ("[]", "document: must be an object"),
        ("{}", "tenants: is missing"),
        ('{"tenants": [], "tenants": []}', "appears twice"),
        ('{"tenants": NaN}', "NaN"),
        ("[" * 100_000, "nested too deeply"),
        ('{"tenants": [], "extra\\u0000": 1}', "is not a known key"),
    ],
)
def test_what_is_no_document_is_refused(refused, text, fault):
    assert fault in refused(text)[0]


def test_a_file_that_is_not_there_is_named(db):
    with pytest.raises(CommandError, match=r"nowhere\.json cannot be read"):
        call_command("provision", "nowhere.json")


def test_standard_input_is_read(db, monkeypatch, document):
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(json.dumps(document).encode())))
    call_command("provision", "-", stdout=io.StringIO())
    assert Tenant.objects.filter(slug="acme").exists()
