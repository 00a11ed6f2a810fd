"""Calls: listed newest first, filtered, fetched, ended; they outlive the suspension of their account."""

import datetime

import pytest

from conftest import ACME, GLOBEX, MAIN, call

MAY_1, MAY_2 = datetime.date(2026, 5, 1), datetime.date(2026, 5, 2)
NOON = datetime.datetime(2026, 5, 1, 10, 30, tzinfo=datetime.timezone.utc)


def listed(twilio, owner: str, **filters: object) -> list[str]:
    return [row.sid for row in twilio.api.accounts(owner).calls.list(**filters)]


@pytest.mark.parametrize("page_size", [1, 2, 50])
def test_calls_are_listed_newest_first(twilio, sim, page_size):
    assert listed(twilio, ACME, page_size=page_size) == [call(3), call(2), call(1)]
    assert listed(twilio, MAIN) == []


def test_calls_are_filtered(twilio, sim):
    assert listed(twilio, ACME, status="in-progress") == [call(1)]
    assert listed(twilio, ACME, status="queued") == []
    assert listed(twilio, GLOBEX, to="911") == [call(4)]
    assert listed(twilio, ACME, start_time=MAY_1) == [call(2), call(1)]
    assert listed(twilio, ACME, start_time_after=MAY_2) == [call(3)]
    assert listed(twilio, ACME, start_time_after=NOON) == [call(3), call(2)]
    assert listed(twilio, ACME, start_time_before=NOON) == [call(1)]


def test_a_call_is_read_field_by_field(twilio, sim):
    row = twilio.api.accounts(ACME).calls(call(3)).fetch()
    assert (row.sid, row.account_sid, row.status, row.direction) == (call(3), ACME, "completed", "outbound-api")
    assert (row.duration, row.to_formatted) == ("60", "(510) 555-0191")
    assert row.start_time == datetime.datetime(2026, 5, 2, 10, tzinfo=datetime.timezone.utc)


def test_a_call_ends_as_its_status_asks(twilio, sim, refused):
    calls = twilio.api.accounts(ACME).calls
    with refused(21220):
        calls(call(1)).update(status="canceled")
    assert calls(call(1)).update(status="completed").status == "completed"
    assert calls(call(2)).update(status="canceled").status == "canceled"
    for n in (1, 2, 3):
        with refused(21220):
            calls(call(n)).update(status="completed")
    assert listed(twilio, ACME, status="in-progress") == []


def test_a_call_goes_on_when_its_account_is_suspended_until_it_is_ended(twilio, sim):
    twilio.api.accounts(ACME).update(status="suspended")
    assert listed(twilio, ACME, status="in-progress") == [call(1)]
    assert twilio.api.accounts(ACME).calls(call(1)).update(status="completed").status == "completed"


def test_a_call_of_another_account_is_not_found(twilio, sim, refused):
    with refused(20404, 404):
        twilio.api.accounts(GLOBEX).calls(call(1)).update(status="completed")
