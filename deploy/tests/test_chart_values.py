"""Values drawn from the schema of the chart, with texts that YAML, Helm and Kubernetes read in their own ways: what renders
is valid, and what does not is refused by a check of the chart that says why."""

import json
import random
import re

import pytest
from conftest import CHART

SCHEMA = json.loads((CHART / "values.schema.json").read_text())
TEXTS = (
    "true no off n null ~ 0x1f 0123 1e3 1_000 12:30:00 2026-01-01 a.b a-b 5m 20% 7 @x &a *a !t %d | > $(HOME) {{.Release.Name}} ssh://git@h/x"
).split() + ["", "a: b", "# x", "'q'", '"dq"', "two\nlines", "é😀", "- a", "  lead", "trail  ", "\\n", "x" * 63]
RELEASES, NAMESPACES = ["true", "r", "no", "a" * 53, "n"], ["123", "true", "x"]


def draw(dice, schema):
    """A value that the schema takes, or nothing."""
    if "enum" in schema:
        return dice.choice(schema["enum"])
    if "oneOf" in schema:
        return draw(dice, dice.choice(schema["oneOf"]))
    kind = schema.get("type")
    if kind == "boolean":
        return dice.random() < 0.5
    if kind == "string":
        low, high = schema.get("minLength", 0), schema.get("maxLength", 99)
        fitting = [text for text in TEXTS if low <= len(text) <= high and re.search(schema.get("pattern", ""), text)]
        return dice.choice(fitting)
    if "integer" in (kind or ()):
        return dice.choice([10, 65532, 1000650000])
    if kind == "object" and "properties" in schema:
        drawn = {name: draw(dice, inner) for name, inner in schema["properties"].items() if dice.random() < 0.6}
        return {name: value for name, value in drawn.items() if value is not None}
    if kind == "object" and "additionalProperties" in schema:
        name = "desired.yaml" if "propertyNames" in schema else dice.choice(["a", "true", "x.example/z", "123"])
        return {name: draw(dice, schema["additionalProperties"])}
    return None


@pytest.mark.parametrize("seed", range(60))
def test_odd_values_render_to_valid_objects_or_are_refused_with_a_reason(helm, valid, seed):
    dice = random.Random(seed)
    values = draw(dice, SCHEMA)
    if values.get("desired", {}).get("source") == "volume":
        values["desired"]["volume"] = {"spec": {"emptyDir": {}}}
    where = {"release": dice.choice(RELEASES), "namespace": dice.choice(NAMESPACES)}
    result = helm.run(values, **where)
    if result.returncode == 0:
        valid(helm(values, **where))
    else:
        assert re.search(r"deployment.yaml:1:4\): [A-Za-z.]+: .+[;,] ", result.stderr), result.stderr
