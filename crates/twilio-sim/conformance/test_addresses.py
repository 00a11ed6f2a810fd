"""Addresses: listed, filtered, and needed for a transfer into their account."""

from conftest import ACME, GLOBEX, HOOLI, address, number


def test_addresses_are_listed_and_filtered(twilio, sim):
    def listed(owner: str, **filters: object) -> list[str]:
        return [row.sid for row in twilio.api.accounts(owner).addresses.list(**filters)]

    assert listed(ACME) == listed(ACME, page_size=1) == [address(1), address(2)]
    assert listed(ACME, iso_country="DE") == [address(1)]
    assert listed(ACME, customer_name="Acme GmbH") == [address(1)]
    assert listed(GLOBEX) == []
    row = twilio.api.accounts(ACME).addresses.list(iso_country="DE")[0]
    assert (row.city, row.account_sid, row.validated) == ("Berlin", ACME, True)


def test_an_address_of_another_account_does_not_serve_a_transfer(twilio, sim, refused):
    moved = twilio.api.accounts(HOOLI).incoming_phone_numbers(number(4))
    with refused(21631):
        moved.update(account_sid=ACME, address_sid=address(9))
    assert moved.update(account_sid=ACME, address_sid=address(2)).address_sid == address(2)
