"""What a server and a worker in processes of their own write down holds no secret that they were sent.

They log everything while requests succeed, cannot be read, and fail. Then what they wrote is searched,
with the database server's log and the database.
"""

import json
import socket
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path
from typing import Any, BinaryIO
from urllib.parse import urlsplit

import httpx
from django.conf import settings
from django.db import connection
from procrastinate.contrib.django import app

from audit import jobs
from audit.models import Operation, State
from tasks.models import Task
from tasks.secrets import reveal_secret
from tests.audit.planted import Planted, dump
from tests.audit.sealed import execute
from tests.conftest import Governed
from tests.journeys.live import on_the_tests_database, running, wait_until, web_server
from tests.tasks.api.caller import SETTINGS_TASKS, update
from tests.tokens import issue


WORKER = ["manage.py", "procrastinate", "worker"]
SEEN = "seen-in-the-logs"

# From now on no task can be written: the database tells the whole row in its complaint.
_BREAK = "ALTER TABLE tasks_task ADD CONSTRAINT broken CHECK (version < 0) NOT VALID"
_MEND = "ALTER TABLE tasks_task DROP CONSTRAINT broken"
# A worker looks for such jobs as fail again after some seconds.
_AT_ONCE = "UPDATE procrastinate_jobs SET scheduled_at = now() WHERE status = 'todo'"

# What is no request, with a secret in it.
_START, _HOST = f"POST {SETTINGS_TASKS} HTTP/1.1", "Host: localhost"
_UNREADABLE: dict[str, Sequence[str]] = {
    "a header without a colon": (_START, _HOST, "Authorization {}"),
    "a header of two lines": (_START, _HOST, "Authorization:", " Bearer {}"),
    "a header's name": (_START, _HOST, "Bearer {}: yes"),
    "an Expect": (_START, _HOST, "Expect: {}"),
    "a coding": (_START, _HOST, "Transfer-Encoding: {}"),
    "a length": (_START, _HOST, "Content-Length: {}"),
    "a method": (f"{{}} {SETTINGS_TASKS} HTTP/1.1", _HOST),
    "a version": (f"POST {SETTINGS_TASKS} {{}}", _HOST),
}


class Sender:
    """Sends secrets to a server, as a program with a token."""

    def __init__(self, server: str, governed: Governed, planted: Planted) -> None:
        self.server, self.planted = server, planted
        self.uids = governed.add_tasks(2)
        self.token = planted.secrets["the token"] = issue(governed.manager).secret

    def settings(self, place: str, **more: Any) -> dict[str, Any]:
        """Return settings with a new secret in its place."""
        return {"repository": {"token": self.planted.plant(place), **more}}

    def post(self, content: bytes, *, query: str = "", **headers: str) -> int:
        """Post the content to the door for settings; return the status of the answer."""
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        named = {"Authorization": f"Bearer {self.token}", **named}
        named = {"Content-Type": "application/json", "X-Request-Id": SEEN, **named}
        address = f"{self.server}{SETTINGS_TASKS}{query}"
        answer = httpx.post(address, content=content, headers=named)
        self.planted.shown.append(("an answer", str(answer.headers).encode() + answer.content))
        return answer.status_code

    def update(self, settings: dict[str, Any], **headers: str) -> int:
        """Send the settings for all tasks; return the status of the answer."""
        return self.post(json.dumps(update(self.uids, settings)).encode(), **headers)

    def send(self, *lines: str) -> bytes:
        """Send these lines, which are no good request; return the beginning of the answer."""
        to = urlsplit(self.server)
        with socket.create_connection((to.hostname or "", to.port or 0), timeout=20) as sending:
            sending.sendall("\r\n".join((*lines, "", "")).encode())
            with closing(sending.makefile("rb")) as answer:
                return answer.readline()


@contextmanager
def broken() -> Iterator[None]:
    """Have every change of a task fail in the database."""
    execute(_BREAK)
    try:
        yield
    finally:
        execute(_MEND)


def is_worked_off() -> bool:
    """Return whether every operation has ended; what the worker would try again later, it tries now."""
    execute(_AT_ONCE)
    return not Operation.objects.filter(finished_at=None).exists()


def well_formed(sender: Sender) -> None:
    """Send what is taken, and what is refused by what it says."""
    assert sender.update(sender.settings("a batch")) == 200
    assert sender.update(sender.settings("for the worker"), Prefer="respond-async") == 202
    wait_until(is_worked_off)
    assert sender.update(sender.settings("a wrong neighbour", branch=7)) == 422
    wrong = {"repository": {"token": [sender.planted.plant("a wrong form")]}}
    assert sender.update(wrong) == 422


def in_headers(sender: Sender) -> None:
    """Send secrets in headers, with a batch that is read."""
    plant, good = sender.planted.plant, {"repository": {"branch": "main"}}
    for name in ("X-Api-Key", "Proxy-Authorization", "X-Deploy-Token", "Cookie"):
        assert sender.update(good, **{name: f"session={plant(name)}"}) == 200
    for kind in ("Bearer", "Basic", "Token"):
        assert sender.update(good, Authorization=f"{kind} {plant(f'a {kind}')}") == 401
    assert sender.update(good, If_Match=f'"{plant("a fingerprint")}"') == 412


