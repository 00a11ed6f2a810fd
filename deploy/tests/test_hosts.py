"""What runs the daemon without Kubernetes: the unit of systemd, and compose."""

import re
import subprocess

import yaml
from conftest import DEPLOY, SUBACCOUNTD

UNIT = DEPLOY / "systemd/subaccountd.service"
COMPOSE = DEPLOY / "compose/compose.yaml"
HELP = subprocess.run([SUBACCOUNTD, "run", "--help"], capture_output=True, text=True, check=True).stdout
VARIABLES = set(re.findall(r"\[env: ([A-Z_]+)", HELP)) | {"TWILIO_AUTH_TOKEN"}


def run(command):
    return subprocess.run(command, capture_output=True, text=True)


def test_the_unit_is_valid(tmp_path):
    unit = tmp_path / UNIT.name
    unit.write_text(UNIT.read_text().replace("/usr/local/bin/subaccountd", str(SUBACCOUNTD)))
    result = run(["systemd-analyze", "verify", unit])
    assert result.returncode == 0 and UNIT.name not in result.stderr, result.stderr


def test_the_unit_is_rated_as_its_readme_says():
    result = run(["systemd-analyze", "security", "--offline=true", "--no-pager", UNIT])
    rating = re.search(r"Overall exposure level for subaccountd.service: ([0-9.]+) OK", result.stdout)[1]
    assert f"rates the unit {rating} of 10" in (DEPLOY / "systemd/README.md").read_text()


def test_the_settings_are_known_to_the_program():
    environment = (DEPLOY / "systemd/environment").read_text() + UNIT.read_text().replace("Environment=", "\n")
    named = set(re.findall(r"(?m)^((?:SUBACCOUNTD|TWILIO)_[A-Z_]+)=", environment))
    assert {"TWILIO_ACCOUNT_SID", "TWILIO_AUTH_TOKEN_FILE", "SUBACCOUNTD_DESIRED"} <= named <= VARIABLES
    services = yaml.safe_load(COMPOSE.read_text())["services"]
    assert set(services["subaccountd"]["environment"]) <= VARIABLES


def test_compose_mounts_what_is_there():
    for service in yaml.safe_load(COMPOSE.read_text())["services"].values():
        for volume in service["volumes"]:
            source = volume.split(":")[0]
            assert not source.startswith(".") or (COMPOSE.parent / source).exists(), volume


def test_compose_builds_stages_that_the_dockerfile_has():
    stages = set(re.findall(r"(?m)^FROM .* AS ([a-z-]+)$", (DEPLOY.parent / "Dockerfile").read_text()))
    targets = {s["build"].get("target") for s in yaml.safe_load(COMPOSE.read_text())["services"].values() if "build" in s}
    assert targets - {None} <= stages and "simulator" in targets
