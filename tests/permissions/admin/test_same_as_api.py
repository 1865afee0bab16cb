"""The same change through the admin and through the API, or what there is where no API makes it."""

import json
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.core.management import call_command
from django.db import transaction
from django.test import Client
from django.urls import reverse

from audit.models import Operation
from permissions import project_pipeline
from permissions.changes import CopyTasks, RestoreProjectMatrix, SetPermissions, SetProjectMatrix
from permissions.flags import Flag
from permissions.models import RolePermission, TaskPermission
from tasks.batch import pipeline
from tasks.batch.change import Change
from tasks.batch.plan import Outcome
from tasks.changes import RecycleTasks, RestoreTasks, SetEnabled, UpdateSettings
from tasks.models import Task
from tests.batches import apply, undo
from tests.conftest import ORIGIN, Governed
from tests.tasks.api.caller import SETTINGS_TASKS, Caller, caller_of, update
from tests.visitors import choose, confirm, draft_at, page, visit, write_down


PERMISSIONS = "/v1/job/permissions/batch"
NOBODYS = "0" * 24
EXECUTE = {"is_execute": True}
OPEN_PATCH = json.dumps({"repository": {"branch": "main"}})
FILE = b"name,project,type\nbuild,payments,payments-git\nscan,payments,payments-git\n"
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
    done: list[Operation] = field(default_factory=list)

    def choose(self, action: str, *, left_out: Sequence[str] = (), **written: Any) -> None:
        """Do it in the admin, to those that can if others were chosen, too."""
        draft = choose(self.client, action, [*self.uids, *left_out])
        if written:
            write_down(self.client, draft, written)
        confirm(self.client, draft, **({"leave_others": "on"} if left_out else {}))

    def insist(self, action: str, **written: Any) -> None:
        """Send in the admin what its page does not offer: all, where one is not there."""
        draft = choose(self.client, action, [*self.uids, NOBODYS])
        write_down(self.client, draft, written)
        draft.refresh_from_db()
        sent = {"apply": draft.fingerprint, "leave_others": "on"}
        self.client.post(page("tasks_task_draft_preview", draft.pk), sent)

    def send(self, path: str, body: Any, *, status: int = 200) -> None:
        """Do it through the API."""
        answer = self.caller.post(path, body)
        assert answer.status_code == status, answer.content

    def apply(self, change: Change[Any], uids: Sequence[str] = ()) -> None:
        """Do it through the pipeline."""
        self.done.append(apply(self.governed.manager, change, uids or self.uids).operation)

    def apply_and_undo(self, change: Change[Any]) -> None:
        """Do it and take it back through the pipeline; only the latter is left to be undone."""
        applied = apply(self.governed.manager, change, self.uids)
        self.done.append(undo(self.governed.manager, applied).operation)

    def undo_in_admin(self, **answer: str) -> None:
        """Take the first operation back in the admin."""
        draft = draft_at(self.client.post(page("audit_operation_undo", self.done[0].pk)))
        if answer:
            self.client.post(page("tasks_task_draft_preview", draft.pk), answer)
        confirm(self.client, draft)

    def revert(self, **terms: bool) -> None:
        """Take the first operation back through the API."""
        self.send(f"/api/v2/operations/{self.done[0].pk}/revert", terms or b"")

    def grant_in_project(self) -> None:
        """Let viewers execute wherever the project's permissions hold, past any page."""
        change = SetProjectMatrix(project_uid=self.governed.project.uid, flags={8: EXECUTE})
        manager = self.governed.manager
        applied = project_pipeline.apply(actor=manager, change=change, origin=ORIGIN)
        self.done.append(applied.operation)

    def decide(self, name: str, key: Any, **query: str) -> None:
        """Send back the preview of a change of the project's permissions."""
        address = reverse(f"admin:{name}", args=[key], query=query)
        plan = self.client.get(address).context["plan"]
        self.client.post(address, {"fingerprint": plan.fingerprint})

    def import_in_admin(self) -> None:
        """Add tasks from a file in the admin."""
        file = SimpleUploadedFile("tasks.csv", FILE)
        sent = self.client.post(page("tasks_task_import_file"), {"import_file": file})
        address = sent.headers["Location"]
        mark = self.client.get(address).context["told"].mark
        self.client.post(address, {"mark": mark})

    def import_by_command(self) -> None:
        """Add tasks from a file on the command line."""
        with TemporaryDirectory() as folder:
            file = Path(folder) / "tasks.csv"
            file.write_bytes(FILE)
            call_command("import_tasks", file, actor=self.governed.manager.username)


