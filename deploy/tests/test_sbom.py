"""The bill of materials: valid, repeatable, and complete."""

import json
import subprocess
import sys

import pytest
from conftest import DEPLOY
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator

TARGET = "x86_64-unknown-linux-gnu"


@pytest.fixture(scope="module")
def bill(tmp_path_factory):
    path = tmp_path_factory.mktemp("sbom") / "bill.json"
    subprocess.run([sys.executable, DEPLOY / "sbom.py", TARGET, path], check=True)
    return path.read_text()


def test_the_bill_of_materials_is_valid(bill):
    fault = JsonStrictValidator(SchemaVersion.V1_5).validate_str(bill)
    assert fault is None, fault
    described = json.loads(bill)
    assert {"name": "cdx:rustc:sbom:target:triple", "value": TARGET} in described["metadata"]["properties"]
    assert described["metadata"]["component"]["name"] == "subaccountd"
    assert all(component["licenses"] and component["version"] for component in described["components"])


def test_the_bill_of_materials_names_what_is_linked_and_nothing_of_the_tests(bill):
    names = {component["name"] for component in json.loads(bill)["components"]}
    assert {"subaccountd-core", "tokio", "rustls", "ring", "rust-std", "glibc"} <= names
    assert not names & {"insta", "proptest", "twilio-sim", "cc", "xtask"}


def test_the_same_commit_gives_the_same_bill_of_materials(bill, tmp_path):
    again = tmp_path / "again.json"
    subprocess.run([sys.executable, DEPLOY / "sbom.py", TARGET, again], check=True)
    assert again.read_text() == bill


def test_a_crate_that_is_missing_is_noticed(monkeypatch):
    monkeypatch.syspath_prepend(DEPLOY)
    sbom = __import__("sbom")
    whole = sbom.described(TARGET)
    monkeypatch.setattr(sbom, "described", lambda target: {**whole, "components": whole["components"][:-1]})
    with pytest.raises(SystemExit, match=whole["components"][-1]["name"]):
        sbom.bill(TARGET)
