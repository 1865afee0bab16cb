"""The request's id: taken or made, given back, and in the log."""

import re

import pytest
import structlog
from django.http import HttpRequest, HttpResponse
from django.test import Client, RequestFactory

from audit.request_id import RequestIdMiddleware, request_id_of


def answer_to(**headers: str) -> HttpResponse:
    named = {name.replace("_", "-"): value for name, value in headers.items()}

    def view(request: HttpRequest) -> HttpResponse:
        logged = structlog.contextvars.get_contextvars()["request_id"]
        assert logged == request_id_of(request)
        return HttpResponse(logged)

    return RequestIdMiddleware(view)(RequestFactory().get("/", headers=named))


@pytest.mark.parametrize("given", ["a", "release-42", "0.1_2-Z", "x" * 128])
def test_the_callers_id_is_taken(given: str) -> None:
    answer = answer_to(X_Request_Id=given)
    assert answer["X-Request-Id"] == answer.content.decode() == given


@pytest.mark.parametrize("given", ["", "x" * 129, "a b", "ä", 'a"', "a\n", "a,b"])
def test_an_id_that_could_harm_a_log_is_replaced(given: str) -> None:
    answer = answer_to(X_Request_Id=given)
    assert re.fullmatch(r"[0-9a-f]{32}", answer["X-Request-Id"])
    assert answer["X-Request-Id"] == answer.content.decode()


def test_requests_without_an_id_get_different_ones() -> None:
    assert answer_to()["X-Request-Id"] != answer_to()["X-Request-Id"]


def test_the_id_leaves_the_log_with_the_request() -> None:
    answer_to(X_Request_Id="a")
    assert "request_id" not in structlog.contextvars.get_contextvars()


@pytest.mark.django_db
@pytest.mark.parametrize("path", ["/admin/login/", "/nothing", "/api/nothing", "/v1/nothing"])
def test_every_answer_has_it(path: str) -> None:
    answer = Client().get(path, headers={"X-Request-Id": "release-42"})
    assert answer["X-Request-Id"] == "release-42"