@dataclass(frozen=True)
class Case:
    """A change in the admin, the same elsewhere, and what comes before it."""

    admin: Callable[[World], object]
    elsewhere: Callable[[World], object]
    first: Callable[[World], object] = lambda _: None


def grant(world: World) -> None:
    """Let viewers execute, through the API."""
    world.send(PERMISSIONS, {"job_ids": world.uids, "permissions": [{"role_id": 8, **EXECUTE}]})


def follow(world: World, *, switch: bool) -> None:
    """Let tasks follow their project's permissions, or have their own, through the API."""
    world.send(PERMISSIONS, {"job_ids": world.uids, "project_switch": switch})


def change_twice(world: World) -> None:
    """Change settings of all, and then again of one."""
    world.apply(UpdateSettings(patch=PATCH))
    world.apply(UpdateSettings(patch={"repository": {"branch": "release"}}), world.uids[:1])


CASES = {
    "update_settings": Case(
        lambda world: world.choose("change_settings", text=OPEN_PATCH, **SECRET_FIELDS),
        lambda world: world.send(SETTINGS_TASKS, update(world.uids, PATCH)),
    ),
    "update_settings of those that can": Case(
        lambda world: world.choose("change_settings", left_out=[NOBODYS], text=OPEN_PATCH),
        lambda world: world.send(SETTINGS_TASKS, update(world.uids, json.loads(OPEN_PATCH))),
    ),
    "update_settings refused": Case(
        lambda world: world.insist("change_settings", text=OPEN_PATCH),
        lambda world: world.send(
            SETTINGS_TASKS, update([*world.uids, NOBODYS], json.loads(OPEN_PATCH)), status=404
        ),
    ),
    "set_permissions": Case(
        lambda world: world.choose("change_permissions", **{"is_execute 8 Viewer": "grant"}), grant
    ),
    "set_permissions of those that can": Case(
        lambda world: world.choose(
            "change_permissions", left_out=[NOBODYS], **{"is_execute 8 Viewer": "grant"}
        ),
        grant,
    ),
    "set_permissions: use own": Case(
        lambda world: world.choose("use_own"), lambda world: follow(world, switch=False)
    ),
    "set_permissions: follow": Case(
        lambda world: world.choose("follow"), lambda world: follow(world, switch=True), grant
    ),
    "set_permissions: follow, of those that can": Case(
        lambda world: world.choose("follow", left_out=[NOBODYS]),
        lambda world: follow(world, switch=True),
        grant,
    ),
    "set_project_matrix": Case(
        lambda world: world.decide(
            "tasks_project_preview_permissions", world.governed.project.pk, grant="8.is_execute"
        ),
        World.grant_in_project,
    ),
    "restore_project_matrix": Case(
        lambda world: world.decide("audit_operation_undo_permissions", world.done[0].pk),
        World.revert,
        World.grant_in_project,
    ),
    "set_enabled": Case(
        lambda world: world.choose("disable", reason="Frozen"),
        lambda world: world.apply(SetEnabled(enabled=False, reason="Frozen")),
    ),
    "set_enabled again": Case(
        lambda world: world.choose("enable"),
        lambda world: world.apply(SetEnabled(enabled=True)),
        lambda world: world.apply(SetEnabled(enabled=False, reason="Frozen"), world.uids[:2]),
    ),
    "recycle_tasks": Case(
        lambda world: world.choose("recycle"), lambda world: world.apply(RecycleTasks())
    ),
    "recycle_tasks as an undo": Case(
        World.undo_in_admin,
        World.revert,
        lambda world: world.apply_and_undo(RecycleTasks()),
    ),
    "restore_tasks": Case(
        lambda world: world.choose("restore", left_out=[NOBODYS]),
        lambda world: world.apply(RestoreTasks()),
        lambda world: world.apply(RecycleTasks()),
    ),
    "restore_tasks as an undo": Case(
        World.undo_in_admin, World.revert, lambda world: world.apply(RecycleTasks())
    ),
    "copy_tasks": Case(
        lambda world: world.choose("copy", left_out=[NOBODYS], word="eu"),
        lambda world: world.apply(CopyTasks(word="eu")),
    ),
    "recycle_copies": Case(
        World.undo_in_admin, World.revert, lambda world: world.apply(CopyTasks())
    ),
    "restore_settings": Case(
        World.undo_in_admin, World.revert, lambda world: world.apply(UpdateSettings(patch=PATCH))
    ),
    "restore_settings over what came after": Case(
        lambda world: world.undo_in_admin(overwrite="yes"),
        lambda world: world.revert(overwrite=True),
        change_twice,
    ),
    "restore_enabled": Case(
        World.undo_in_admin, World.revert, lambda world: world.apply(SetEnabled(enabled=False))
    ),
    "restore_permissions": Case(
        World.undo_in_admin,
        World.revert,
        lambda world: world.apply(SetPermissions(flags={8: EXECUTE})),
    ),
    "import_tasks": Case(World.import_in_admin, World.import_by_command),
}


