"""The checker itself: it takes Twilio's own examples and notices what is spoiled."""

import json
import os
from pathlib import Path

import pytest

from openapi import FORM, OpenApi

ACCOUNTS = "/2010-04-01/Accounts.json"
SID = f"AC{1:032x}"
NUMBER = f"/2010-04-01/Accounts/{SID}/IncomingPhoneNumbers/PN{1:032x}.json"


if "OPENAPI" not in os.environ:
    pytest.skip("there is no OpenAPI file", allow_module_level=True)


@pytest.fixture(scope="module")
def spec() -> OpenApi:
    return OpenApi.read(Path(os.environ["OPENAPI"]))


@pytest.fixture(scope="module")
def account(spec: OpenApi) -> dict:
    return next(value for operation, _, value in spec.examples() if operation.id == "FetchAccount")


def test_twilios_examples_of_accounts_and_numbers_pass(spec):
    examples = [e for e in spec.examples() if e[0].id.endswith(("Account", "IncomingPhoneNumber"))]
    assert len(examples) > 10
    for operation, schema, value in examples:
        assert spec.faults_of_value(schema, _without_blank_sids(value)) == [], operation.id


def _without_blank_sids(value):
    # In Twilio's examples "" stands for null in such fields, against Twilio's schema.
    if isinstance(value, list):
        return [_without_blank_sids(part) for part in value]
    if isinstance(value, dict):
        return {k: None if k.endswith("_sid") and v == "" else _without_blank_sids(v) for k, v in value.items()}
    return value


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("sid", "AC1"),
        ("status", "gone"),
        ("status", None),
        ("friendly_name", 1),
        ("date_created", "2015-07-30T20:00:00Z"),
        ("date_created", "Mon, 30 Jul 2015 20:00:00 +0000"),
        ("surprise", True),
    ],
)
def test_a_spoiled_answer_is_noticed(spec, account, key, value):
    fetch = spec.operation("GET", f"/2010-04-01/Accounts/{SID}.json")

    def faults(body: dict) -> list[str]:
        return spec.faults_of_answer(fetch, 200, "application/json", json.dumps(body).encode())

    assert faults(account) == []
    assert faults(account | {"friendly_name": None}) == []
    assert faults(account | {key: value}) != []
    assert faults({name: part for name, part in account.items() if name != "uri"}) != []


def test_another_status_type_or_body_is_noticed(spec):
    fetch, release = spec.operation("GET", f"/2010-04-01/Accounts/{SID}.json"), spec.operation("DELETE", NUMBER)
    assert spec.faults_of_answer(fetch, 202, "application/json", b"{}") != []
    assert spec.faults_of_answer(fetch, 200, "text/html", b"{}") == ["content type text/html"]
    assert spec.faults_of_answer(fetch, 200, "application/json", b"{") != []
    assert spec.faults_of_answer(release, 204, None, b"") == []
    assert spec.faults_of_answer(release, 204, None, b"{}") != []


@pytest.mark.parametrize(
    ("method", "target", "body", "right"),
    [
        ("GET", f"{ACCOUNTS}?PageSize=50&Page=1&PageToken=PT1&Status=active", b"", True),
        ("GET", f"{ACCOUNTS}?pagesize=50", b"", False),
        ("GET", f"{ACCOUNTS}?PageSize=1001", b"", False),
        ("GET", f"{ACCOUNTS}?PageSize=many", b"", False),
        ("GET", f"{ACCOUNTS}?Status=active&Status=closed", b"", False),
        ("GET", ACCOUNTS, b"Status=active", False),
        ("GET", "/2010-04-01/Accounts", b"", False),
        ("DELETE", f"/2010-04-01/Accounts/{SID}.json", b"", False),
        ("POST", NUMBER, f"AccountSid={SID}&VoiceCallerIdLookup=true".encode(), True),
        ("POST", NUMBER, b"AccountSid=AC1", False),
        ("POST", NUMBER, f"accountSid={SID}".encode(), False),
    ],
)
def test_an_unknown_or_malformed_request_is_noticed(spec, method, target, body, right):
    assert (spec.faults_of_request(method, target, FORM if body else None, body) == []) == right
