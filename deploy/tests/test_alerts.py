"""The alerts: their parts, their runbooks, and their cases for promtool."""

import re

import yaml
from conftest import DEPLOY

ALERTS = yaml.safe_load((DEPLOY / "prometheus/alerts.yaml").read_text())["groups"][0]["rules"]
RUNBOOK = "https://git.example.com/subaccountd/docs/OPERATIONS.md#"
OPERATIONS = (DEPLOY.parent / "docs/OPERATIONS.md").read_text()


def test_each_alert_has_a_severity_a_summary_and_a_section_of_the_runbook():
    for alert in ALERTS:
        assert alert["labels"]["severity"] in {"critical", "warning", "info"}
        assert alert["annotations"]["summary"]
        name = alert["alert"]
        assert alert["annotations"]["runbook_url"] == RUNBOOK + name.lower()
        assert f"\n### {name}\n" in OPERATIONS
        assert f"| `{name}` | {alert['labels']['severity']} |" in OPERATIONS


def test_each_alert_has_a_case_in_which_it_fires_and_one_in_which_it_is_silent():
    cases = yaml.safe_load((DEPLOY / "prometheus/alerts.test.yaml").read_text())["tests"]
    checks = [check for case in cases for check in case["alert_rule_test"]]
    for alert in ALERTS:
        seen = [bool(check["exp_alerts"]) for check in checks if check["alertname"] == alert["alert"]]
        assert True in seen and False in seen, alert["alert"]


def test_every_series_has_a_selector_that_the_chart_can_replace():
    for alert in ALERTS:
        series = re.findall(r"\b(?:subaccountd|git_sync)_\w+(?:\{([^}]*)\})?", alert["expr"])
        assert series and all('job="subaccountd"' in selector for selector in series), alert["alert"]
