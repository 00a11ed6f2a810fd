"""A real daemon on the simulator, watched by a real Prometheus: alerts fire and resolve, and the dashboard has data."""

import json

import pytest
from conftest import DEPLOY
from stack import TOKEN, Stack, within

DASHBOARD = json.loads((DEPLOY / "grafana/dashboard.json").read_text())


@pytest.fixture(scope="module")
def stack(tmp_path_factory):
    stack = Stack(tmp_path_factory.mktemp("live"))
    try:
        within(60, "the first scrape", lambda: stack.query("subaccountd_passes_total > 3"))
        yield stack
    finally:
        stack.stop()


def test_an_invalid_state_fires_and_resolves(stack):
    name = "SubaccountdStateInvalid"
    assert not stack.firing(name)
    undo = stack.edit("status: suspended", "status: suspendet")
    alert = within(60, name, lambda: stack.firing(name))[0]
    assert alert["labels"]["severity"] == "warning"
    undo()
    within(60, f"the end of {name}", lambda: not stack.firing(name))


def test_refused_credentials_fire_and_resolve(stack):
    name = "SubaccountdCredentialsRefused"
    assert not stack.firing(name)
    stack.token.write_text("wrong")
    within(60, name, lambda: stack.firing(name))
    stack.token.write_text(TOKEN)
    within(60, f"the end of {name}", lambda: not stack.firing(name))


def test_every_query_of_the_dashboard_has_an_answer(stack):
    # A write while Prometheus watches, and a close that waits.
    undo = stack.edit("status: suspended", "status: active")
    within(60, "a write", lambda: stack.query("increase(subaccountd_actions_total[30s]) > 0"))
    undo()
    variables = {"$job": "subaccountd", "$__rate_interval": "30s"}
    panels = [panel for panel in DASHBOARD["panels"] if panel["type"] != "row"]
    assert len(panels) > 20
    for panel in panels:
        assert panel["description"]
        for target in panel["targets"]:
            expression = target["expr"]
            for name, value in variables.items():
                expression = expression.replace(name, value)
            assert stack.query(expression), (panel["title"], expression)


def test_the_dashboard_fits_its_grid():
    places = [panel["gridPos"] for panel in DASHBOARD["panels"]]
    cells = [(x, y) for p in places for x in range(p["x"], p["x"] + p["w"]) for y in range(p["y"], p["y"] + p["h"])]
    assert len(cells) == len(set(cells)), "panels overlap"
    assert max(x for x, _ in cells) == 23
    ids = [panel["id"] for panel in DASHBOARD["panels"]]
    assert len(ids) == len(set(ids))