def unreadable(sender: Sender) -> None:
    """Send what cannot be read: bodies to the application, and whole requests to the server."""
    plant = sender.planted.plant
    assert sender.post(f'{{"settings": {{"token": "{plant("half a body")}", '.encode()) == 400
    assert sender.post(plant("no JSON").encode(), Content_Type="text/plain") == 415
    assert sender.post(b"{}", query=f"?access_token={plant('a query')}") == 400
    assert sender.post(plant("a large body").encode().ljust(9 * 2**20)) == 413
    for place, lines in _UNREADABLE.items():
        secret = plant(place)
        answer = sender.send(*(line.format(secret) for line in lines))
        assert answer.startswith(b"HTTP/1.1 "), place
    # What is left of a body whose length was stated wrong is taken for the next request.
    bearer = f"Authorization: Bearer {sender.token}"
    rest = f'"settings": {{"token": "{plant("the rest of a body")}"}}}}'
    sender.send(_START, _HOST, bearer, "Content-Length: 2", "", "{}" + rest)


def at_the_door(sender: Sender) -> None:
    """Sign in with what is wrong, and with forms that were not asked for."""
    plant, address = sender.planted.plant, f"{sender.server}/admin/login/"
    with httpx.Client() as browser:
        browser.get(address)
        token = {"csrfmiddlewaretoken": browser.cookies["csrftoken"], "username": "nobody"}
        assert (
            browser.post(address, data={**token, "password": plant("a password")}).status_code
            == 200
        )
        wrong = {"csrfmiddlewaretoken": plant("a form's token"), "password": plant("unasked")}
        assert browser.post(address, data=wrong).status_code == 403
        multipart = {"Content-Type": "multipart/form-data"}
        content = plant("no parts").encode()
        assert browser.post(address, content=content, headers=multipart).status_code in {400, 403}
        browser.cookies.set("sessionid", plant("a session"))
        assert browser.get(f"{sender.server}/admin/").status_code == 302


def failing(sender: Sender) -> None:
    """Send what fails in the server, and in the worker as often as it tries."""
    with broken():
        assert sender.update(sender.settings("a batch that fails")) == 500
        assert sender.update(sender.settings("a job that fails"), Prefer="respond-async") == 202
        wait_until(is_worked_off)
    assert Operation.objects.latest("created_at").state == State.FAILED


def sealing(log: Path) -> None:
    """Have the worker seal, and send the seal to a system that is not there."""
    app.configure_task(jobs.NAME).defer(timestamp=0)
    wait_until(lambda: b"NotAnchored" in log.read_bytes())


@contextmanager
def logging_into(folder: Path, planted: Planted) -> Iterator[str]:
    """Run a server and a worker that log all they can."""
    with ExitStack() as stack:

        def opened(name: str) -> BinaryIO:
            return stack.enter_context((folder / name).open("wb"))

        environment = {**on_the_tests_database(), "LIVE_LOGS": "DEBUG"}
        token = planted.plant("the token of a webhook")
        nowhere = {"LIVE_WEBHOOK": "http://127.0.0.1:9", "BULKHEAD_SEAL_WEBHOOK_TOKEN": token}
        worker = running(WORKER, environment={**environment, **nowhere}, output=opened("worker"))
        stack.enter_context(worker)
        server = stack.enter_context(web_server(environment=environment, output=opened("server")))
        yield server.url


def database_log() -> bytes:
    """Return what the embedded database server has logged; nothing of another one."""
    if connection.settings_dict["ENGINE"] != "config.embedded_postgres":
        return b""
    return Path(settings.DATA_DIR, "postgres-test", "data", "server.log").read_bytes()


def test_no_process_writes_down_a_secret(committed: Governed, tmp_path: Path) -> None:
    planted = Planted()
    planted.secrets |= {"the key": settings.SECRET_KEY, "a key": settings.BULKHEAD_SEAL_KEY}
    with logging_into(tmp_path, planted) as server:
        sender = Sender(server, committed, planted)
        for part in (well_formed, in_headers, unreadable, at_the_door, failing):
            part(sender)
        sealing(tmp_path / "worker")
    logs = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    # That they can be found there, what must be found shows.
    assert {name for name, log in logs.items() if b"CheckViolation" in log} == {"server", "worker"}
    assert SEEN.encode() in logs["server"]
    assert logs["server"].count(b"Invalid request from ip=127.0.0.1") == len(_UNREADABLE) + 1
    planted.shown += [*logs.items(), ("the database's log", database_log()), *dump()]
    assert planted.found() == set()
    stored = {reveal_secret(task.settings["repository"]["token"]) for task in Task.objects.all()}
    kept = {place for place, secret in planted.secrets.items() if secret in stored}
    assert kept == {"for the worker"}
