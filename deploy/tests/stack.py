"""The simulator, the daemon and Prometheus together, with intervals of a second."""

import base64
import json
import os
import pathlib
import re
import shutil
import socket
import subprocess
import time
import urllib.parse
import urllib.request

DEPLOY = pathlib.Path(__file__).resolve().parent.parent
ROOT = DEPLOY.parent
BUILT = ROOT / "target/debug"
MAIN, TOKEN = "AC00000000000000000000000000000000", "demo-token"


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def within(seconds, what, check):
    """What `check` returns, once it is true."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        try:
            if found := check():
                return found
        except OSError:
            pass
        time.sleep(0.2)
    raise AssertionError(f"not seen within {seconds} s: {what}")


class Stack:
    def __init__(self, folder: pathlib.Path, state=None, interval="1s", limits=()):
        self.state, self.token = folder / "desired.yaml", folder / "token"
        shutil.copy(ROOT / "config/demo/state/desired.yaml", self.state)
        self.token.write_text(TOKEN)
        self.sim, self.metrics, self.prometheus = free_port(), free_port(), free_port()
        self.processes = []
        self.start(folder, "sim", [BUILT / "twilio-sim", "--listen", f"127.0.0.1:{self.sim}", "--world", ROOT / "config/demo/world.yaml"])
        self.start(
            folder,
            "daemon",
            [BUILT / "subaccountd", "run", "--interval", interval, "--close-after", "24h", "--listen", f"127.0.0.1:{self.metrics}"]
            + ["--status-listen", "none", "--desired", state or self.state, "--journal-dir", folder / "journal", *limits],
            TWILIO_ACCOUNT_SID=MAIN,
            TWILIO_AUTH_TOKEN_FILE=str(self.token),
            SUBACCOUNTD_TWILIO_URL=f"http://127.0.0.1:{self.sim}",
        )
        rules = (DEPLOY / "prometheus/alerts.yaml").read_text()
        (folder / "alerts.yaml").write_text(re.sub(r"(?m)^( +for:) .*$", r"\1 1s", rules))
        config = (DEPLOY / "prometheus/prometheus.yaml").read_text()
        config = config.replace("subaccountd:8080", f"127.0.0.1:{self.metrics}").replace("30s", "1s")
        (folder / "prometheus.yaml").write_text(config)
        self.start(
            folder,
            "prometheus",
            ["prometheus", f"--config.file={folder}/prometheus.yaml", f"--storage.tsdb.path={folder}/data"]
            + [f"--web.listen-address=127.0.0.1:{self.prometheus}"],
        )

    def start(self, folder, name, command, **variables):
        log = (folder / f"{name}.log").open("w")
        self.processes.append(subprocess.Popen(command, env={**os.environ, **variables}, stdout=log, stderr=log))

    def stop(self):
        for process in reversed(self.processes):
            process.terminate()
        for process in self.processes:
            process.wait(20)

    def get(self, path, **query):
        url = f"http://127.0.0.1:{self.prometheus}/api/v1/{path}?{urllib.parse.urlencode(query)}"
        with urllib.request.urlopen(url, timeout=10) as answer:
            return json.load(answer)["data"]

    def query(self, expression):
        return self.get("query", query=expression)["result"]

    def firing(self, name):
        return [a for a in self.get("alerts")["alerts"] if a["labels"]["alertname"] == name and a["state"] == "firing"]

    def edit(self, old, new):
        """Replaces one text of the state, as an editor does; returns what undoes it."""
        text = self.state.read_text()
        assert old in text
        self.state.write_text(text.replace(old, new, 1))
        return lambda: self.state.write_text(text)

    def status_at_twilio(self, account):
        """The status of an account, as the simulated Twilio answers it."""
        request = urllib.request.Request(f"http://127.0.0.1:{self.sim}/2010-04-01/Accounts/{account}.json")
        request.add_header("Authorization", "Basic " + base64.b64encode(f"{MAIN}:{TOKEN}".encode()).decode())
        with urllib.request.urlopen(request, timeout=10) as answer:
            return json.load(answer)["status"]

    def metric(self, name):
        """The sum of the series of a metric of the daemon."""
        with urllib.request.urlopen(f"http://127.0.0.1:{self.metrics}/metrics", timeout=10) as answer:
            lines = answer.read().decode().splitlines()
        return sum(float(line.split()[-1]) for line in lines if line.startswith((name + " ", name + "{")))
