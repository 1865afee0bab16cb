"""The same change through the admin and through the API, or the pipeline where no API makes it."""

import json
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest
from django.db import transaction
from django.test import Client

from audit.models import Operation
from permissions.changes import CopyTasks, SetPermissions
from permissions.models import TaskPermission
from tasks.batch import pipeline
from tasks.batch.change import Change
from tasks.batch.pipeline import Applied, Batch
from tasks.batch.plan import Outcome
from tasks.batch.revert import Undo, batch_to_undo
from tasks.changes import RecycleTasks, RestoreTasks, SetEnabled, UpdateSettings
from tasks.models import Task
from tests.batches import apply
from tests.conftest import ORIGIN, Governed
from tests.tasks.api.caller import SETTINGS_TASKS, Caller, caller_of, update
from tests.visitors import choose, confirm, draft_at, page, visit, write_down


PERMISSIONS = "/v1/job/permissions/batch"
PATCH = {"repository": {"branch": "main", "token": "correct horse battery"}}
SECRET_FIELDS = {
    "patch-how/repository/token": "set",
    "patch-value/repository/token": "correct horse battery",
}
# What differs between any two operations.
_VOLATILE = {"id", "uid", "history_id", "history_date", "operation_id"}
_TIMES = {"created_at", "updated_at", "recycled_at"}


@dataclass
class World:
    """A project with tasks, and its manager in a browser, as a program and as a caller of the pipeline."""

    governed: Governed
    uids: list[str]
    client: Client
    caller: Caller

    def choose(self, action: str, **written: Any) -> None:
        """Do it in the admin."""
        draft = choose(self.client, action, self.uids)
        if written:
            write_down(self.client, draft, written)
        confirm(self.client, draft)

    def send(self, path: str, body: Any) -> None:
        """Do it through the API."""
        answer = self.caller.post(path, body)
        assert answer.status_code == 200, answer.content

    def apply(self, change: Change[Any]) -> Operation:
        """Do it through the pipeline."""
        return apply(self.governed.manager, change, self.uids).operation

    def batch_to_undo(self) -> Batch:
        """Return what takes back the latest operation."""
        undo = Undo(operation_id=Operation.objects.latest("created_at").pk)
        return batch_to_undo(actor=self.governed.manager, undo=undo, origin=ORIGIN)

    def undo_in_admin(self) -> None:
        """Take the latest operation back in the admin."""
        operation = Operation.objects.latest("created_at")
        draft = draft_at(self.client.post(page("audit_operation_undo", operation.pk)))
        confirm(self.client, draft)

    def undo(self) -> None:
        """Take the latest operation back through the pipeline."""
        pipeline.apply(actor=self.governed.manager, batch=self.batch_to_undo())

    def revert(self) -> None:
        """Take the latest operation back through the API."""
        operation = Operation.objects.latest("created_at")
        self.send(f"/api/v2/operations/{operation.pk}/revert", b"")


@dataclass(frozen=True)
class Case:
    """A change in the admin, the same elsewhere, and what comes before it."""

    admin: Callable[[World], object]
    elsewhere: Callable[[World], object]
    first: Callable[[World], object] = lambda _: None


def grant(world: World) -> None:
    """Let viewers execute, through the API."""
    body = {
        "job_ids": world.uids,
        "permissions": [{"role_id": 8, "is_execute": True}],
    }
    world.send(PERMISSIONS, body)


CASES = {
    "update_settings": Case(
        lambda world: world.choose(
            "change_settings",
            text=json.dumps({"repository": {"branch": "main"}}),
            **SECRET_FIELDS,
        ),
        lambda world: world.send(SETTINGS_TASKS, update(world.uids, PATCH)),
    ),
    "set_permissions": Case(
        lambda world: world.choose("change_permissions", **{"is_execute 8 Viewer": "grant"}), grant
    ),
    "set_enabled": Case(
        lambda world: world.choose("disable", reason="Frozen"),
        lambda world: world.apply(SetEnabled(enabled=False, reason="Frozen")),
    ),
    "recycle_tasks": Case(
        lambda world: world.choose("recycle"), lambda world: world.apply(RecycleTasks())
    ),
    "restore_tasks": Case(
        lambda world: world.choose("restore"),
        lambda world: world.apply(RestoreTasks()),
        lambda world: world.apply(RecycleTasks()),
    ),
    "copy_tasks": Case(
        lambda world: world.choose("copy", word="eu"),
        lambda world: world.apply(CopyTasks(word="eu")),
    ),
    "restore_settings": Case(
        World.undo_in_admin, World.revert, lambda world: world.apply(UpdateSettings(patch=PATCH))
    ),
    "restore_enabled": Case(
        World.undo_in_admin, World.undo, lambda world: world.apply(SetEnabled(enabled=False))
    ),
    "restore_permissions": Case(
        World.undo_in_admin,
        World.revert,
        lambda world: world.apply(SetPermissions(flags={8: {"is_execute": True}})),
    ),
    "recycle_copies": Case(World.undo_in_admin, World.undo, lambda world: world.apply(CopyTasks())),
}


def test_every_change_is_compared() -> None:
    compared = {case.split()[0] for case in CASES}
    assert compared == set(Change.kinds())


@pytest.mark.parametrize("case", CASES)
def test_admin_and_api_make_equal_plans_rows_and_history(
    governed: Governed, case: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    manager = governed.manager
    world = World(governed, governed.add_tasks(3), visit(manager), caller_of(manager))
    CASES[case].first(world)
    plans: list[Any] = []
    carry_out = pipeline.apply

    def spy(**arguments: Any) -> Applied:
        applied = carry_out(**arguments)
        plans.append([planned(outcome) for outcome in applied.plan.outcomes])
        return applied

    monkeypatch.setattr(pipeline, "apply", spy)
    results = []
    for through in (CASES[case].admin, CASES[case].elsewhere):
        before = transaction.savepoint()
        through(world)
        results.append((comparable(plans.pop()), *written(case.split(maxsplit=1)[0])))
        transaction.savepoint_rollback(before)
    assert results[0] == results[1]


def planned(outcome: Outcome) -> tuple[Any, ...]:
    """Return what a plan says of a target; not how it is to be written."""
    judged = (outcome.uid, outcome.kind, outcome.mark, outcome.reason, tuple(outcome.changed))
    return (*judged, outcome.before, outcome.after)


def written(kind: str) -> tuple[Any, ...]:
    """Return what the latest operation did: itself, every row, and their history."""
    operation = Operation.objects.latest("created_at")
    assert operation.kind == kind
    said = (operation.targets, operation.changed, operation.unchanged, operation.state)
    governed = ("matrix__digest", "own_matrix__digest")
    return (
        said,
        comparable(operation.parameters),
        rows(Task.objects.order_by("name").values()),
        rows(TaskPermission.objects.order_by("task__name").values("task__name", *governed)),
        rows(Task.history.filter(operation=operation).order_by("name").values()),
        rows(
            TaskPermission.history.filter(operation=operation)
            .order_by("task__name")
            .values("task__name", "history_type", *governed)
        ),
    )


def rows(found: Any) -> list[Any]:
    """Return rows without what differs between any two operations, and times as whether there is one."""
    return [
        {
            name: value is not None if name in _TIMES else comparable(value)
            for name, value in row.items()
            if name not in _VOLATILE
        }
        for row in found
    ]


def comparable(value: Any) -> str:
    """Return a value in which random references and ids of copies are equal."""
    text = re.sub(r"secret:[0-9a-f]{32}", "secret", repr(value))
    return re.sub(r'("uid": )"[0-9a-f]{32}"', r"\1", text)
