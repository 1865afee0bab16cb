"""What a person did, and which rows of history tell what was done to them.

Read by auditors and by the person. What was done to somebody is told on the history page of their account;
what they could do at a moment is `permissions.admin.past`.
"""

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any, NamedTuple

from django.contrib.auth.models import User
from django.db.models import Q
from django.http import Http404, HttpRequest, HttpResponse
from django.urls import reverse

from audit.admin.base import BaseAdmin
from audit.admin.history import LAST_PAGE
from audit.admin.panels import FurtherPage, register_page
from audit.admin.requests import actor_of, is_key, page_number
from audit.admin.timeline import PER_PAGE, history_of
from audit.visibility import may_audit, visible_operations


class Tab(NamedTuple):
    """One of the pages about a person."""

    title: str
    address: str
    is_current: bool


def tabs_of_person(*, key: int, current: str) -> Sequence[Tab]:
    """Return the pages that tell of a person."""
    titles = {
        "history": "What was done to them",
        "operations": "What they did",
        "past": "What they could do",
    }
    return [
        Tab(title, reverse(f"admin:auth_user_{name}", args=[key]), name == current)
        for name, title in titles.items()
    ]


def may_read_person(request: HttpRequest, key: int) -> bool:
    """Return whether the visitor reads what is told of the person: auditors do, and who it is."""
    actor = actor_of(request)
    return actor.pk == key or may_audit(actor=actor)


def name_of_person(key: int) -> str:
    """Return the name of an account, or the last one of an account that is gone.

    Raises:
        Http404: there never was such an account.
    """
    rows = (
        history_of(User).filter(id=key).order_by("-history_id").values_list("username", flat=True)
    )
    live = User.objects.filter(pk=key).values_list("username", flat=True)
    name = live.first() or rows.first()
    if name is None:
        raise Http404
    return str(name)


def memberships_of_person(key: int) -> Q:
    """Return which rows about members of roles tell of a person: also their groups', while they were in."""
    wanted = Q(user_id=key)
    for group_id, since, until in _times_in_groups(key):
        wanted |= Q(group_id=group_id, history_date__gte=since, history_date__lte=until)
    return wanted


def _times_in_groups(key: int) -> Iterator[tuple[int, datetime, datetime]]:
    rows = history_of(User.groups.through).filter(user_id=key).order_by("history_id")
    since: dict[int, tuple[int, datetime]] = {}
    for row in rows.only("id", "group_id", "history_type", "history_date"):
        if row.history_type == "+":
            since[row.id] = (row.group_id, row.history_date)
        elif row.id in since:
            yield (*since.pop(row.id), row.history_date)
    for group_id, at in since.values():
        yield group_id, at, datetime.max.replace(tzinfo=at.tzinfo)


def operations_of_person(page: BaseAdmin, request: HttpRequest, object_id: str) -> HttpResponse:
    """Show what a person did, newest first.

    Raises:
        Http404: there never was such an account, or the visitor may not ask about it.
    """
    if not (is_key(object_id) and may_read_person(request, int(object_id))):
        raise Http404
    key = int(object_id)
    name = name_of_person(key)
    number = page_number(request.GET.get("p", ""), last=LAST_PAGE)
    shown = _operations(request, key)[(number - 1) * PER_PAGE : number * PER_PAGE + 1]
    operations = list(shown)
    context: dict[str, Any] = {
        "original": page.get_object(request, object_id),
        "title": f"What {name} did",
        "tabs": tabs_of_person(key=key, current="operations"),
        "operations": operations[:PER_PAGE],
        "newer": number - 1,
        "older": number + 1 if len(operations) > PER_PAGE else 0,
        "list": reverse("admin:audit_operation_changelist", query={"actor": name}),
    }
    return page.render(request, "admin/person_operations.html", context)


def _operations(request: HttpRequest, key: int) -> Any:
    own: Any = visible_operations(actor=actor_of(request)).filter(actor_id=key)
    shown = own.defer("requested", "refusals").select_related("progress", "attempt")
    return shown.order_by("-created_at", "-pk")


register_page(User, FurtherPage("operations", operations_of_person))
