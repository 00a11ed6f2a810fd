#!/usr/bin/env python3
"""Draws the dashboard from the queries of its panels, without Grafana: `draw.py IMAGE.png` starts a simulator, a daemon
and a Prometheus, waits for data, and takes a picture with Chromium. `make dashboard-image` calls it."""

import html
import json
import pathlib
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "tests"))
from stack import Stack, within  # noqa: E402

CELL, ROW, SECONDS = 58, 38, 60
COLORS = ["#73bf69", "#5794f2", "#f2cc0c", "#ff780a", "#b877d9", "#e02f44", "#8ab8ff", "#c0d8ff"]
NAMED = {"green": "#299c46", "red": "#d44a3a", "orange": "#ed8128"}


def number(value, unit):
    if unit == "s":
        for size, name in ((86400, "d"), (3600, "h"), (60, "min"), (1, "s")):
            if abs(value) >= size:
                return f"{value / size:.1f} {name}"
        return f"{value * 1000:.0f} ms"
    if unit == "percentunit":
        return f"{value:.0%}"
    if unit == "bytes":
        return f"{value / 1048576:.1f} MiB"
    return f"{value:.3g}"


def expression(target):
    return target["expr"].replace("$job", "subaccountd").replace("$__rate_interval", "15s")


def legend(target, labels):
    text = target["legendFormat"]
    for name, value in labels.items():
        text = text.replace("{{" + name + "}}", value)
    return text


def stat(panel, get):
    defaults = panel["fieldConfig"]["defaults"]
    rows = get("query", query=expression(panel["targets"][0]))["result"]
    if not rows:
        return f'<div class="stat">{defaults["noValue"]}</div>'
    value = float(rows[0]["value"][1])
    color = "green"
    for step in defaults["thresholds"]["steps"]:
        if step["value"] is None or value >= step["value"]:
            color = step["color"]
    mapped = defaults["mappings"][0]["options"] if defaults["mappings"] else {}
    text = mapped.get(f"{value:.0f}", {}).get("text") or number(value, defaults["unit"])
    return f'<div class="stat" style="background:{NAMED[color]}">{html.escape(text)}</div>'


def lines(panel, get, width, height):
    defaults, end = panel["fieldConfig"]["defaults"], time.time()
    stacked = defaults["custom"]["stacking"]["mode"] == "normal"
    found = []
    for target in panel["targets"]:
        for row in get("query_range", query=expression(target), start=end - SECONDS, end=end, step=1)["result"]:
            found.append((legend(target, row["metric"]), {round(float(t)): float(v) for t, v in row["values"]}))
    times = [round(end - SECONDS + i) for i in range(SECONDS + 1)]
    base, drawn = dict.fromkeys(times, 0.0), []
    for name, values in found:
        points = {t: values[t] + (base[t] if stacked else 0) for t in times if t in values and values[t] == values[t]}
        base.update(points)
        drawn.append((name, points))
    top = max([v for _, points in drawn for v in points.values() if v != float("inf")] + [1e-9]) * 1.1
    low = min([v for _, points in drawn for v in points.values()] + [0.0])
    place = lambda t, v: f"{(t - times[0]) / SECONDS * width:.1f},{height - (min(v, top) - low) / (top - low) * height:.1f}"  # noqa: E731
    svg, names = "", ""
    for index, (name, points) in enumerate(drawn):
        color = COLORS[index % len(COLORS)]
        svg += f'<polyline fill="none" stroke="{color}" points="{" ".join(place(t, v) for t, v in sorted(points.items()))}"/>'
        names += f'<span style="color:{color}">■</span> {html.escape(name)} &nbsp;'
    scale = f'<text x="2" y="11">{number(top, defaults["unit"])}</text><text x="2" y="{height - 3}">{number(low, defaults["unit"])}</text>'
    return f'<svg width="{width}" height="{height}">{svg}{scale}</svg><div class="names">{names or "no data"}</div>'


def page(dashboard, get):
    body = ""
    for panel in dashboard["panels"]:
        at = panel["gridPos"]
        box = f'left:{at["x"] * CELL}px;top:{at["y"] * ROW}px;width:{at["w"] * CELL - 8}px;height:{at["h"] * ROW - 8}px'
        if panel["type"] == "row":
            body += f'<h2 style="{box}">{html.escape(panel["title"])}</h2>'
            continue
        inner = stat(panel, get) if panel["type"] == "stat" else lines(panel, get, at["w"] * CELL - 24, at["h"] * ROW - 74)
        body += f'<section style="{box}"><h3>{html.escape(panel["title"])}</h3>{inner}</section>'
    style = (
        "body{background:#111217;color:#ccccdc;font:12px sans-serif;margin:8px;position:relative}"
        "section,h2{position:absolute;box-sizing:border-box}section{background:#181b1f;border:1px solid #2c3235;padding:6px;overflow:hidden}"
        "h2{font-size:14px;margin:8px 0}h3{font-size:12px;margin:0 0 4px;white-space:nowrap}.stat{height:68%;display:flex;align-items:center;"
        "justify-content:center;font-size:19px;color:#fff}.names{white-space:nowrap}text{fill:#8e8e8e;font-size:10px}"
    )
    return f"<!doctype html><meta charset=utf-8><style>{style}</style>{body}"


def main(image):
    dashboard = json.loads(pathlib.Path(__file__).with_name("dashboard.json").read_text())
    with tempfile.TemporaryDirectory() as folder:
        stack = Stack(pathlib.Path(folder))
        try:
            within(60, "the first scrape", lambda: stack.query("subaccountd_passes_total > 3"))
            time.sleep(SECONDS / 2)
            undo = stack.edit("status: suspended", "status: active")
            time.sleep(SECONDS / 4)
            undo()
            time.sleep(SECONDS / 4)
            (pathlib.Path(folder) / "dashboard.html").write_text(page(dashboard, stack.get))
        finally:
            stack.stop()
        rows = max(p["gridPos"]["y"] + p["gridPos"]["h"] for p in dashboard["panels"])
        subprocess.run(
            ["chromium", "--headless", "--no-sandbox", "--hide-scrollbars", f"--window-size={24 * CELL + 16},{rows * ROW + 16}"]
            + [f"--screenshot={pathlib.Path(image).resolve()}", f"file://{folder}/dashboard.html"],
            check=True,
            stderr=subprocess.DEVNULL,
        )


if __name__ == "__main__":
    main(sys.argv[1])