def test_every_change_is_compared() -> None:
    compared = {re.split(r"\W", case)[0] for case in CASES}
    of_projects = {SetProjectMatrix.kind, RestoreProjectMatrix.kind}
    assert compared == {*Change.kinds(), *of_projects, "import_tasks"}


def collect_plans(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """Return a list that takes what is planned by whatever is applied from now on."""
    plans: list[Any] = []
    for door in (pipeline, project_pipeline):
        carry_out: Any = door.apply

        def spy(carry_out: Any = carry_out, **arguments: Any) -> Any:
            applied = carry_out(**arguments)
            plan = getattr(applied.plan, "of_project", applied.plan)
            plans.append([planned(outcome) for outcome in plan.outcomes])
            return applied

        monkeypatch.setattr(door, "apply", spy)
    return plans


@pytest.mark.parametrize("case", CASES)
def test_admin_and_api_make_equal_plans_rows_and_history(
    governed: Governed, case: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    manager = governed.manager
    world = World(governed, governed.add_tasks(3), visit(manager), caller_of(manager))
    CASES[case].first(world)
    plans = collect_plans(monkeypatch)
    results = []
    for through in (CASES[case].admin, CASES[case].elsewhere):
        before, operations = transaction.savepoint(), Operation.objects.count()
        through(world)
        assert Operation.objects.count() == operations + 1
        results.append((comparable(plans), *written(re.split(r"\W", case)[0])))
        plans.clear()
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
    flags = ("role_code", *(flag.vendor_name for flag in Flag))
    return (
        said,
        operation.refusals,
        comparable(operation.parameters),
        rows(Task.objects.order_by("name").values()),
        rows(TaskPermission.objects.order_by("task__name").values("task__name", *governed)),
        rows(Task.history.filter(operation=operation).order_by("name").values()),
        rows(
            TaskPermission.history.filter(operation=operation)
            .order_by("task__name")
            .values("task__name", "history_type", *governed)
        ),
        rows(RolePermission.objects.order_by("matrix__digest", "role_code").values(*flags)),
        rows(
            RolePermission.history.filter(operation=operation).order_by("role_code").values(*flags)
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
