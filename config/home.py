"""The home page: what needs attention, what happened, and how much there is; as far as the visitor sees."""

from collections.abc import Iterator, Sequence
from datetime import date, datetime, timedelta
from typing import Any, NamedTuple

from django.db.models import QuerySet
from django.http import HttpRequest
from django.urls import reverse
from django.utils import timezone

from audit.admin.charts import Bar, Chart
from audit.admin.requests import actor_of
from audit.admin.result import targets_in_words
from audit.models import Channel, Operation, Seal, State
from audit.trail.activity import DAYS, Days, operations_ended, read_days, unfinished_operations
from audit.trail.channels import By
from audit.trail.exports import EXPORT
from audit.visibility import may_audit, visible_operations
from permissions.admin.visible import tokens_for
from tasks.extent import Extent, Shares, read_extent
from tasks.visibility import visible_projects


_RECENT = 8
# So many of each kind are named.
_NAMED = 5
_LATELY = timedelta(days=1)
_SOON = timedelta(days=14)


class Item(NamedTuple):
    """Something that needs attention, what there is to know about it, and where to look."""

    title: str
    detail: str
    at: datetime | None
    url: str


class Question(NamedTuple):
    """What auditors often want to know, and the list of operations that answers it."""

    title: str
    url: str


class Notice(NamedTuple):
    """Items of one kind, as many as are named; `more` leads to all of them."""

    title: str
    icon: str
    tone: str
    items: Sequence[Item]
    more: str


def dashboard(request: HttpRequest, context: dict[str, Any]) -> dict[str, Any]:
    """Add to the context of the home page what it shows."""
    actor, now = actor_of(request), timezone.now()
    is_in_a_project = visible_projects(actor=actor).exists()
    is_auditor = may_audit(actor=actor)
    charts: list[Chart] = []
    if is_in_a_project or is_auditor:
        charts.append(_chart_of_days(read_days(actor=actor, at=now)))
    if is_in_a_project:
        charts += _charts_of_tasks(read_extent(actor=actor))
    return {
        **context,
        "is_in_a_project": is_in_a_project,
        "is_auditor": is_auditor,
        **(_for_auditors(now.date()) if is_auditor and not actor.is_superuser else {}),
        "notices": [notice for notice in _notices(request, now) if notice.items],
        "recent": visible_operations(actor=actor).order_by("-created_at")[:_RECENT],
        "charts": charts,
    }


def _for_auditors(today: date) -> dict[str, Any]:
    """Return where auditors begin, and how far the trail is sealed."""
    newest = Seal.objects.order_by("-number").only("number", "sealed_at").first()
    return {"questions": questions_on(today), "newest_seal": newest}


