"""What is asked of a long history: every filter by itself, what is on its pages, and the past."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, NamedTuple, Self
from urllib.parse import urlencode
from uuid import UUID

from django.contrib.auth.models import User
from django.urls import reverse
from django.utils import timezone

from audit.models import Operation
from audit.visibility import may_audit
from tasks.models import Task
from tasks.visibility import visible_tasks
from tests.benchmarks.estate import Estate
from tests.benchmarks.history import AGENT, LongHistory


OPERATIONS, EVENTS = "/api/v2/operations", "/api/v2/audit/events"
ACCESS, SETTINGS = "/api/v2/audit/access", "/api/v2/audit/settings"
# How many operations a page lists, and rows of one operation; and pages that are far behind the first.
_PER_PAGE = 50
_FAR_PAGE = 180
_FAR = 300


class Question(NamedTuple):
    """What is asked: a name, and the address that answers."""

    name: str
    path: str


class Asked(NamedTuple):
    """A filter: its name, and how the API and the admin's list spell it."""

    name: str
    api: dict[str, Any]
    admin: dict[str, Any]


def same(name: str, **query: Any) -> Asked:
    """Return a filter that both spell alike."""
    return Asked(name, query, query)


@dataclass(frozen=True, kw_only=True)
class Ground:
    """What somebody asks about: two tasks that they see, an operation, and large operations."""

    person: User
    task: Task
    other: Task
    operation: Operation
    operations: int
    largest: Mapping[str, UUID]

    @classmethod
    def of(cls, *, person: User, estate: Estate, history: LongHistory) -> Self:
        """Return what there is for the person: to auditors the largest, to others what is theirs."""
        operations = Operation.objects.filter(user_agent=AGENT)
        if may_audit(actor=person):
            tasks = Task.objects.filter(project_id=estate.project_id)
            others = Task.objects.exclude(project_id=estate.project_id)
            largest = {"settings": history.settings, "permissions": history.permissions}
        else:
            tasks = others = visible_tasks(actor=person)
            operations = Operation.objects.filter(actor=person)
            largest = {"own": operations.order_by("-changed", "pk")[0].pk}
            if not operations.exclude(request_id="").exists():
                operations = Operation.objects.all()
        named = operations.exclude(request_id="").order_by("created_at")
        return cls(
            person=person,
            task=tasks.select_related("project").order_by("pk")[0],
            other=others.select_related("project").order_by("-pk")[0],
            operation=named[named.count() // 2],
            operations=operations.count(),
            largest=largest,
        )


def filters(ground: Ground) -> Iterator[Asked]:
    """Yield every filter: with what is found often, rarely, and never."""
    some = ground.operation
    day, week = some.created_at, some.created_at + timedelta(days=7)
    yield Asked("everything", {}, {})
    yield same("actor", actor="manager")
    yield same("actor/rare", actor=some.actor_name)
    yield same("project", project=ground.task.project.uid)
    yield same("project/rare", project=ground.other.project.uid)
    yield same("task", task=ground.task.uid)
    yield same("task/rare", task=ground.other.uid)
    yield same("role", role="4")
    yield same("role/never", role="999")
    yield same("flag", flag="is_execute")
    yield same("role and flag", role="1001", flag="is_delete")
    yield same("settings key", settings_key="/repository/branch")
    yield same("settings key/rare", settings_key="/notifications/recipients")
    yield same("settings key/never", settings_key="/repository/url")
    yield same("kind", kind="update_settings")
    yield same("kind/rare", kind="export_trail")
    yield same("automation", by="automation")
    yield same("people", by="people")
    yield Asked("channel", {"channel": "database"}, {"channel__exact": "database"})
    yield Asked("outcome", {"state": "cancelled"}, {"state__exact": "cancelled"})
    yield Asked(
        "time",
        {"since": day.isoformat(), "until": week.isoformat()},
        {
            "created_at_from_0": f"{day:%Y-%m-%d}",
            "created_at_from_1": f"{day:%H:%M:%S}",
            "created_at_to_0": f"{week:%Y-%m-%d}",
            "created_at_to_1": f"{week:%H:%M:%S}",
        },
    )
    yield Asked("text", {"text": "storefront"}, {"q": "storefront"})
    yield Asked("text/rare", {"text": "OPS-777"}, {"q": "OPS-777"})
    yield Asked("text/never", {"text": "xylophone"}, {"q": "xylophone"})
    yield Asked("request", {"request_id": some.request_id}, {"q": some.request_id})


def of_lists(ground: Ground) -> Iterator[Question]:
    """Yield the lists with every filter by itself, and pages after the first."""
    page = reverse("admin:audit_operation_changelist")
    for asked in filters(ground):
        yield Question(f"timeline/{asked.name}", f"{page}?{urlencode(asked.admin)}")
        yield Question(f"operations/{asked.name}", f"{OPERATIONS}?{urlencode(asked.api)}")
        yield Question(f"events/{asked.name}", f"{EVENTS}?{urlencode(asked.api)}")
    yield Question("timeline/next", f"{page}?p=2")
    last = min(-(-ground.operations // _PER_PAGE), _FAR_PAGE)
    yield Question("timeline/far", f"{page}?p={last}")


def of_operations(ground: Ground) -> Iterator[Question]:
    """Yield the pages of large operations: the first and a far one."""
    for name, key in ground.largest.items():
        page = reverse("admin:audit_operation_change", args=[key])
        yield Question(f"operation/{name}", page)
        yield Question(f"operation/{name}/far", f"{page}?page={_FAR}")
        yield Question(f"operation/{name}/changes", f"{OPERATIONS}/{key}/changes")


def of_the_past(ground: Ground) -> Iterator[Question]:
    """Yield what objects and people have been through, and what was so a year ago."""
    then = timezone.now() - timedelta(days=365)
    task, person = ground.task, ground.person
    yield Question("history/task", reverse("admin:tasks_task_history", args=[task.pk]))
    yield Question(
        "history/project", reverse("admin:tasks_project_history", args=[task.project_id])
    )
    for name, path, key in (("task", "tasks_task", task.pk), ("person", "auth_user", person.pk)):
        page = reverse(f"admin:{path}_past", args=[key])
        yield Question(f"past/{name}", f"{page}?{urlencode({'at': f'{then:%Y-%m-%dT%H:%M:%S}'})}")
    at = {"at": then.isoformat()}
    yield Question("settings", f"{SETTINGS}?{urlencode({**at, 'task': task.uid})}")
    yield Question("access/person", f"{ACCESS}?{urlencode({**at, 'user': person.username})}")


def of_auditors(ground: Ground, estate: Estate) -> Iterator[Question]:
    """Yield what auditors alone may ask."""
    then = timezone.now() - timedelta(days=365)
    asked = {"at": then.isoformat(), "task": ground.task.uid}
    compared = {**asked, "compared_with": (then - timedelta(days=200)).isoformat()}
    yield Question("access/task", f"{ACCESS}?{urlencode(asked)}")
    yield Question("access/compared", f"{ACCESS}?{urlencode(compared)}")
    for person in (estate.light, estate.heavy):
        asked["user"] = person.username
        yield Question(f"access/task and {person}", f"{ACCESS}?{urlencode(asked)}")
        history = reverse("admin:auth_user_history", args=[person.pk])
        yield Question(f"history/{person}", history)
        past = reverse("admin:auth_user_past", args=[person.pk])
        moment = {"at": f"{then:%Y-%m-%dT%H:%M:%S}"}
        yield Question(f"past/{person}", f"{past}?{urlencode(moment)}")
        of_tasks = {**moment, "project": estate.project_id}
        yield Question(f"past/{person}/tasks", f"{past}?{urlencode(of_tasks)}")
        of_person = {"at": then.isoformat(), "user": person.username}
        yield Question(f"access/{person}", f"{ACCESS}?{urlencode(of_person)}")
