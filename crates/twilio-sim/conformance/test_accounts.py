"""Accounts: listed over many pages, filtered, fetched, suspended, reactivated, closed, created, renamed."""

import datetime
import json

import pytest

from conftest import ACME, FRAUD, GLOBEX, INITECH, MAIN, STARK, TOKEN, account, client_as

CROWD = 137


@pytest.fixture
def crowd(steering) -> set[str]:
    """A world of so many subaccounts that they fill pages; the SIDs of all accounts."""
    accounts = [{"sid": account(n), "friendlyName": f"customer {n:03}"} for n in range(1, CROWD + 1)]
    main = {"sid": MAIN, "authToken": TOKEN, "friendlyName": "main"}
    steering.load(json.dumps({"main": main, "accounts": accounts}))
    return {MAIN} | {row["sid"] for row in accounts}


@pytest.mark.parametrize("page_size", [1, 7, 46, 50, 138, 139, 1000])
def test_a_list_over_pages_shows_every_account_once(twilio, crowd, page_size):
    seen = [row.sid for row in twilio.api.accounts.list(page_size=page_size)]
    assert len(seen) == CROWD + 1
    assert set(seen) == crowd


def test_a_list_without_a_page_size_shows_every_account_once(twilio, crowd):
    assert sorted(row.sid for row in twilio.api.accounts.list()) == sorted(crowd)


def test_a_limit_ends_a_list(twilio, crowd):
    assert len(twilio.api.accounts.list(limit=23, page_size=10)) == 23


def test_pages_lead_forth_and_back(twilio, crowd):
    first = twilio.api.accounts.page(page_size=50)
    rows = [row.sid for row in first]
    second = first.next_page()
    third = second.next_page()
    assert third.next_page() is None
    assert [len(rows), len(list(second)), len(list(third))] == [50, 50, CROWD + 1 - 100]
    assert [row.sid for row in third.previous_page().previous_page()] == rows


def test_a_filter_holds_on_every_page(twilio, crowd, steering):
    suspended = {account(n) for n in range(1, CROWD + 1, 5)}
    for sid in suspended:
        steering.edit_account(sid, status="suspended")
    listed = [row.sid for row in twilio.api.accounts.list(status="suspended", page_size=10)]
    assert len(listed) == len(suspended)
    assert set(listed) == suspended


def test_accounts_are_filtered_by_name_and_status(twilio, sim):
    def listed(**filters: str) -> list[str]:
        return [row.sid for row in twilio.api.accounts.list(**filters)]

    assert listed(friendly_name="acme") == [ACME]
    assert listed(friendly_name="acm") == []
    assert listed(status="closed") == [INITECH]
    assert listed(status="suspended") == [GLOBEX, FRAUD]
    assert listed(friendly_name="globex", status="suspended") == [GLOBEX]
    assert listed(friendly_name="globex", status="active") == []
    assert MAIN in listed(status="active")


def test_an_account_is_read_field_by_field(twilio, sim):
    row = twilio.api.accounts(ACME).fetch()
    assert (row.sid, row.friendly_name, row.status, row.type) == (ACME, "acme", "active", "Full")
    assert (row.owner_account_sid, row.auth_token) == (MAIN, "acme-token")
    assert row.date_created == datetime.datetime(2024, 1, 1, tzinfo=datetime.timezone.utc)
    assert row.subresource_uris["incoming_phone_numbers"] == f"/2010-04-01/Accounts/{ACME}/IncomingPhoneNumbers.json"
    assert twilio.api.accounts(MAIN).fetch().owner_account_sid == MAIN


def test_an_account_is_suspended_and_reactivated_and_keeps_its_numbers(twilio, sim):
    before = sim.owners()
    suspended = twilio.api.accounts(ACME).update(status="suspended")
    assert suspended.status == "suspended"
    assert datetime.datetime.now(datetime.timezone.utc) - suspended.date_updated < datetime.timedelta(minutes=1)
    assert twilio.api.accounts(ACME).fetch().status == "suspended"
    assert twilio.api.accounts(ACME).update(status="suspended").status == "suspended"
    assert twilio.api.accounts(ACME).update(status="active").status == "active"
    assert sim.owners() == before


def test_a_closed_account_loses_its_numbers_and_stays_listed(twilio, sim):
    assert twilio.api.accounts(STARK).update(status="closed").status == "closed"
    assert twilio.api.accounts(STARK).incoming_phone_numbers.list() == []
    assert "+15105550111" not in sim.owners()
    assert STARK in [row.sid for row in twilio.api.accounts.list(status="closed")]


def test_an_account_is_created_and_renamed(twilio, sim):
    created = twilio.api.accounts.create(friendly_name="vandelay")
    assert (created.status, created.owner_account_sid) == ("active", MAIN)
    renamed = twilio.api.accounts(created.sid).update(friendly_name="vandelay industries")
    assert renamed.friendly_name == "vandelay industries"
    assert [row.sid for row in twilio.api.accounts.list(friendly_name="vandelay industries")] == [created.sid]


@pytest.mark.parametrize("form", [{"status": "closed"}, {"STATUS": "closed"}, {"Statuss": "closed"}, {}])
def test_a_parameter_that_twilio_does_not_know_is_ignored(twilio, sim, form):
    before = sim.world()
    answer = twilio.request("POST", f"{twilio.api.base_url}/2010-04-01/Accounts/{STARK}.json", data=form)
    assert (answer.status_code, json.loads(answer.text)["status"]) == (200, "active")
    assert sim.world() == before


def test_a_subaccount_sees_itself_alone(sim):
    acme = client_as(ACME, "acme-token")
    assert [row.sid for row in acme.api.accounts.list()] == [ACME]
    assert len(acme.incoming_phone_numbers.list()) == 4
