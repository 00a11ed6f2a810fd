#!/usr/bin/env python3
"""Swaps of the state by git-sync and by the kubelet, as both do them: `flips.py COUNT` makes them one after the other, one
every 6 s after the first eight, and says how long the daemon took to act. `make flips` calls it.

The daemon begins ten passes at once for changes and then one every 5 s, so no swap is faster than that for long."""

import os
import pathlib
import shutil
import statistics
import sys
import tempfile
import time

from stack import MAIN, Stack, within

ACCOUNT = "AC00000000000000000000000000000002"
STATE = f"""apiVersion: subaccountd/v1
kind: DesiredState
mainAccount: {{sid: {MAIN}}}
subaccounts:
  - {{sid: {ACCOUNT}, status: STATUS}}
"""


def replace_link(link, target):
    """A link under another name, then a rename: nothing ever sees no link."""
    new = link.with_name(f".{link.name}.new")
    new.symlink_to(target)
    os.rename(new, link)


class GitSync:
    """`current` is a link to the tree of a commit; the old tree is removed at once."""

    def __init__(self, root):
        self.root, self.path, self.count, self.old = root, root / "current/desired", 0, None

    def swap(self, text):
        self.count += 1
        tree = self.root / f".worktrees/{self.count:040x}"
        (tree / "desired").mkdir(parents=True)
        (tree / "desired/desired.yaml").write_text(text)
        replace_link(self.root / "current", tree.relative_to(self.root))
        if self.old:
            shutil.rmtree(self.old)
        self.old = tree


class ConfigMap:
    """`..data` is a link to a folder with a time for its name; each file is a link through it."""

    def __init__(self, root):
        self.root, self.path, self.count, self.old = root, root, 0, None

    def swap(self, text):
        self.count += 1
        folder = self.root / f"..2026_11_28_10_00_00.{self.count:09}"
        folder.mkdir()
        (folder / "desired.yaml").write_text(text)
        replace_link(self.root / "..data", folder.name)
        if not (self.root / "desired.yaml").is_symlink():
            (self.root / "desired.yaml").symlink_to("..data/desired.yaml")
        if self.old:
            shutil.rmtree(self.old)
        self.old = folder


def measure(kind, count):
    with tempfile.TemporaryDirectory() as folder:
        root = pathlib.Path(folder) / "state"
        root.mkdir()
        layout = kind(root)
        layout.swap(STATE.replace("STATUS", "active"))
        stack = Stack(pathlib.Path(folder), state=layout.path, interval="1h", limits=["--max-suspends", "100%"])
        took = []
        try:
            within(60, "the first pass", lambda: stack.metric("subaccountd_passes_total") > 0)
            for n in range(count):
                status = "active" if n % 2 else "suspended"
                begin = time.monotonic()
                layout.swap(STATE.replace("STATUS", status))
                within(30, f"swap {n + 1} of {kind.__name__}", lambda: stack.status_at_twilio(ACCOUNT) == status)
                took.append(time.monotonic() - begin)
                if n >= 8:
                    time.sleep(max(0, 6 - took[-1]))
        finally:
            stack.stop()
    late = sum(t > 2 for t in took)
    print(f"{kind.__name__}: {count} swaps, none missed; median {statistics.median(took):.2f} s, longest {max(took):.2f} s, over 2 s: {late}")


if __name__ == "__main__":
    for layout in (GitSync, ConfigMap):
        measure(layout, int(sys.argv[1]))
