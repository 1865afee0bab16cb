"""Every way in which the project writes leaves a record: one operation, and history that says what is so.

What there is to walk is found out, not listed: a route, command, page or change that nobody tries here
fails.
"""

import io
import json
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import pytest
from django.contrib import admin
from django.contrib.auth.models import Group
from django.core.management import call_command, get_commands
from django.db import connection, models
from django.forms import BaseForm
from psycopg import sql
from simple_history.models import registered_models

from audit.models import Operation
from audit.recorder import administrative_operation
from permissions.models import Role
from tasks.batch.change import Change
from tasks.changes import RecycleTasks, SetEnabled, UpdateSettings
from tests.audit.sealed import fill_accounts
from tests.batches import apply, undo
from tests.conftest import ORIGIN, Governed
from tests.permissions.test_scopes import OPENS
from tests.tasks.api.caller import caller_of
from tests.tokens import issue
from tests.visitors import page, visit


# Objects of which the newest row of history, if it is no removal, is not what the table has.
_UNRECORDED = sql.SQL("""
WITH newest AS (
    SELECT DISTINCT ON ({key}) {columns}, history_type
    FROM {history}
    ORDER BY {key}, history_id DESC
), said AS (
    SELECT {columns} FROM newest WHERE history_type <> '-'
), present AS (
    SELECT {columns} FROM {table} AS live WHERE {counts}
)
SELECT count(*) FROM (
    (SELECT * FROM said EXCEPT SELECT * FROM present)
    UNION ALL
    (SELECT * FROM present EXCEPT SELECT * FROM said)
) AS differing
""")
# Rows of interned matrices never change, so that they have no history.
_COUNTS = {
    "permissions_rolepermission": sql.SQL(
        "matrix_id IN (SELECT id FROM permissions_permissionmatrix WHERE digest IS NULL)"
    )
}


def unrecorded() -> dict[str, int]:
    """Return how many objects of each table differ from what history says of them."""
    found = {}
    for model in registered_models.values():
        history = model.history.model
        names = [history._meta.get_field(field.name).column for field in history.tracked_fields]
        statement = _UNRECORDED.format(
            key=sql.Identifier(model._meta.pk.column),
            columns=sql.SQL(", ").join(map(sql.Identifier, names)),
            history=sql.Identifier(history._meta.db_table),
            table=sql.Identifier(model._meta.db_table),
            counts=_COUNTS.get(model._meta.db_table, sql.SQL("true")),
        )
        with connection.cursor() as cursor:
            cursor.execute(statement)
            (found[model._meta.db_table],) = cursor.fetchone()
    return found


class Estate:
    """What the paths are walked on."""

    def __init__(self, governed: Governed) -> None:
        self.governed = governed
        self.uids = sorted(governed.add_tasks(2))
        patch = {"repository": {"branch": "first"}}
        self.applied = apply(governed.developer, UpdateSettings(patch=patch), self.uids)
        self.token = issue(governed.manager).token
        self.caller = caller_of(governed.manager, name="walker")
        with administrative_operation(actor=governed.admin, kind="fill", origin=ORIGIN):
            fill_accounts(governed)
            project = governed.project
            self.role = Role.objects.create(project=project, code=500, name="Releaser")
        self.group = Group.objects.get(name="release")


@pytest.fixture
def estate(governed: Governed) -> Estate:
    return Estate(governed)


def assert_recorded(estate: Estate, write: Callable[[Estate], Any], *, kinds: int = 1) -> None:
    """Assert that what is written leaves so many operations, with a history of all of it."""
    before = set(Operation.objects.values_list("pk", flat=True))
    differing = unrecorded()
    write(estate)
    added = Operation.objects.exclude(pk__in=before)
    assert len(added) == kinds, [operation.kind for operation in added]
    assert unrecorded() == differing
    for operation in added:
        assert operation.actor_name
        assert operation.finished_at
        assert operation.channel != "database", "nobody said who did it"


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
    address = f"/api/v2/operations/{estate.applied.operation.pk}/revert"
    answer = caller_of(estate.governed.admin, name="undoer").post(address, {})
    assert answer.status_code == 200


ROUTES: Mapping[tuple[str, str], Callable[[Estate], None]] = {
    ("/api/v2/settings/tasks", "POST"): update,
    ("/v1/job/permissions/batch", "POST"): permit,
}
# These write what the change wrote that they are about; to cancel ends an operation that is there.
OF_AN_OPERATION = {"revert", "cancel"}


def test_every_route_that_writes_is_walked() -> None:
    writing = {(path, method) for path, method in OPENS if method not in {"GET", "HEAD"}}
    about = {path for path in writing if path[0].rpartition("/")[2] in OF_AN_OPERATION}
    assert writing - about == ROUTES.keys()


