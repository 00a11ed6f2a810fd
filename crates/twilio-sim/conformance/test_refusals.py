"""Refusals: Twilio's code for each, and nothing changed."""

import pytest

from conftest import ACME, FRAUD, GLOBEX, HOOLI, INITECH, MAIN, TOKEN, UMBRELLA, account, client_as, number


@pytest.mark.parametrize(
    ("sid", "receiver", "code"),
    [
        pytest.param(number(1), GLOBEX, 21472, id="a suspended receiver"),
        pytest.param(number(1), INITECH, 21472, id="a closed receiver"),
        pytest.param(number(1), "nobody", 21470, id="a receiver that is no SID"),
        pytest.param(number(1), account(77), 21471, id="a receiver that does not exist"),
        pytest.param(number(1), account(0x99), 21473, id="a receiver of another family"),
        pytest.param(number(8), UMBRELLA, 22121, id="a hosted number"),
        pytest.param(number(9), UMBRELLA, 21634, id="a trunk in emergency use"),
    ],
)
def test_a_transfer_is_refused(twilio, sim, refused, sid, receiver, code):
    with refused(code):
        twilio.api.accounts(ACME).incoming_phone_numbers(sid).update(account_sid=receiver)


@pytest.mark.parametrize(
    ("sid", "papers", "code"),
    [
        pytest.param(number(4), {}, 21631, id="an address"),
        pytest.param(number(5), {}, 21615, id="a local address"),
        pytest.param(number(6), {}, 21649, id="a bundle"),
        pytest.param(number(6), {"address_sid": f"AD{1:032x}"}, 21649, id="a bundle, not an address"),
        pytest.param(number(7), {}, 21650, id="an identity"),
    ],
)
def test_a_number_stays_without_what_it_needs(twilio, sim, refused, sid, papers, code):
    with refused(code):
        twilio.api.accounts(HOOLI).incoming_phone_numbers(sid).update(account_sid=ACME, **papers)


@pytest.mark.parametrize(
    ("sid", "status", "code"),
    [
        pytest.param(ACME, "sleeping", 21475, id="no status"),
        pytest.param(ACME, "Closed", 21475, id="a status in another case"),
        pytest.param(MAIN, "suspended", 21477, id="the main account"),
        pytest.param(MAIN, "closed", 21477, id="the main account for good"),
        pytest.param(FRAUD, "active", 21478, id="suspended by Twilio"),
        pytest.param(INITECH, "active", 21479, id="closed, to be active"),
        pytest.param(INITECH, "suspended", 21479, id="closed, to be suspended"),
        pytest.param(INITECH, "closed", 21479, id="closed already"),
    ],
)
def test_a_status_is_refused(twilio, sim, refused, sid, status, code):
    with refused(code):
        twilio.api.accounts(sid).update(status=status)


def test_a_suspended_account_keeps_its_numbers_when_twilio_says_so(twilio, sim, refused):
    sim.switch(transferFromSuspended="refused")
    with refused(20005, 403):
        twilio.api.accounts(GLOBEX).incoming_phone_numbers(number(3)).update(account_sid=ACME)


def test_nothing_is_changed_below_a_suspended_main_account(twilio, sim, refused):
    sim.edit_account(MAIN, status="suspended")
    with refused(21476):
        twilio.api.accounts(ACME).update(status="suspended")


def test_a_number_is_reached_at_the_path_of_its_owner_alone(twilio, sim, refused):
    numbers = twilio.api.accounts(UMBRELLA).incoming_phone_numbers
    with refused(20404, 404):
        numbers(number(1)).fetch()
    with refused(20404, 404):
        numbers(number(1)).update(account_sid=HOOLI)
    with refused(20404, 404):
        numbers(number(1)).delete()
    with refused(20404, 404):
        twilio.api.accounts(account(77)).fetch()


def test_wrong_credentials_are_refused(sim, refused):
    with refused(20003, 401):
        client_as(MAIN, "wrong").api.accounts.list()
    with refused(20003, 401):
        client_as(account(77), TOKEN).api.accounts.list()
    with refused(20003, 401):
        client_as(GLOBEX, "globex-token").api.accounts(GLOBEX).fetch()


def test_a_subaccount_reaches_nobody_else_and_moves_nothing(sim, refused):
    acme = client_as(ACME, "acme-token")
    with refused(20404, 404):
        acme.api.accounts(UMBRELLA).fetch()
    with refused(20404, 404):
        acme.api.accounts(UMBRELLA).incoming_phone_numbers.list()
    with refused(21474):
        acme.incoming_phone_numbers(number(1)).update(account_sid=UMBRELLA)


def test_a_page_is_refused_that_is_too_large_or_was_never_given_out(twilio, sim, refused):
    with refused(20007):
        twilio.api.accounts.page(page_size=1001)
    with refused(20007):
        twilio.api.accounts(ACME).incoming_phone_numbers.list(page_size=1001)
    with refused(21481):
        twilio.api.accounts.page(page_token="PT0", page_number=1)


def test_a_number_that_is_ported_out_is_not_released(twilio, sim, refused):
    with refused(22350):
        twilio.api.accounts(UMBRELLA).incoming_phone_numbers(number(10)).delete()
    with refused(22350):
        twilio.api.accounts(UMBRELLA).update(status="closed")


def test_too_many_requests_are_refused_with_a_code_of_their_own(twilio, sim, refused):
    sim.add_fault(operation="update_account", times=1, fault={"kind": "status", "http": 429, "code": 20429})
    with refused(20429, 429):
        twilio.api.accounts(ACME).update(status="suspended")
    assert twilio.api.accounts(ACME).update(status="suspended").status == "suspended"
