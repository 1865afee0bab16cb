"""What was done to the tasks that the visitor may view, by whomever, and what the visitor did.

Auditors are told everything here. Exactly what the API tells: it reads with the same reader.
"""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

from django.http import HttpRequest, HttpResponse
from django.urls import reverse

from audit.admin.base import BaseAdmin
from audit.admin.described import Difference, in_words
from audit.admin.requests import actor_of, is_key
from audit.models import Operation
from audit.trail.reader import Filter
from audit.trail.reading import ITSELF, ChangePlace, Found, read_page
from audit.trail.subjects import VERBS, subjects
from audit.visibility import may_audit
from tasks.arrays import EqualsAny
from tasks.models import Task
from tasks.trail import reader_of


_PER_PAGE = 50


class ToldChange(NamedTuple):
    """A change as the page shows it; `what` is empty where the operation itself is told.

    `history` leads to that of the task, if the change is one of a task.
    """

    operation: Operation
    title: str
    what: str
    kind: str
    differences: Sequence[Difference]
    history: str = ""


class Words(NamedTuple):
    """What changes of a subject are called, with {} for the object's name, and how places are told."""

    what: str
    place: Callable[[str], str]


def place_in_words(place: str) -> str:
    """Return a place in words: in settings as a merge patch would name it, else by its own name."""
    if place.startswith(_SETTINGS):
        return place.removeprefix(_SETTINGS)
    return place.removeprefix("/").replace("_", " ")


_SETTINGS = "/settings"
_words: dict[str, Words] = {}


def tell_in_words(*, subject: str, words: Words) -> None:
    """Say how changes of a subject are told; without it they are called as the trail calls them."""
    _words[subject] = words


def changes_page(page: BaseAdmin, request: HttpRequest) -> HttpResponse:
    """Show a page of changes, newest operations first."""
    actor = actor_of(request)
    reader = reader_of(actor=actor, wanted=Filter())
    after = _place(request.GET.get("after", ""))
    shown = read_page(reader=reader, after=after, limit=_PER_PAGE)
    uids = {found.change.entry.task or "" for found in shown.found if found.change}
    keys = dict(Task.objects.filter(EqualsAny("uid", [*uids])).values_list("uid", "pk"))
    context: dict[str, Any] = {
        "title": "What was done to your tasks, and what you did",
        "changes": [_told(found, keys) for found in shown.found],
        "is_first": after is None,
        "older": shown.following and _in_address(shown.following),
        "may_audit": may_audit(actor=actor),
    }
    return page.render(request, "admin/told_changes.html", context)


def _told(found: Found, keys: Mapping[str, int]) -> ToldChange:
    title = found.operation.title
    if found.change is None:
        return ToldChange(found.operation, title, "", "", ())
    entry, differences = found.change
    plain = Words(f"{entry.subject.replace('_', ' ')} {{}}", place_in_words)
    words = _words.get(entry.subject, plain)
    key = keys.get(entry.task or "")
    return ToldChange(
        operation=found.operation,
        title=title,
        what=words.what.format(entry.name),
        kind=VERBS[entry.kind],
        differences=[in_words(each, what=words.place(each.place)) for each in differences],
        history=reverse("admin:tasks_task_history", args=[key]) if key else "",
    )


def _in_address(place: ChangePlace) -> str:
    return "_".join(map(str, (place.created_at.isoformat(), *place[1:3], place.history_id)))


def _place(text: str) -> ChangePlace | None:
    """Return the place that an address names; what names none means the beginning."""
    at, _, rest = text.partition("_")
    operation, _, rest = rest.partition("_")
    subject, _, number = rest.rpartition("_")
    if subject not in {ITSELF, *(each.name for each in subjects())} or not is_key(number):
        return None
    try:
        created_at = datetime.fromisoformat(at)
        place = ChangePlace(created_at, UUID(operation), subject, int(number))
    except ValueError:
        return None
    return place if created_at.tzinfo else None
