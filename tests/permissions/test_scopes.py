"""Every route of the interfaces, asked with a token of every scope."""

from collections.abc import Iterator
from typing import Any, NamedTuple
from uuid import UUID

import pytest
from django.test import Client
from django.urls import URLResolver, get_resolver
from rest_framework.views import APIView

from permissions.api.authentication import TokenAuthentication
from permissions.api.scopes import HasScope
from permissions.api.throttling import TokenRateThrottle
from permissions.models import Scope
from tests.conftest import Governed
from tests.permissions.governance import change
from tests.tokens import issue


# Open to everybody, and without anything to protect.
PUBLIC = {"/api/schema", "/api/docs"}
UNKNOWN = {"^api(/|$)", "^v[1-4](/|$)"}

# Which scope opens what. A new route stands here before it is answered.
OPENS = {
    ("/v1/job/permissions/batch", "POST"): Scope.PERMISSIONS_WRITE,
    ("/api/v2/settings/tasks", "POST"): Scope.SETTINGS_WRITE,
    ("/api/v2/operations/<uuid:operation_id>", "GET"): Scope.TASKS_READ,
    ("/api/v2/operations", "GET"): Scope.AUDIT_READ,
    ("/api/v2/operations/<uuid:operation_id>/changes", "GET"): Scope.AUDIT_READ,
    ("/api/v2/audit/events", "GET"): Scope.AUDIT_READ,
    ("/api/v2/audit/settings", "GET"): Scope.AUDIT_READ,
    ("/api/v2/audit/access", "GET"): Scope.AUDIT_READ,
    # These take the scope that it took to make the change; the operation below changed permissions.
    ("/api/v2/operations/<uuid:operation_id>/cancel", "POST"): Scope.PERMISSIONS_WRITE,
    ("/api/v2/operations/<uuid:operation_id>/revert", "POST"): Scope.PERMISSIONS_WRITE,
}

# Who polls an operation reads tasks; who reads the trail reads all that it leads to.
ALSO = {("/api/v2/operations/<uuid:operation_id>", "GET"): {Scope.AUDIT_READ}}


class Route(NamedTuple):
    """An address, and the view that answers it."""

    pattern: str
    view: type[APIView]


def routes() -> list[Route]:
    """Return every route of the interfaces, as the resolver knows them."""
    return [
        Route(f"/{pattern}", view)
        for pattern, view in _walk(get_resolver(), "")
        if issubclass(view, APIView) and pattern not in UNKNOWN
    ]


def _walk(resolver: URLResolver, prefix: str) -> Iterator[tuple[str, Any]]:
    for found in resolver.url_patterns:
        pattern = f"{prefix}{found.pattern}"
        if isinstance(found, URLResolver):
            yield from _walk(found, pattern)
        else:
            view = found.callback
            yield pattern, getattr(view, "cls", None) or getattr(view, "view_class", type(view))


def methods_of(view: type[APIView]) -> set[str]:
    return {name.upper() for name in view.http_method_names if hasattr(view, name)} - {"HEAD"}


GUARDED = [route for route in routes() if route.pattern not in PUBLIC]


def test_every_route_is_known_here_with_its_scope() -> None:
    assert {route.pattern for route in routes()} - {route.pattern for route in GUARDED} == PUBLIC
    found = {(route.pattern, method) for route in GUARDED for method in methods_of(route.view)}
    assert found == OPENS.keys()


@pytest.mark.parametrize("route", GUARDED, ids=lambda route: route.pattern)
def test_no_route_goes_around_tokens_scopes_and_rate(route: Route) -> None:
    assert list(route.view.authentication_classes) == [TokenAuthentication]
    assert list(route.view.permission_classes) == [HasScope]
    assert list(route.view.throttle_classes) == [TokenRateThrottle]


@pytest.mark.parametrize(("pattern", "method"), OPENS)
def test_a_route_opens_for_its_own_scope_alone(
    governed: Governed, pattern: str, method: str
) -> None:
    changed = change(governed.manager, governed.add_tasks(1), follow=False)
    address = pattern.replace("<uuid:operation_id>", str(changed.operation.pk))
    opened = set()
    for scope in Scope:
        secret = issue(governed.manager, name=scope, scopes=[scope]).secret
        response = Client().generic(method, address, headers={"Authorization": f"Bearer {secret}"})
        if response.status_code != 403:
            opened.add(scope)
        else:
            assert f"lacks the scope {OPENS[pattern, method]}" in response.content.decode()
    assert opened == {OPENS[pattern, method]} | ALSO.get((pattern, method), set())


@pytest.mark.django_db
@pytest.mark.parametrize(("pattern", "method"), OPENS)
def test_a_route_stays_shut_without_a_token(pattern: str, method: str) -> None:
    address = pattern.replace("<uuid:operation_id>", str(UUID(int=0)))
    assert Client().generic(method, address).status_code == 401