@pytest.mark.parametrize("route", ROUTES, ids=lambda route: route[0])
def test_a_route_leaves_a_record(estate: Estate, route: tuple[str, str]) -> None:
    assert_recorded(estate, ROUTES[route])


def test_an_undo_leaves_a_record(estate: Estate) -> None:
    # The token that undoes is made on the way, which is an operation too.
    assert_recorded(estate, revert, kinds=2)


def create_token(estate: Estate) -> None:
    call_command(
        *("create_api_token", estate.governed.manager.username, "--name", "made"),
        *("--scope", "tasks:read"),
        stdout=io.StringIO(),
    )


def load_types(estate: Estate) -> None:
    call_command("load_task_types", "--actor", estate.governed.admin.username, stdout=io.StringIO())


def revert_by_command(estate: Estate) -> None:
    call_command(
        *("revert_operation", str(estate.applied.operation.pk)),
        *("--actor", estate.governed.admin.username),
        stdout=io.StringIO(),
    )


COMMANDS: Mapping[str, Callable[[Estate], None]] = {
    "create_api_token": create_token,
    "load_task_types": load_types,
    "revert_operation": revert_by_command,
}
# Tested with files of their own; what is written is written by what is walked here.
ELSEWHERE = {
    "import_tasks": "tests/tasks/importing",
    "load_demo": "tests/config/test_demo.py",
    "prepare_demo": "tests/config/test_prepare_demo.py",
}
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
    assert ours <= COMMANDS.keys() | ELSEWHERE.keys() | READING
    assert COMMANDS.keys() | ELSEWHERE.keys() <= ours


@pytest.mark.parametrize("command", COMMANDS)
def test_a_command_leaves_a_record(estate: Estate, command: str) -> None:
    assert_recorded(estate, COMMANDS[command])


def sent_by(response: Any) -> dict[str, Any]:
    """Return what a browser would send if the visitor changed nothing in the form."""
    forms: list[BaseForm] = [response.context["adminform"].form]
    for inline in response.context["inline_admin_formsets"]:
        forms += [inline.formset.management_form, *inline.formset.forms]
    return {name: value for form in forms for name, value in _values(form)}


def _values(form: BaseForm) -> Iterator[tuple[str, Any]]:
    for bound in form:
        value = bound.value()
        if isinstance(value, bool):
            value = "on" if value else None
        elif isinstance(value, list | models.QuerySet):
            value = [getattr(each, "pk", each) for each in value]
        elif isinstance(value, dict):
            value = json.dumps(value)
        if value is not None:
            yield bound.html_name, value


# What is typed into the page of an object, and the object.
PAGES: Mapping[str, tuple[Callable[[Estate], models.Model], dict[str, str]]] = {
    "auth.User": (lambda estate: estate.governed.outsider, {"is_staff": "on"}),
    "auth.Group": (lambda estate: estate.group, {"name": "masters"}),
    "permissions.Role": (lambda estate: estate.role, {"name": "Engineer"}),
    "tasks.Project": (lambda estate: estate.governed.project, {"description": "another"}),
    "tasks.TaskType": (lambda estate: estate.governed.task_type, {"description": "another"}),
}


def changeable(estate: Estate) -> set[str]:
    """Return the models whose own pages a superuser may save."""
    client = visit(estate.governed.admin)
    request = client.get(page("index")).wsgi_request
    return {
        model._meta.label
        for model, shown in admin.site._registry.items()  # noqa: SLF001 - Django has no other way to ask
        if shown.has_change_permission(request)
    }


def test_every_page_that_saves_is_walked(estate: Estate) -> None:
    # A project's matrix is changed on a page of its own, through its pipeline.
    assert changeable(estate) == PAGES.keys()


@pytest.mark.parametrize("label", PAGES)
def test_a_page_leaves_a_record(estate: Estate, label: str) -> None:
    of, typed = PAGES[label]
    client = visit(estate.governed.admin)
    changed = of(estate)
    meta = changed._meta
    address = page(f"{meta.app_label}_{meta.model_name}_change", changed.pk)

    def save(_: Estate) -> None:
        answer = client.post(address, {**sent_by(client.get(address)), **typed})
        assert answer.status_code == 302, answer.content.decode()

    assert_recorded(estate, save)


@pytest.mark.parametrize(
    "change",
    [
        UpdateSettings(patch={"repository": {"branch": "second"}}),
        SetEnabled(enabled=False, reason="frozen"),
        RecycleTasks(),
    ],
    ids=lambda change: change.kind,
)
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
