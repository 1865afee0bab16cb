"""The targets that stood in an operation's way, on its page: by reason, a page at a time."""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple
from urllib.parse import urlencode

from django.core.paginator import Page, Paginator
from django.http import HttpRequest

from audit.admin.panels import Panel, register_panel
from audit.admin.requests import actor_of
from audit.models import Operation
from tasks.batch.plan import Reason
from tasks.models import Task
from tasks.visibility import readable_tasks


PER_PAGE = 50

_REASONS: Mapping[str, str] = {
    Reason.NOT_FOUND: "Not found",
    Reason.NO_RIGHT: "No right",
    Reason.LOCKED_ROLE: "Locked role",
    Reason.NOT_HELD: "Flag not held",
    Reason.SETTINGS: "Settings not valid",
    Reason.SECRET_PLACE: "Secret at an open place",
    Reason.OTHER_PROJECT: "Of another project",
    Reason.UNKNOWN_ROLE: "Unknown role",
    Reason.CHANGED_SINCE: "Changed since",
    Reason.NAME_TAKEN: "Name taken",
    "drifted": "Changed since the preview",
}


class RefusedTask(NamedTuple):
    """A target that stood in the way, and why; without a task where the visitor may not know of it."""

    uid: str
    task: Task | None
    reason: str
    detail: str
    # What who asked was told of a task that there is.
    is_hidden: bool = False


class Tab(NamedTuple):
    """The targets that stood in the way for one reason."""

    title: str
    size: int
    query: str
    is_current: bool


class Refused(NamedTuple):
    """One page of the targets that stood in the way, for one reason or all."""

    tabs: Sequence[Tab]
    rows: Sequence[RefusedTask]
    page: Page[Any]
    query: str
    left_out: int


def refused_targets(operation: Operation) -> list[dict[str, str]]:
    """Return the targets that stood in the way, as the operation keeps them."""
    if not operation.refused:
        return []  # without reading what may be long
    return [refusal for refusal in operation.refusals if refusal["target"]]


def _panel(request: HttpRequest, operation: Operation) -> Refused | None:
    if not operation.refused:
        return None
    refusals = refused_targets(operation)
    codes = Counter(refusal["code"] for refusal in refusals)
    chosen = request.GET.get("refused", "")
    if chosen in codes:
        refusals = [refusal for refusal in refusals if refusal["code"] == chosen]
    asked = request.GET.get("refused_page")
    page = Paginator(refusals, PER_PAGE).get_page(asked)
    return Refused(
        tabs=[
            Tab(_title(code), size, urlencode({"refused": code}), is_current=code == chosen)
            for code, size in codes.most_common()
        ],
        rows=_rows(request, list(page)),
        page=page,
        query=urlencode({"refused": chosen} if chosen in codes else {}),
        left_out=operation.refused - codes.total(),
    )


def _rows(request: HttpRequest, refusals: Sequence[Mapping[str, str]]) -> list[RefusedTask]:
    uids = [refusal["target"] for refusal in refusals]
    tasks = readable_tasks(actor=actor_of(request)).filter(uid__in=uids).select_related("project")
    by_uid = {task.uid: task for task in tasks}
    return [
        RefusedTask(
            refusal["target"],
            by_uid.get(refusal["target"]),
            title := _title(refusal["code"]),
            # Nothing is said twice.
            "" if refusal["detail"].capitalize() == title else refusal["detail"],
            is_hidden=refusal["code"] == Reason.NOT_FOUND and refusal["target"] in by_uid,
        )
        for refusal in refusals
    ]


def _title(code: str) -> str:
    return _REASONS.get(code) or code.replace("_", " ").capitalize()


register_panel(Operation, Panel("What stood in the way", "admin/panels/refused.html", _panel))
