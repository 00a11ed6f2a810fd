"""Numbers: listed, filtered, fetched, edited, transferred, released."""

import json

import pytest

from conftest import ACME, GLOBEX, HOOLI, MAIN, TOKEN, UMBRELLA, number

CROWD = 61
PHONE, SID = "+15105550101", number(1)


def test_a_list_over_pages_shows_every_number_once(twilio, steering):
    rows = [{"sid": number(n), "phoneNumber": f"+1510555{n:04}", "owner": ACME} for n in range(1, CROWD + 1)]
    main = {"sid": MAIN, "authToken": TOKEN, "friendlyName": "main"}
    steering.load(json.dumps({"main": main, "accounts": [{"sid": ACME, "friendlyName": "acme"}], "numbers": rows}))
    seen = [row.phone_number for row in twilio.api.accounts(ACME).incoming_phone_numbers.list(page_size=9)]
    assert len(seen) == CROWD
    assert set(seen) == {row["phoneNumber"] for row in rows}


def test_numbers_are_filtered(twilio, sim):
    def listed(owner: str, **filters: object) -> list[str]:
        return [row.phone_number for row in twilio.api.accounts(owner).incoming_phone_numbers.list(**filters)]

    assert listed(ACME, phone_number=PHONE) == [PHONE]
    assert listed(ACME, phone_number="+1510555010") == [PHONE, "+15105550102", "+15105550108", "+15105550109"]
    assert listed(ACME, phone_number="+15105550111") == []
    assert listed(HOOLI, phone_number="+49") == ["+493012345678", "+4989123456"]
    assert listed(ACME, friendly_name="hotline") == ["+15105550102"]
    assert listed(ACME, beta=True) == ["+15105550102"]
    assert listed(ACME, origin="hosted") == ["+15105550108"]


def test_a_number_is_read_field_by_field(twilio, sim):
    row = twilio.api.accounts(ACME).incoming_phone_numbers(SID).fetch()
    assert (row.sid, row.account_sid, row.phone_number, row.origin) == (SID, ACME, PHONE, "twilio")
    assert (row.friendly_name, row.address_requirements, row.beta) == ("(510) 555-0101", "none", False)
    assert (row.voice_url, row.address_sid, row.bundle_sid) == ("https://example.org/voice", None, None)
    assert row.capabilities["voice"] is True


def test_the_settings_of_a_number_are_edited(twilio, sim):
    edited = (
        twilio.api.accounts(ACME)
        .incoming_phone_numbers(SID)
        .update(
            friendly_name="reception", sms_url="https://example.org/sms", sms_method="GET", voice_caller_id_lookup=True
        )
    )
    assert (edited.friendly_name, edited.sms_url, edited.sms_method) == ("reception", "https://example.org/sms", "GET")
    assert (edited.voice_caller_id_lookup, edited.account_sid) == (True, ACME)


@pytest.mark.parametrize("receiver", [MAIN, UMBRELLA])
def test_a_transferred_number_keeps_its_sid_and_settings(twilio, sim, receiver):
    moved = twilio.api.accounts(ACME).incoming_phone_numbers(SID).update(account_sid=receiver)
    assert (moved.sid, moved.account_sid, moved.phone_number) == (SID, receiver, PHONE)
    assert moved.voice_url == "https://example.org/voice"
    assert twilio.api.accounts(receiver).incoming_phone_numbers(SID).fetch().account_sid == receiver
    assert SID not in [row.sid for row in twilio.api.accounts(ACME).incoming_phone_numbers.list()]
    back = twilio.api.accounts(receiver).incoming_phone_numbers(SID).update(account_sid=ACME)
    assert back.account_sid == ACME


def test_a_suspended_account_shows_its_numbers_and_gives_them_away(twilio, sim):
    numbers = twilio.api.accounts(GLOBEX).incoming_phone_numbers
    assert [row.sid for row in numbers.list()] == [number(3)]
    assert numbers(number(3)).update(account_sid=ACME).account_sid == ACME


@pytest.mark.parametrize(
    ("sid", "papers"),
    [
        (number(4), {"address_sid": f"AD{1:032x}"}),
        (number(5), {"address_sid": f"AD{1:032x}", "emergency_address_sid": f"AD{2:032x}"}),
        (number(6), {"bundle_sid": f"BU{2:032x}"}),
        (number(7), {"identity_sid": f"RI{2:032x}"}),
    ],
)
def test_a_number_is_transferred_with_what_it_needs(twilio, sim, sid, papers):
    moved = twilio.api.accounts(HOOLI).incoming_phone_numbers(sid).update(account_sid=ACME, **papers)
    assert moved.account_sid == ACME
    assert {name: getattr(moved, name) for name in papers} == papers


@pytest.mark.parametrize("form", [{"accountSid": UMBRELLA}, {"account_sid": UMBRELLA}, {"AccountSID": UMBRELLA}])
def test_a_misspelt_transfer_moves_nothing(twilio, sim, form):
    before = sim.world()
    path = f"/2010-04-01/Accounts/{ACME}/IncomingPhoneNumbers/{SID}.json"
    answer = twilio.request("POST", twilio.api.base_url + path, data=form)
    assert (answer.status_code, json.loads(answer.text)["account_sid"]) == (200, ACME)
    assert sim.world() == before


def test_a_released_number_is_gone(twilio, sim):
    assert twilio.api.accounts(ACME).incoming_phone_numbers(SID).delete() is True
    assert PHONE not in sim.owners()
