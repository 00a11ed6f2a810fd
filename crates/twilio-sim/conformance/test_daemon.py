"""The daemon beside an independent client: what the SDK sees is what `/status` says and what the file wants.

The tests follow each other: the daemon finds a world that is not as desired, settles it, and is then disturbed.
"""

import os
import time
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml

from conftest import ACME, GLOBEX, HERE, HOOLI, INITECH, MAIN, NOBODYS, STARK, UMBRELLA, get, number

PATIENCE_SECONDS = 40
DESIRED = Path(os.environ["DESIRED"])


def status() -> dict:
    return get(f"{os.environ['DAEMON_URL']}/status")


def wait_until(right: Callable[[dict], bool], what: str) -> dict:
    """The first status that is right."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while True:
        now = status()
        if right(now):
            return now
        assert time.monotonic() < deadline, f"not within {PATIENCE_SECONDS} s: {what}; {unsettled(now)}"
        time.sleep(0.1)


def settled(now: dict) -> bool:
    synced = all(condition["status"] == "True" for row in now["accounts"] for condition in row["conditions"])
    passed = now["lastPass"]["result"] == "success"
    return passed and synced and not now["plan"]["actions"] and not now["plan"]["held"]


def unsettled(now: dict) -> dict:
    """What of a status says why it is not settled."""
    conditions = {row["sid"]: row["conditions"] for row in now["accounts"]}
    return {"lastPass": now["lastPass"], "plan": now["plan"], "conditions": conditions}


def after_another_pass() -> dict:
    """The status after a pass that began later than this call."""

    def later_than(seen: dict) -> dict:
        return wait_until(lambda now: now["lastPass"]["startedAt"] != seen["lastPass"]["startedAt"], "another pass")

    # The pass that is shown first may have begun before.
    return later_than(later_than(status()))


def write(state: dict) -> None:
    """Replaces the file in one step, as an editor does."""
    new = DESIRED.with_name("desired.new")
    new.write_text(yaml.safe_dump(state), encoding="utf-8")
    new.replace(DESIRED)


def wanted_numbers(entry: dict) -> set[str]:
    return {claim["number"] if isinstance(claim, dict) else claim for claim in entry.get("numbers", [])}


def numbers_of(twilio, sid: str) -> set[str]:
    rows = twilio.api.accounts(sid).incoming_phone_numbers.list(page_size=2)
    assert {row.account_sid for row in rows} <= {sid}
    return {row.phone_number for row in rows}


@pytest.fixture(scope="module")
def world(steering) -> dict:
    """The world that the daemon finds."""
    steering.load((HERE / "world.yaml").read_text(encoding="utf-8"))
    return steering.world()


@pytest.fixture(scope="module")
def desired(world) -> dict:
    """The desired state, which the daemon made true."""
    state = yaml.safe_load((HERE / "desired.yaml").read_text(encoding="utf-8"))
    write(state)
    wait_until(lambda now: now["accounts"] and settled(now), "the desired state is true")
    return state


def test_a_paused_daemon_looks_and_writes_nothing(steering, world):
    before = steering.writes()
    now = after_another_pass()
    assert (now["lastPass"]["result"], now["accounts"], now["plan"]["actions"]) == ("success", [], [])
    assert (steering.writes(), steering.world()) == (before, world)


def test_the_sdk_sees_the_accounts_as_the_status_says_and_the_file_wants(twilio, desired):
    said = {row["sid"]: row for row in status()["accounts"]}
    seen = {row.sid: row for row in twilio.api.accounts.list(page_size=3)}
    wanted = {entry["sid"]: entry for entry in desired["subaccounts"]}
    assert list(said) == sorted(wanted)
    for sid, entry in wanted.items():
        account = seen[sid]
        assert said[sid]["friendlyName"] == account.friendly_name
        assert said[sid]["observed"] == said[sid]["desired"] == account.status == entry["status"]
        assert account.friendly_name == entry.get("friendlyName", entry.get("close", {}).get("confirm"))


def test_the_sdk_sees_every_number_where_the_file_wants_it(twilio, desired):
    for entry in desired["subaccounts"]:
        assert numbers_of(twilio, entry["sid"]) == wanted_numbers(entry), entry["sid"]
    emptied = {"+15105550111"}
    assert numbers_of(twilio, MAIN) == wanted_numbers(desired["mainAccount"]) | emptied
    moved = twilio.api.accounts(UMBRELLA).incoming_phone_numbers(number(4)).fetch()
    assert moved.address_sid == "AD00000000000000000000000000000001"
    moved = twilio.api.accounts(GLOBEX).incoming_phone_numbers(number(6)).fetch()
    assert moved.bundle_sid == "BU00000000000000000000000000000002"


def test_no_number_is_lost_and_what_is_not_listed_stays(twilio, steering, world, desired):
    owners = steering.owners()
    assert set(owners) == {row["phoneNumber"] for row in world["numbers"]}
    assert steering.world().get("released", []) == []
    # The main account claimed one number of the unlisted account; the other one stayed.
    assert numbers_of(twilio, NOBODYS) == {"+15105550113"}
    assert [twilio.api.accounts(sid).fetch().status for sid in (INITECH, STARK)] == ["closed", "closed"]


def test_a_settled_world_is_left_alone(steering, desired):
    before = steering.writes()
    assert settled(after_another_pass())
    assert steering.writes() == before


def test_a_number_that_another_client_takes_away_comes_back(twilio, desired):
    twilio.api.accounts(ACME).incoming_phone_numbers(number(1)).update(account_sid=NOBODYS)
    after_another_pass()
    wait_until(settled, "the number is back")
    assert "+15105550101" in numbers_of(twilio, ACME)


def test_a_suspension_by_another_client_is_reported_and_not_fought(twilio, steering, desired):
    twilio.api.accounts(UMBRELLA).update(status="suspended")
    before = steering.writes()
    after_another_pass()
    now = wait_until(lambda now: now["plan"]["held"], "the suspension is reported")
    held = [(item["reason"], item["kind"], item["account"]) for item in now["plan"]["held"]]
    assert held == [("SuspendedElsewhere", "reactivate", UMBRELLA)]
    observed = {row["sid"]: row["observed"] for row in now["accounts"]}
    assert observed[UMBRELLA] == twilio.api.accounts(UMBRELLA).fetch().status == "suspended"
    assert steering.writes() == before
    twilio.api.accounts(UMBRELLA).update(status="active")
    wait_until(settled, "the account is active again")


def test_what_twilio_would_refuse_the_daemon_holds(twilio, refused, desired):
    entries = {entry["sid"]: entry for entry in desired["subaccounts"]}
    entries[HOOLI]["numbers"].remove("+4989123456")
    entries[ACME]["numbers"].append("+4989123456")
    write(desired)
    now = wait_until(lambda now: now["plan"]["held"], "the number is held")
    held = [(item["reason"], item["kind"], item["account"], item["number"]) for item in now["plan"]["held"]]
    assert held == [("NeedsAddress", "transfer", ACME, "+4989123456")]
    with refused(21615):
        twilio.api.accounts(HOOLI).incoming_phone_numbers(number(5)).update(account_sid=ACME)
    assert "+4989123456" in numbers_of(twilio, HOOLI)
