"""The Content-Security-Policy: one, strict, on every answer."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings as configured
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver
from pytest_django.fixtures import Settings

from tests.conftest import Governed
from tests.visitors import INLINE, Visitor, assert_strict, visit


pytestmark = pytest.mark.django_db


def addresses(resolver: URLResolver, prefix: str = "/") -> Iterator[str]:
    """Return an address for every route of the product, with made-up keys in it."""
    for entry in resolver.url_patterns:
        route = prefix + str(entry.pattern).lstrip("^").removesuffix("$")
        if isinstance(entry, URLResolver):
            yield from addresses(entry, route)
        else:
            assert isinstance(entry, URLPattern)
            route = re.sub(r"<uuid:\w+>", "01980000-0000-7000-8000-000000000000", route)
            yield re.sub(r"<\w+:\w+>|\(.*?\)|\[.*?\]", "1", route)


ADDRESSES = sorted(set(addresses(get_resolver())))


def test_the_routes_are_found() -> None:
    expected = {"/admin/", "/admin/tasks/task/", "/admin/tasks/task/1/change/", "/api/docs"}
    assert expected <= set(ADDRESSES)
    assert len(ADDRESSES) > 50


@pytest.mark.parametrize("method", ["get", "post"])
def test_every_route_answers_with_the_policy(governed: Governed, method: str) -> None:
    governed.add_tasks(1)
    for browser in (visit(governed.admin), visit(governed.viewer), Visitor()):
        browser.raise_request_exception = False
        for address in ADDRESSES:
            if "logout" not in address:
                assert getattr(browser, method)(address).status_code < 500, address


@pytest.mark.parametrize(
    ("address", "headers", "status"),
    [
        ("/static/bulkhead/expressions.js", {}, 200),
        ("/static/nothing.js", {}, 404),
        ("/nothing", {}, 404),
        ("/api/v2/nothing", {}, 404),
        ("/v1/nothing", {}, 404),
        ("/admin/", {"Host": "elsewhere.example"}, 400),
        ("/api/v2/settings/tasks", {"Host": "elsewhere.example"}, 400),
    ],
)
def test_files_and_refusals_carry_the_policy(
    address: str, headers: dict[str, str], status: int
) -> None:
    response: Any = Client().get(address, headers=headers)
    assert response.status_code == status
    if response.streaming:
        response.close()
    assert "default-src 'none'" in response.headers["Content-Security-Policy"]


def test_a_forged_form_is_refused_with_the_policy(governed: Governed) -> None:
    browser = Visitor(enforce_csrf_checks=True)
    assert browser.post("/admin/login/", {"username": "payments-viewer"}).status_code == 403


def test_what_came_without_tls_is_refused_with_the_policy(settings: Settings) -> None:
    settings.SECURE_SSL_REDIRECT = True
    for address, status in (("/api/v2/settings/tasks", 403), ("/admin/", 301)):
        response = Client().get(address)
        assert response.status_code == status
        assert_strict(response)


def test_our_templates_bring_no_inline_script_style_or_handler() -> None:
    templates = sorted((Path(configured.BASE_DIR) / "templates").rglob("*.html"))
    assert templates
    assert [page for page in templates if INLINE.search(page.read_text())] == []


def test_an_answer_with_something_inline_would_be_noticed() -> None:
    policy = Client().get("/nothing").headers["Content-Security-Policy"]
    for page in (
        "<p style='a'>",
        '<a onclick="b">',
        "<script>c</script>",
        "<style>",
        "JavaScript:d",
    ):
        response = Client().get("/nothing")
        response.headers["Content-Security-Policy"] = policy
        response.content = page.encode()
        with pytest.raises(AssertionError):
            assert_strict(response)
