"""Whatever is asked under an interface's prefix is answered in its shape, and never redirected."""

from collections.abc import Callable

import pytest
from django.db import OperationalError
from django.http import HttpRequest, HttpResponse, UnreadablePostError
from django.test import Client
from pytest_django.fixtures import Settings

from tasks.batch import pipeline
from tests.conftest import Governed
from tests.tasks.api.caller import SETTINGS_TASKS, Answered, caller_of, update


pytestmark = pytest.mark.django_db


@pytest.fixture
def client() -> Client:
    return Client(raise_request_exception=False)


def codearts(answer: Answered) -> str:
    assert answer.json().keys() == {"error_code", "error_msg"}
    return str(answer.json()["error_code"])


def opsera(answer: Answered) -> str:
    assert answer.json().keys() == {"status", "message", "log", "errors"}
    return str(answer.json()["errors"][0]["code"])


@pytest.mark.parametrize("method", ["get", "post", "put", "delete", "head", "options", "patch"])
@pytest.mark.parametrize(
    ("path", "shape", "code"),
    [
        ("/api", opsera, "unknown_path"),
        ("/api/", opsera, "unknown_path"),
        ("/api/v2/nothing", opsera, "unknown_path"),
        ("/api/v2/settings/tasks/", opsera, "unknown_path"),
        ("/api//v2/settings/tasks", opsera, "unknown_path"),
        ("/API/v2/settings/tasks", opsera, "unknown_path"),
        ("/v1", codearts, "CB.00060214"),
        ("/v1/", codearts, "CB.00060214"),
        ("/v1/job/nothing", codearts, "CB.00060214"),
        ("/v1/job/permissions/batch/", codearts, "CB.00060214"),
    ],
)
def test_an_unknown_address_is_not_found(
    client: Client, method: str, path: str, shape: Callable[[Answered], str], code: str
) -> None:
    answer = getattr(client, method)(path)
    assert answer.status_code == 404
    assert answer["X-Request-Id"]
    assert "Allow" not in answer
    if method != "head":
        assert shape(answer) == code


@pytest.mark.parametrize("method", ["get", "put", "delete", "options", "patch"])
def test_a_method_that_is_not_served_is_refused_whoever_asks(client: Client, method: str) -> None:
    answer = getattr(client, method)(SETTINGS_TASKS)
    assert (answer.status_code, answer["Allow"]) == (405, "POST")
    assert opsera(answer) == "method_not_allowed"
    assert getattr(client, method)("/v1/job/permissions/batch").status_code == 405


def test_a_crash_tells_nothing_of_itself(
    governed: Governed, monkeypatch: pytest.MonkeyPatch
) -> None:
    def crash(**_: object) -> None:
        raise RuntimeError("password=hunter2")

    monkeypatch.setattr(pipeline, "apply", crash)
    answer = caller_of(governed.developer).post(SETTINGS_TASKS, update(governed.add_tasks(1)))
    assert answer.status_code == 500
    assert opsera(answer) == "internal_error"
    assert "hunter2" not in answer.content.decode()


def test_a_database_that_is_away_is_said_to_be(
    governed: Governed, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(**_: object) -> None:
        raise OperationalError("server closed the connection unexpectedly")

    monkeypatch.setattr(pipeline, "apply", refuse)
    answer = caller_of(governed.developer).post(SETTINGS_TASKS, update(governed.add_tasks(1)))
    assert (answer.status_code, answer["Retry-After"]) == (503, "1")
    assert opsera(answer) == "unavailable"


def test_a_body_that_breaks_off_is_malformed(
    governed: Governed, monkeypatch: pytest.MonkeyPatch
) -> None:
    def break_off(_: HttpRequest) -> bytes:
        raise UnreadablePostError("the client is gone")

    monkeypatch.setattr(HttpRequest, "body", property(break_off))
    answer = caller_of(governed.developer).post(SETTINGS_TASKS, update(governed.add_tasks(1)))
    assert (answer.status_code, opsera(answer)) == (400, "malformed")


@pytest.mark.parametrize(
    ("path", "shape", "code"),
    [(SETTINGS_TASKS, opsera, "internal_error"), ("/v1/anything", codearts, "CB.00060101")],
)
def test_a_crash_outside_the_views_has_the_shape_too(
    client: Client,
    monkeypatch: pytest.MonkeyPatch,
    path: str,
    shape: Callable[[Answered], str],
    code: str,
) -> None:
    def crash(_: object, __: HttpRequest) -> HttpResponse:
        raise RuntimeError("password=hunter2")

    monkeypatch.setattr(
        "django.contrib.sessions.middleware.SessionMiddleware.process_request", crash
    )
    answer = client.post(path)
    assert (answer.status_code, shape(answer)) == (500, code)
    assert answer["X-Request-Id"]
    assert "hunter2" not in answer.content.decode()


def test_a_host_that_is_not_ours_is_refused_in_the_shape(client: Client) -> None:
    answer = client.post(SETTINGS_TASKS, headers={"Host": "evil.example"})
    assert (answer.status_code, opsera(answer)) == (400, "malformed")


@pytest.mark.parametrize("path", [SETTINGS_TASKS, "/v1/job/permissions/batch"])
def test_plain_http_is_refused_where_tls_is_required(
    client: Client, settings: Settings, path: str
) -> None:
    settings.SECURE_SSL_REDIRECT = True
    assert client.post(path).status_code == 403
    assert client.post(path, secure=True).status_code == 401


def test_elsewhere_plain_http_is_redirected(client: Client, settings: Settings) -> None:
    settings.SECURE_SSL_REDIRECT = True
    assert client.get("/admin/").status_code == 301


def test_elsewhere_an_unknown_address_is_a_page(client: Client) -> None:
    answer = client.get("/nothing")
    assert (answer.status_code, answer["Content-Type"].partition(";")[0]) == (404, "text/html")
