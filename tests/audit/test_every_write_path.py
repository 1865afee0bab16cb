"""Every way in which the project writes leaves a record: one operation, and history that says what is so.

What there is to walk is found out, not listed: a model, route, command, change or page (see
`test_every_page_that_writes`) that nobody tries here fails.
"""

import io
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
from django.apps import apps
from django.core.management import call_command, get_commands
from django.db import models
from simple_history.models import registered_models

from audit.recorder import administrative_operation
from permissions.changes import CopyTasks, SetPermissions
from tasks.batch.change import Change
from tasks.changes import RecycleTasks, SetEnabled, UpdateSettings
from tests.audit.walked import Estate, assert_recorded, unrecorded
from tests.batches import apply, undo
from tests.conftest import ORIGIN, Governed
from tests.permissions.test_scopes import OPENS
from tests.tracked import HISTORIES


@pytest.fixture
def estate(governed: Governed) -> Estate:
    return Estate(governed)


def update(estate: Estate) -> None:
    body = {"target": estate.uids, "settings": {"repository": {"branch": "main"}}}
    assert estate.caller.post("/api/v2/settings/tasks", body).status_code == 200


def permit(estate: Estate) -> None:
    body = {
        "project_id": estate.governed.project.uid,
        "job_ids": estate.uids,
        "permissions": [{"role_id": 8, "is_execute": True}],
    }
    assert estate.caller.post("/v1/job/permissions/batch", body).status_code == 200


def revert(estate: Estate) -> None:
    address = f"/api/v2/operations/{estate.applied.pk}/revert"
    assert estate.superuser.post(address, {}).status_code == 200


def cancel(estate: Estate) -> None:
    address = f"/api/v2/operations/{estate.waiting.pk}/cancel"
    assert estate.superuser.post(address, {}).status_code == 200
    estate.waiting.refresh_from_db()
    assert (estate.waiting.state, estate.waiting.cancelled_by_name) == (
        "cancelled",
        estate.governed.admin.username,
    )


ROUTES: Mapping[tuple[str, str], Callable[[Estate], None]] = {
    ("/api/v2/settings/tasks", "POST"): update,
    ("/v1/job/permissions/batch", "POST"): permit,
    ("/api/v2/operations/<uuid:operation_id>/revert", "POST"): revert,
    ("/api/v2/operations/<uuid:operation_id>/cancel", "POST"): cancel,
}


def test_every_route_that_writes_is_walked() -> None:
    # `OPENS` is held to the resolver by a test of its own.
    writing = {route for route in OPENS if route[1] not in {"GET", "HEAD"}}
    assert writing == ROUTES.keys()


@pytest.mark.parametrize("route", ROUTES, ids=lambda route: route[0])
def test_a_route_leaves_a_record(estate: Estate, route: tuple[str, str]) -> None:
    ends = ROUTES[route] is cancel
    assert_recorded(estate, ROUTES[route], operations=not ends, rows=not ends)


def create_token(estate: Estate, _: Path) -> None:
    call_command(
        *("create_api_token", estate.governed.manager.username, "--name", "made"),
        *("--scope", "tasks:read"),
        stdout=io.StringIO(),
    )


def load_types(estate: Estate, _: Path) -> None:
    call_command("load_task_types", "--actor", estate.governed.admin.username, stdout=io.StringIO())


def revert_by_command(estate: Estate, _: Path) -> None:
    call_command(
        *("revert_operation", str(estate.applied.pk)),
        *("--actor", estate.governed.admin.username),
        stdout=io.StringIO(),
    )


def import_tasks(estate: Estate, folder: Path) -> None:
    file = folder / "tasks.csv"
    file.write_text("name\nbuild\ndeploy\n")
    governed = estate.governed
    named = {"project": governed.project.name, "type": governed.task_type.key}
    call_command(
        *("import_tasks", str(file), "--actor", governed.manager.username),
        **named,
        stdout=io.StringIO(),
    )


