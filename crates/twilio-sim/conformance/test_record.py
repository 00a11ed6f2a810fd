"""What the proxy noted of all that went before: every answer was as Twilio documents it. This comes last."""

import os
from collections import Counter

import pytest

from conftest import get

OPERATIONS = [
    "CreateAccount",
    "DeleteIncomingPhoneNumber",
    "FetchAccount",
    "FetchCall",
    "FetchIncomingPhoneNumber",
    "ListAccount",
    "ListAddress",
    "ListCall",
    "ListIncomingPhoneNumber",
    "UpdateAccount",
    "UpdateCall",
    "UpdateIncomingPhoneNumber",
]


@pytest.fixture(scope="module")
def record() -> dict:
    return get(f"{os.environ['API_URL']}/_record")


def test_nothing_was_answered_or_asked_against_the_documentation(record, capsys):
    counts = record["clients"]
    total = sum((Counter(count) for count in counts.values()), Counter())
    with capsys.disabled():
        print()
        for client, count in (counts | {"together": total}).items():
            print(f"{client}: " + ", ".join(f"{number} {what}" for what, number in sorted(count.items())))
    assert record["faultCount"] == 0, "\n".join(record["faults"])
    assert set(counts) == {"python", "node", "daemon"}
    assert all(count["answers"] > 0 for count in counts.values())
    assert counts["python"]["refusals checked"] > 0


def test_successes_of_every_operation_were_checked_against_the_specification(record):
    if not record["specification"]:
        pytest.skip("there is no OpenAPI file")
    assert sorted(record["operations"]) == OPERATIONS
    for client, count in record["clients"].items():
        assert count["answers"] == count["successes checked"] + count.get("refusals checked", 0), client
        assert count["successes checked"] > 0, client
    daemon = record["clients"]["daemon"]
    assert daemon["requests checked"] == daemon["answers"]
