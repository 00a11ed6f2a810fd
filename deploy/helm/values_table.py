#!/usr/bin/env python3
"""Writes the table of values in the chart's README from the comments of values.yaml. `make chart-readme` calls it, and a
test checks that the table is up to date. A value is described by the comment above it; one without is described by the
comment of the group that it is in."""

import pathlib
import re

CHART = pathlib.Path(__file__).resolve().parent / "subaccountd"
BEGIN, END = "<!-- The table is made by `make chart-readme`. -->\n", "<!-- End of the table. -->\n"
# Maps whose keys are not values of the chart: they are shown as one.
WHOLE = {"resources", "desired.gitSync.resources", "podSecurityContext", "desired.configMap.files", "metrics.dashboard.labels"}


def values(text):
    """Each value: its path, its default as it is written, and its description."""
    path, comment, inside = [], [], None
    for line in text.split("\n\n", 1)[1].splitlines():
        if inside is not None and (not line.strip() or len(line) - len(line.lstrip()) > inside):
            continue
        inside = None
        if not line.strip():
            comment = []
        elif line.lstrip().startswith("#"):
            comment.append(line.strip().lstrip("# "))
        else:
            indent, key, default = re.fullmatch(r"( *)([A-Za-z]+): ?(.*)", line).groups()
            depth = len(indent) // 2
            path = [*path[:depth], (key, " ".join(comment))]
            name, described = ".".join(part for part, _ in path), " ".join(comment)
            comment = []
            if name in WHOLE:
                inside = len(indent)
                yield name, "see values.yaml", described
            elif default:
                yield name, default, described
            elif described:
                yield name, "", described


def table():
    rows = ["| value | default | meaning |", "| --- | --- | --- |"]
    for name, default, described in values((CHART / "values.yaml").read_text()):
        shown = f"`{default}`" if default and not default.startswith("see ") else default
        rows.append(f"| `{name}` | {shown} | {described} |".replace("  ", " "))
    return "\n".join(rows) + "\n"


def readme():
    """The README with the table of today."""
    before, rest = (CHART / "README.md").read_text().split(BEGIN)
    return before + BEGIN + "\n" + table() + "\n" + END + rest.split(END)[1]


if __name__ == "__main__":
    (CHART / "README.md").write_text(readme())