COMMANDS: Mapping[str, Callable[[Estate, Path], None]] = {
    "create_api_token": create_token,
    "import_tasks": import_tasks,
    "load_task_types": load_types,
    "revert_operation": revert_by_command,
}
# They need an empty database: tests/config/test_demo.py looks at what they leave.
ON_EMPTY_DATABASES = {"load_demo", "prepare_demo"}
READING = {
    *("audit_grants", "export_audit", "export_checkpoint", "show_seal_key", "verify_audit"),
    *("seal_audit", "audit_retention", "serve"),
}


def test_every_command_is_walked_or_writes_nothing_that_is_tracked() -> None:
    ours = {
        name
        for name, app in get_commands().items()
        if app in {"audit", "config", "permissions", "tasks"}
    }
    assert ours == COMMANDS.keys() | ON_EMPTY_DATABASES | READING


@pytest.mark.parametrize("command", COMMANDS)
def test_a_command_leaves_a_record(estate: Estate, tmp_path: Path, command: str) -> None:
    assert_recorded(estate, lambda estate: COMMANDS[command](estate, tmp_path))


# Each change that is asked for by itself; what takes it back is walked as its undo.
CHANGES: list[Change[Any]] = [
    UpdateSettings(patch={"repository": {"branch": "second"}}),
    SetEnabled(enabled=False, reason="frozen"),
    RecycleTasks(),
    CopyTasks(),
    SetPermissions(flags={8: {"is_execute": True}}, follow=False),
]


def test_every_change_is_walked() -> None:
    walked = {kind for change in CHANGES for kind in (type(change), change.inverse)}
    assert set(Change._kinds.values()) == walked  # noqa: SLF001 - what has registered itself


@pytest.mark.parametrize("change", CHANGES, ids=lambda change: change.kind)
def test_a_change_and_its_undo_leave_a_record(estate: Estate, change: Change[Any]) -> None:
    admin = estate.governed.admin
    applied = []
    assert_recorded(estate, lambda _: applied.append(apply(admin, change, estate.uids)))
    assert_recorded(estate, lambda _: undo(admin, applied[0]))


def test_whatever_is_saved_by_itself_leaves_a_record(estate: Estate) -> None:
    differing = unrecorded()
    for model in registered_models.values():
        saved = model._default_manager.order_by("pk").last()
        assert saved is not None, model
        with administrative_operation(actor=estate.governed.admin, kind="save", origin=ORIGIN):
            saved.save()
    assert unrecorded() == differing


# What is stored and has no history, each with its reason.
UNTRACKED: Mapping[str, str] = {
    "audit.Operation": "is the trail",
    "audit.Progress": "tells how far an operation has come while it runs",
    "audit.RefusedAttempt": "counts what an operation stands for",
    "audit.Unsealed": "waits for a seal",
    "audit.Layout": "is under seal itself",
    "audit.Seal": "is the seal",
    "audit.SealedOperation": "belongs to a seal",
    "audit.SealedRows": "belongs to a seal",
    "tasks.Secret": "is named by settings, whose history is kept, and never changes, by a trigger",
    "tasks.PreviewedPlan": "is forgotten within a day",
    "tasks.StoredAnswer": "repeats what was answered, and is forgotten within days",
    "tasks.Draft": "is what somebody is about to ask for",
    "permissions.PermissionBit": "says the same in every database, which verification looks at",
    "permissions.TokenAllowance": "says when a token may be used again",
}
OF_ACCOUNTS = {
    *("auth.User", "auth.Group", "auth.User_groups", "auth.User_user_permissions"),
    "auth.Group_permissions",
}


def test_every_table_has_a_history_or_a_reason_why_not() -> None:
    stored = {
        model._meta.label
        for model in apps.get_models(include_auto_created=True)
        if model._meta.managed
        and not model._meta.proxy
        and model not in HISTORIES
        and _is_ours(model)
    }
    tracked = {model._meta.label for model in registered_models.values()}
    assert stored - tracked == UNTRACKED.keys()


def _is_ours(model: type[models.Model]) -> bool:
    ours = model._meta.app_label in {"audit", "config", "permissions", "tasks"}
    return ours or model._meta.label in OF_ACCOUNTS
