"""A reverse proxy in front of the simulator that checks what passes through it.

Answers with 2xx are checked against the OpenAPI file, if there is one; refusals against Twilio's four keys; and the
requests of the daemon, which unlike the tests has no reason to ask for what does not exist. `GET /_record` says what
was found.
"""

import argparse
import http.client
import json
import sys
import threading
from collections import Counter
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import urlsplit

from openapi import OpenApi

CLIENTS = {"twilio-python": "python", "twilio-node": "node", "subaccountd": "daemon"}
HOP_BY_HOP = {"connection", "keep-alive", "transfer-encoding", "host", "content-length"}
FAULTS_TOLD = 20


class Record:
    """What passed, for each client, and what was wrong with it."""

    def __init__(self, spec: OpenApi | None) -> None:
        self._spec = spec
        self._lock = threading.Lock()
        self._counts = {client: Counter() for client in CLIENTS.values()}
        self._operations: Counter[str] = Counter()
        self._faults: Counter[str] = Counter()

    def note(self, agent: str, request: tuple, answer: tuple) -> None:
        """`request` is method, target, content type and body; `answer` is status, content type and body."""
        client = CLIENTS.get(agent.partition("/")[0], "other")
        method, target, status = request[0], request[1], answer[0]
        counts, faults, operation = Counter(answers=1), [], None
        if 200 <= status < 300:
            if self._spec:
                operation = self._spec.operation(method, urlsplit(target).path)
                faults += self._spec.faults_of_answer(operation, *answer) if operation else ["a 2xx of no operation"]
                counts["successes checked"] += 1
        else:
            faults += _faults_of_refusal(*answer)
            counts["refusals checked"] += 1
        if client == "daemon" and self._spec:
            faults += [f"request: {fault}" for fault in self._spec.faults_of_request(*request)]
            counts["requests checked"] += 1
        with self._lock:
            self._counts.setdefault(client, Counter()).update(counts)
            self._operations.update([operation.id] if operation else [])
            # The same fault in many answers is told once.
            what = operation.id if operation else f"{method} {urlsplit(target).path}"
            self._faults.update(f"{client}: {what} ({status}): {fault}" for fault in faults)

    def told(self) -> dict:
        with self._lock:
            return {
                "specification": self._spec is not None,
                "clients": {client: dict(counts) for client, counts in self._counts.items()},
                "operations": dict(self._operations),
                "faultCount": self._faults.total(),
                "faults": [f"{times} × {fault}" for fault, times in self._faults.most_common(FAULTS_TOLD)],
            }


def _faults_of_refusal(status: int, content_type: str | None, body: bytes) -> list[str]:
    try:
        value = json.loads(body)
    except ValueError as error:
        return [f"a refusal that is no JSON: {error}"]
    kinds = {"code": int, "message": str, "more_info": str, "status": int}
    if not isinstance(value, dict) or {key: type(part) for key, part in value.items()} != kinds:
        return [f"a refusal of another shape: {value}"]
    faults = [] if value["status"] == status else [f"status {value['status']} in the body"]
    if (content_type or "").partition(";")[0] != "application/json":
        faults.append(f"content type {content_type}")
    return faults


def handler(upstream: str, record: Record) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        # Head and body leave together: apart, the second would wait for the acknowledgement of the first.
        wbufsize = -1

        def answer(self) -> None:
            if self.path == "/_record":
                self.send(200, [("Content-Type", "application/json")], json.dumps(record.told()).encode())
                return
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            headers = {name: value for name, value in self.headers.items() if name.lower() not in HOP_BY_HOP}
            connection = http.client.HTTPConnection(upstream, timeout=60)
            try:
                connection.request(self.command, self.path, body or None, headers)
                response = connection.getresponse()
                status, content = response.status, response.read()
            finally:
                connection.close()
            # Noted before it is passed on: who has the answer finds it in the record.
            record.note(
                self.headers.get("User-Agent", ""),
                (self.command, self.path, self.headers.get("Content-Type"), body),
                (status, response.getheader("Content-Type"), content),
            )
            self.send(status, [pair for pair in response.getheaders() if pair[0].lower() not in HOP_BY_HOP], content)

        do_GET = do_POST = do_DELETE = answer

        def send(self, status: int, headers: list, body: bytes) -> None:
            self.send_response_only(status)
            for name, value in headers:
                self.send_header(name, value)
            if status != 204:
                self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            pass

    return Handler


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--to", required=True, metavar="URL", help="the simulator")
    arguments.add_argument("--openapi", type=Path, metavar="FILE", help="the specification, if there is one")
    given = arguments.parse_args()
    record = Record(OpenApi.read(given.openapi) if given.openapi else None)
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler(urlsplit(given.to).netloc, record))
    server.daemon_threads = True
    print(f"the proxy listens on http://127.0.0.1:{server.server_port}", flush=True)
    server.serve_forever()


if __name__ == "__main__":
    sys.exit(main())
