"""The web server as `make run` starts it, and a client that talks to it as any other would."""

import http.client
import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from django.conf import settings

from config.free_port import HOST
from tests.benchmarks.timing import forget_peak, peak_mib


_SECONDS_TO_START = 60
_SECONDS_TO_ANSWER = 600
_PIECE = 2**16
# What is measured is not how fast a token may ask.
_SETTINGS = {
    "DJANGO_SETTINGS_MODULE": "config.settings.dev",
    "LOG_LEVEL": "ERROR",
    "BULKHEAD_RATE": "1000000/min",
}


class RequestFailed(Exception):
    """The server answered something else than success."""


@dataclass(frozen=True, kw_only=True)
class Server:
    """A running gunicorn."""

    port: int
    master: int
    token: str

    def post(self, path: str, body: Mapping[str, Any]) -> None:
        """Send a request and read its answer.

        Raises:
            RequestFailed: it is not 200.
        """
        self.send(path, json.dumps(body).encode())

    def send(self, path: str, content: bytes) -> None:
        """Send a body that is ready, and read the answer.

        Raises:
            RequestFailed: it is not 200.
        """
        headers = {"Authorization": f"Bearer {self.token}", "Content-Type": "application/json"}
        self._ask("POST", path, content, headers)

    def get(self, path: str, headers: Mapping[str, str]) -> int:
        """Read an answer piece by piece; return how many lines it has.

        Raises:
            RequestFailed: it is not 200.
        """
        return self._ask("GET", path, None, headers)

    def _ask(self, method: str, path: str, body: bytes | None, headers: Mapping[str, str]) -> int:
        client = http.client.HTTPConnection(HOST, self.port, timeout=_SECONDS_TO_ANSWER)
        try:
            client.request(method, path, body=body, headers=dict(headers))
            answer = client.getresponse()
            if answer.status != http.client.OK:
                raise RequestFailed(f"{path}: {answer.status} {answer.read(1000)!r}")
            return sum(piece.count(b"\n") for piece in iter(partial(answer.read, _PIECE), b""))
        finally:
            client.close()

    def peak_mib(self) -> float:
        """Return the most memory that one of the web server's workers has had."""
        return max(peak_mib(pid) for pid in self._workers())

    def forget_peak(self) -> None:
        """Let the peak count from now on."""
        for pid in self._workers():
            forget_peak(pid)

    def _workers(self) -> list[int]:
        children = Path(f"/proc/{self.master}/task/{self.master}/children").read_text()
        return [int(pid) for pid in children.split()]


@contextmanager
def serving(*, token: str) -> Iterator[Server]:
    """Run gunicorn with its real settings, in fresh processes."""
    with socket.create_server((HOST, 0)) as probe:
        port = probe.getsockname()[1]
    command = ["-m", "gunicorn", "--config", "python:config.gunicorn"]
    with subprocess.Popen(
        [sys.executable, *command, "--bind", f"{HOST}:{port}", "config.wsgi"],
        cwd=settings.BASE_DIR,
        env={**os.environ, **_SETTINGS},
    ) as process:
        server = Server(port=port, master=process.pid, token=token)
        try:
            _wait_for(port)
            yield server
        finally:
            process.send_signal(signal.SIGTERM)


def _wait_for(port: int) -> None:
    deadline = time.monotonic() + _SECONDS_TO_START
    while True:
        client = http.client.HTTPConnection(HOST, port, timeout=5)
        try:
            client.request("GET", "/api/")
            client.getresponse()
        except ConnectionError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.1)
        else:
            return
        finally:
            client.close()
