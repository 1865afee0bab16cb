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
from pathlib import Path
from typing import Any

from django.conf import settings

from config.free_port import HOST
from tests.benchmarks.timing import peak_mib


_SECONDS_TO_START = 60


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
        client = http.client.HTTPConnection(HOST, self.port, timeout=120)
        headers = {"Authorization": f"Bearer {self.token}", "Content-Type": "application/json"}
        try:
            client.request("POST", path, body=content, headers=headers)
            answer = client.getresponse()
            text = answer.read()
        finally:
            client.close()
        if answer.status != http.client.OK:
            raise RequestFailed(f"{path}: {answer.status} {text[:1000]!r}")

    def peak_mib(self) -> float:
        """Return the most memory that one of the web server's workers has had."""
        return max(peak_mib(pid) for pid in self._workers())

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
        env={**os.environ, "DJANGO_SETTINGS_MODULE": "config.settings.dev", "LOG_LEVEL": "ERROR"},
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
