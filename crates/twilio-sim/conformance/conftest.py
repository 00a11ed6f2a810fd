"""What the tests share: the SDK as a client of the simulator, and the simulator's steering door."""

import contextlib
import json
import os
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from twilio.base.exceptions import TwilioException, TwilioRestException
from twilio.rest import Client

HERE = Path(__file__).parent
TOKEN = "conformance-token"


def account(n: int) -> str:
    return f"AC{n:032x}"


def number(n: int) -> str:
    return f"PN{n:032x}"


def call(n: int) -> str:
    return f"CA{n:032x}"


def address(n: int) -> str:
    return f"AD{n:032x}"


MAIN, ACME, GLOBEX, INITECH, HOOLI, FRAUD, UMBRELLA, STARK, NOBODYS = map(account, range(9))


def get(url: str) -> dict:
    with urllib.request.urlopen(url, timeout=10) as answer:
        return json.load(answer)


class Sim:
    """The steering door, which no SDK knows."""

    def __init__(self, url: str) -> None:
        self.url = url

    def load(self, world: str) -> None:
        """Replaces the world by that of a world file, which may be JSON."""
        self._send("PUT", "/_sim/world", world)

    def switch(self, **switches: object) -> None:
        self._send("PATCH", "/_sim/switches", json.dumps(switches))

    def edit_account(self, sid: str, **changes: object) -> None:
        self._send("POST", f"/_sim/accounts/{sid}", json.dumps(changes))

    def add_fault(self, **fault: object) -> None:
        self._send("POST", "/_sim/faults", json.dumps(fault))

    def mend(self) -> None:
        self._send("DELETE", "/_sim/faults", "")

    def world(self) -> dict:
        return get(f"{self.url}/_sim/world")

    def owners(self) -> dict[str, str]:
        return {row["phoneNumber"]: row["owner"] for row in self.world()["numbers"]}

    def writes(self) -> int:
        return get(f"{self.url}/_sim/requests")["writes"]

    def _send(self, method: str, path: str, body: str) -> None:
        request = urllib.request.Request(self.url + path, body.encode(), method=method)
        urllib.request.urlopen(request, timeout=10).close()


@pytest.fixture(scope="session")
def steering() -> Sim:
    return Sim(os.environ["SIM_URL"])


@pytest.fixture
def sim(steering: Sim) -> Sim:
    """The simulator with the world of world.yaml, and without faults."""
    steering.mend()
    steering.load((HERE / "world.yaml").read_text(encoding="utf-8"))
    return steering


def client_as(sid: str, token: str) -> Client:
    client = Client(sid, token)
    client.api.base_url = os.environ["API_URL"]
    return client


@pytest.fixture(scope="session")
def twilio() -> Client:
    """The SDK with the credentials of the main account."""
    return client_as(MAIN, TOKEN)


def code_and_status(error: TwilioException) -> tuple[int, int]:
    if isinstance(error, TwilioRestException):
        return error.code, error.status
    # Of a list the SDK hands over the answer as it is.
    _, answer = error.args
    return json.loads(answer.text)["code"], answer.status_code


Refused = Callable[..., contextlib.AbstractContextManager[None]]


@pytest.fixture
def refused(steering: Sim) -> Refused:
    """A block whose request Twilio refuses with a code, and which changes nothing."""

    @contextlib.contextmanager
    def block(code: int, status: int = 400) -> Iterator[None]:
        before = steering.world()
        with pytest.raises(TwilioException) as caught:
            yield
        assert code_and_status(caught.value) == (code, status), caught.value
        assert steering.world() == before

    return block
