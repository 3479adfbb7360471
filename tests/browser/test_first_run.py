"""The first minutes: a link that signs in, steps that tick themselves off, connecting an agent, and the platform staff."""

from __future__ import annotations

import json
import secrets
import time

import pytest
from playwright.sync_api import Page, expect

from calls.simulator.webhooks import signed
from realtime_ops import demo
from tests.browser.people import lines
from tests.rig.machine import Rig

pytestmark = pytest.mark.browser

SECRET = "whsec_Zmlyc3Qtc2VjcmV0LW9mLWEtdGVzdC0wMDAwMDE="
OWN = {"name": "Our own", "kind": "openai", "base_url": "https://api.openai.com/v1", "api_key": "sk-ours-0123456789ab"}
STAFF = "stella@example.com"


@pytest.fixture
def newcomer(rig: Rig):
    """Makes somebody who has done nothing yet, and says how they sign in; nobody is new here at the end."""

    def join(role: str) -> str:
        name = f"new-{role}-{secrets.token_hex(3)}"
        tenant = demo.document(rig.provider.port)["tenants"][0]
        kept = {key: tenant[key] for key in ("slug", "name", "timezone", "currency")}
        member = {"email": f"{name}@acme.example", "password": demo.PASSWORD, "role": role}
        rig.manage("provision", "-", stdin=json.dumps({"tenants": [kept | {"members": [member]}]}))
        rig.rows("update calls_user set guide = '{}' where email = %s returning id", member["email"])
        return name

    yield join
    rig.rows("""update calls_user set guide = '{"dismissed": "2026-11-20"}' returning id""")


def _step(page: Page, deed: str):
    return page.locator(f"[data-deed={deed}]")


def test_the_printed_link_signs_in_once(seat, rig):
    link = rig.manage("sign_in_link", "analyst@acme.example").strip()
    path = link[link.index("/sign-in/") :]
    me, late = seat(""), seat("")
    expect(me.open(path).get_by_text("analyst@acme.example")).to_be_visible()
    me.page.keyboard.press("Enter")  # the button has the focus
    expect(me.page).to_have_url(f"{me.origin}/t/acme/live/")
    late.complaints.expect("status of 410")
    expect(late.open(path).get_by_role("heading", name="This link was used")).to_be_visible()
    late.page.get_by_role("link", name="Sign in with your password").click()
    expect(late.page.get_by_role("heading", name="Sign in")).to_be_visible()


def test_a_supervisors_first_steps_tick_themselves_off(seat, ring, newcomer):
    over = ring("two_turn", speed=20)
    line = ring("waiting")
    over.settle()
    me = seat("")
    me.sign_in(newcomer("supervisor"))
    expect(me.live().get_by_role("heading", name="First steps 0 of 4")).to_be_visible()
    expect(_step(me.page, "opened_live")).to_have_attribute("aria-current", "step")

    page = me.call(line)
    expect(_step(page, "opened_live")).to_have_attribute("data-done", "")
    page.get_by_label("Inform", exact=True).or_(page.locator("textarea").first).first.fill("offer a callback")
    page.keyboard.press("Control+Enter")
    expect(_step(page, "helped")).to_have_attribute("data-done", "")
    expect(_step(page, "stopped")).to_have_attribute("aria-current", "step")

    me.open(over.path)
    expect(_step(me.page, "opened_past")).to_have_attribute("data-done", "")
    expect(lines(me.page).first).to_be_visible()
    page = me.call(line)
    page.get_by_role("button", name="Hang up").first.click()
    page.locator("dialog[open]").get_by_role("button", name="Hang up").click()
    expect(page.get_by_text("That was the tour")).to_be_visible()
    expect(me.live().get_by_role("heading", name="First steps")).to_have_count(0)


def test_the_steps_are_closed_for_good(seat, newcomer):
    me = seat("")
    me.sign_in(newcomer("analyst"))
    page = me.live()
    page.get_by_role("button", name="Close the first steps for good").click()
    expect(page).to_have_url(f"{me.origin}/t/acme/live/")
    expect(page.locator("[data-deed]")).to_have_count(0)


@pytest.fixture
def own_account(rig: Rig):
    """An account at a real provider, of which nothing has come yet."""
    tenant = {
        key: value for key, value in demo.document(rig.provider.port)["tenants"][1].items() if key in {"slug", "name"}
    }
    document = {"tenants": [tenant | {"accounts": [OWN | {"webhook_secrets": [SECRET]}]}]}
    return json.loads(rig.manage("provision", "-", stdin=json.dumps(document)))["tenants"][0]["accounts"][0]


def test_the_sign_turns_green_by_itself(seat, rig, own_account):
    me = seat("admin", "globex")
    page = me.open("/t/globex/connect/")
    expect(page.get_by_text("Waiting for the first event of Our own")).to_be_visible()
    expect(page.locator(".copy").filter(has_text=own_account["webhook_url"])).to_be_visible()
    page.get_by_label("Your project id").fill("proj_Abc123")
    page.get_by_role("button", name="Fill in").click()
    expect(page.get_by_text("sip:proj_Abc123@sip.api.openai.com;transport=tls")).to_be_visible()

    body = json.dumps(
        {"id": "evt_1", "type": "response.completed", "created_at": int(time.time()), "data": {}}
    ).encode()
    address = f"{me.origin}/webhooks/" + own_account["webhook_url"].split("/webhooks/")[1]
    assert page.request.post(address, data=body, headers=signed(SECRET, "wh_first", int(time.time()), body)).ok
    expect(page.get_by_text("Connected: the first event has arrived.")).to_be_visible()
    expect(page.locator("[data-module=awaiting]")).to_have_attribute("data-tone", "good")


def test_platform_staff_limit_a_tenant(seat, rig, ring):
    rig.manage(
        "shell",
        "-c",
        f"from calls.models import User; User.objects.create_user('{STAFF}', '{demo.PASSWORD}', is_staff=True)",
    )
    me = seat("")
    page = me.page
    page.goto("/admin/")
    page.get_by_label("E-mail address").fill(STAFF)
    page.get_by_label("Password").fill(demo.PASSWORD)
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_role("heading", name="Platform")).to_be_visible()
    page.get_by_role("link", name="Tenants", exact=True).click()
    page.get_by_role("link", name="Globex Travel").click()
    page.get_by_label("Calls at once").fill("0")
    page.get_by_role("button", name="Save", exact=True).click()
    expect(page.get_by_text("changed successfully")).to_be_visible()
    line = ring("waiting", tenant="globex", wait=False)
    assert rig.wait_for_state(line.call_id, "refused") == "refused"
    expect(seat("supervisor", "globex").open(line.path).get_by_text("Too many calls at once").first).to_be_visible()
    page.locator("#result_list").get_by_role("link", name="Globex Travel").click()
    page.get_by_label("Calls at once").fill("")
    page.get_by_role("button", name="Save", exact=True).click()
    expect(page.get_by_text("changed successfully")).to_be_visible()
    page.get_by_role("button", name="Sign out").click()
    expect(page.get_by_role("heading", name="Sign in")).to_be_visible()
