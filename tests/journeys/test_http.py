"""Over real sockets: what only a server shows, such as bodies that it has not read to their end."""

import json
import socket
from collections.abc import Iterator

import httpx
import pytest

from tests.conftest import Governed
from tests.journeys.live import web_server
from tests.tasks.api.caller import SETTINGS_TASKS, update
from tests.tokens import issue


@pytest.fixture
def client(committed: Governed) -> Iterator[httpx.Client]:
    """A program with one connection to a server, and a token of the developer's."""
    headers = {"Authorization": f"Bearer {issue(committed.developer).secret}"}
    with web_server() as server, httpx.Client(base_url=server.url, headers=headers) as client:
        yield client


def test_a_body_over_the_limit_is_refused_and_the_server_serves_on(
    committed: Governed, client: httpx.Client
) -> None:
    body = json.dumps(update(committed.add_tasks(1))).encode()
    json_body = {"Content-Type": "application/json"}
    refused = client.post(SETTINGS_TASKS, content=body.ljust(9 * 2**20), headers=json_body)
    assert (refused.status_code, refused.json()["errors"][0]["code"]) == (413, "too_large")
    assert refused.headers["X-Request-Id"]
    assert client.post(SETTINGS_TASKS, content=body, headers=json_body).status_code == 200


def test_a_chunked_body_is_refused_and_the_server_serves_on(
    committed: Governed, client: httpx.Client
) -> None:
    body = json.dumps(update(committed.add_tasks(1))).encode()
    json_body = {"Content-Type": "application/json"}
    refused = client.post(SETTINGS_TASKS, content=iter([body]), headers=json_body)
    assert (refused.status_code, refused.json()["errors"][0]["code"]) == (411, "length_required")
    assert client.post(SETTINGS_TASKS, content=body, headers=json_body).status_code == 200


def test_a_connection_that_ends_in_the_middle_of_a_body_does_no_harm(
    committed: Governed, client: httpx.Client
) -> None:
    uids = committed.add_tasks(1)
    head = (
        f"POST {SETTINGS_TASKS} HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1000\r\n"
        f"Authorization: {client.headers['Authorization']}\r\n"
        "Content-Type: application/json\r\n\r\n"
    )
    with socket.create_connection((client.base_url.host, client.base_url.port or 0)) as sending:
        sending.sendall(head.encode() + b'{"target": [')
    assert client.post(SETTINGS_TASKS, json=update(uids)).status_code == 200


@pytest.mark.parametrize("path", ["/api", "/api/v2/settings/tasks/", "/v1/job/permissions/batch/"])
def test_no_address_of_an_interface_is_redirected(client: httpx.Client, path: str) -> None:
    for answer in (client.get(path), client.post(path, json={})):
        assert answer.status_code == 404
        assert answer.headers["Content-Type"] == "application/json"


def test_a_head_request_is_answered_as_get_without_the_body(
    committed: Governed, client: httpx.Client
) -> None:
    made = client.post(SETTINGS_TASKS, json=update(committed.add_tasks(1)))
    answer = client.head(made.headers["Location"])
    assert (answer.status_code, answer.content) == (200, b"")


@pytest.mark.parametrize("charset", ["rot13", "undefined"])
def test_a_charset_that_decodes_no_text_does_no_harm(
    committed: Governed, client: httpx.Client, charset: str
) -> None:
    body = json.dumps(update(committed.add_tasks(1))).encode()
    strange = {"Content-Type": f"application/json; charset={charset}"}
    answer = client.post(f"{SETTINGS_TASKS}?dry_run=true", content=body, headers=strange)
    assert (answer.status_code, answer.json()["status"]) == (200, "success")