def questions_on(today: date) -> Sequence[Question]:
    """Return what auditors often want to know, as of a day (UTC)."""
    month = _day_before(today.replace(day=1))
    quarter = _day_before(today.replace(month=3 * ((today.month - 1) // 3) + 1, day=1))
    first = quarter.replace(month=quarter.month - 2, day=1)
    named = f"quarter {quarter.month // 3} of {quarter.year}"
    outside = _list(channel__exact=Channel.DATABASE)
    so_far = _list(created_at_from_0=f"{today.replace(day=1)}")
    return (
        Question(f"What was done in {today:%B %Y} so far", so_far),
        Question(f"What was done in {month:%B %Y}", _list(**_days(month.replace(day=1), month))),
        Question(f"What was done in {named}", _list(**_days(first, quarter))),
        Question("What programs did", _list(by=By.AUTOMATION)),
        Question("What was refused", _list(state__exact=State.REFUSED)),
        Question("What was changed outside the application", outside),
        Question("Who exported the trail", _list(kind=EXPORT)),
    )


def _day_before(day: date) -> date:
    return day - timedelta(days=1)


def _days(first: date, last: date) -> dict[str, str]:
    return {"created_at_from_0": f"{first}", "created_at_to_0": f"{last}"}


def _list(**asked: str) -> str:
    return reverse("admin:audit_operation_changelist", query=asked)


def _notices(request: HttpRequest, now: datetime) -> Iterator[Notice]:
    actor = actor_of(request)
    for state, title, icon, tone in (
        (State.FAILED, "Failed in the last day", "error", "bad"),
        (State.REFUSED, "Refused in the last day", "block", "warn"),
    ):
        ended = operations_ended(actor=actor, state=state, since=now - _LATELY)
        yield _operations(Notice(title, icon, tone, [], f"?state__exact={state}"), ended)
    going_on = Notice("Running or waiting", "progress_activity", "info", [], "")
    yield _operations(going_on, unfinished_operations(actor=actor))
    yield _expiring_tokens(request, now)


def _operations(notice: Notice, found: QuerySet[Operation]) -> Notice:
    """Return the notice with the first of the operations; `more` is its query of the list so far."""
    named = list(found[: _NAMED + 1])
    items = [
        Item(
            operation.title,
            _about(operation),
            operation.created_at,
            reverse("admin:audit_operation_change", args=[operation.pk]),
        )
        for operation in named[:_NAMED]
    ]
    listed = reverse("admin:audit_operation_changelist") + notice.more
    return notice._replace(items=items, more=listed if len(named) > _NAMED else "")


def _about(operation: Operation) -> str:
    """Return how an operation stands, how much it is about, and whose it is."""
    extent = targets_in_words(operation, operation.targets) if operation.targets else ""
    # Read along with what runs, and asked for of nothing else.
    if operation.state == State.RUNNING and (progress := getattr(operation, "progress", None)):
        extent = f"{progress.done:,} of {extent}"
    return ", ".join(filter(None, [operation.get_state_display(), extent, operation.actor_name]))


def _expiring_tokens(request: HttpRequest, now: datetime) -> Notice:
    valid = tokens_for(request).filter(revoked_at=None, owner__is_active=True)
    ending = valid.filter(expires_at__gt=now, expires_at__lte=now + _SOON).order_by("expires_at")
    found = list(ending[: _NAMED + 1])
    items = [
        Item(
            token.name,
            f"API token of {token.owner.get_username()}, expires",
            token.expires_at,
            reverse("admin:permissions_apitoken_change", args=[token.pk]),
        )
        for token in found[:_NAMED]
    ]
    listed = reverse("admin:permissions_apitoken_changelist")
    more = listed if len(found) > _NAMED else ""
    return Notice("About to expire", "key", "warn", items, more)


def _chart_of_days(days: Days) -> Chart:
    bars = [
        Bar(
            f"{day.date:%-d %b}",
            day.tasks,
            (f"{day.tasks:,}", f"{day.operations:,}"),
            _list(**_days(day.date, day.date)),
        )
        for day in days.days
    ]
    return Chart(
        name="days",
        title="Tasks changed per day",
        headings=("Day (UTC)", "Tasks changed", "Operations"),
        bars=bars if any(day.operations for day in days.days) else [],
        without=f"Nothing was changed in the last {DAYS} days.",
        note="The first of these days are not counted in full." if days.is_cut else "",
    )


def _charts_of_tasks(extent: Extent) -> Iterator[Chart]:
    listed = reverse("admin:tasks_task_changelist")
    for name, title, heading, shares, lookup in (
        ("types", "Tasks by type", "Type", extent.by_type, "task_type__id__exact"),
        ("projects", "Tasks by project", "Project", extent.by_project, "project__id__exact"),
    ):
        yield Chart(
            name=name,
            title=title,
            headings=(heading, "Tasks"),
            bars=[
                Bar(
                    share.name,
                    share.tasks,
                    (_number(share.tasks, extent),),
                    f"{listed}?{lookup}={share.key}",
                )
                for share in shares.largest
            ],
            without="None stands out." if extent.total else "There are no tasks yet.",
            note=_note(shares, extent),
            is_lying=True,
        )


def _note(shares: Shares, extent: Extent) -> str:
    """Return what the bars do not say: how many tasks there are, and how many have no bar."""
    total = f"You may view {_number(extent.total, extent)} tasks"
    if shares.others and shares.largest:
        total += f", of which {_number(shares.others, extent)} have no bar here"
    return f"{total}; estimated from a sample." if extent.is_estimate else f"{total}."


def _number(tasks: int, extent: Extent) -> str:
    """Return a number as a page says it: of an estimate, its first two digits."""
    if not extent.is_estimate:
        return f"{tasks:,}"
    return f"about {round(tasks, 2 - len(str(tasks))):,}"
