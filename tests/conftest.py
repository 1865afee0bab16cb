"""Actors named by what they are, and builders that write as the product does."""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import pytest
from django.apps import apps
from django.contrib.auth.models import User
from django.db import connection, transaction
from django.db.backends.postgresql.operations import DatabaseOperations
from django.db.models.signals import post_migrate  # noqa: TID251 - about schemas, not rows
from django.utils import timezone

from audit.apps import make_auditors
from audit.context import Origin
from audit.models import Channel
from audit.proof.verification.present import leave_unrecorded
from audit.recorder import administrative_operation, record_insert
from permissions.models import Role, RoleMember
from permissions.roles import create_project
from tasks.models import Project, Task, TaskType, new_uid


ORIGIN = Origin(channel=Channel.COMMAND)

GIT_SCHEMA: dict[str, Any] = {
    "type": "object",
    "properties": {
        "repository": {
            "type": "object",
            "properties": {
                "url": {"type": "string", "format": "uri"},
                "branch": {"type": "string", "minLength": 1},
                "token": {"type": "string", "writeOnly": True, "minLength": 8},
            },
            "additionalProperties": False,
        },
        "notifications": {
            "type": "object",
            "properties": {"enabled": {"type": "boolean"}},
            "additionalProperties": False,
        },
    },
    "additionalProperties": False,
}

SETTINGS: dict[str, Any] = {
    "repository": {"url": "https://git.example/app", "branch": "develop"},
    "notifications": {"enabled": False},
}


@dataclass(frozen=True)
class Governed:
    """A project with one actor in each role that tests speak of, and how to add tasks to it."""

    project: Project
    task_type: TaskType
    admin: User
    manager: User
    developer: User
    viewer: User
    outsider: User

    def add_tasks(self, count: int, *, creator: User | None = None) -> list[str]:
        """Add tasks with equal settings; return their uids."""
        uids = [new_uid() for _ in range(count)]
        with administrative_operation(actor=self.admin, kind="add_tasks", origin=ORIGIN) as op:
            insert_tasks(
                operation=op,
                project=self.project,
                task_type=self.task_type,
                creator=creator or self.admin,
                uids=uids,
            )
        return uids

    def role(self, code: int) -> Role:
        """Return the project's role with this code."""
        return self.project.roles.get(code=code)


def insert_tasks(
    *, operation: Any, project: Project, task_type: TaskType, creator: User, uids: Sequence[str]
) -> None:
    """Insert tasks and their history, as an import does."""
    now, count = timezone.now(), len(uids)
    record_insert(
        model=Task,
        operation=operation,
        columns={
            "uid": uids,
            "project": [project.pk] * count,
            "task_type": [task_type.pk] * count,
            "name": [f"task {uid}" for uid in uids],
            "settings": [json.dumps(SETTINGS)] * count,
            "enabled": [True] * count,
            "disabled_reason": [""] * count,
            "created_by": [creator.pk] * count,
            "created_at": [now] * count,
            "updated_at": [now] * count,
            "version": [1] * count,
        },
    )


def build_governed(name: str = "payments") -> Governed:
    """Build a project with its actors; names are unique per project."""
    admin = User(username=f"{name}-admin", is_staff=True, is_superuser=True)
    admin.set_unusable_password()
    # Accounts have a history: made before the operation, they would be changes from outside.
    with administrative_operation(actor=admin, kind="add_project", origin=ORIGIN) as operation:
        admin.save()
        operation.actor = admin
        manager, developer, viewer, outsider = (
            User.objects.create_user(f"{name}-{what}")
            for what in ("manager", "developer", "viewer", "outsider")
        )
        project = create_project(actor=admin, operation=operation, name=name)
        task_type = TaskType.objects.create(
            key=f"{name}-git", name=f"Git of {name}", schema=GIT_SCHEMA
        )
        for code, user in ((3, manager), (4, developer), (8, viewer)):
            RoleMember.objects.create(role=project.roles.get(code=code), user=user)
    return Governed(project, task_type, admin, manager, developer, viewer, outsider)


_LET_TRUNCATE = """
DO $$
DECLARE
    guard record;
BEGIN
    FOR guard IN
        SELECT tgname, tgrelid::regclass AS named FROM pg_trigger
        WHERE tgname LIKE 'pgtrigger_append_only_truncate_%' OR tgname = 'never_truncated'
    LOOP
        EXECUTE format('ALTER TABLE %s {} TRIGGER %I', guard.named, guard.tgname);
    END LOOP;
END
$$
"""


@pytest.fixture(autouse=True, scope="session")
def _emptying_the_test_database_is_let_through() -> Iterator[None]:
    """Disable the guards against TRUNCATE while Django empties the database after a test, only then."""
    flush = DatabaseOperations.sql_flush

    def let_through(*arguments: Any, **how: Any) -> list[str]:
        statements = flush(*arguments, **how)
        return [_LET_TRUNCATE.format("DISABLE"), *statements, _LET_TRUNCATE.format("ENABLE")]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(DatabaseOperations, "sql_flush", let_through)
        yield


@pytest.fixture(scope="session")
def django_db_modify_db_settings(django_db_modify_db_settings_parallel_suffix: None) -> None:
    """Begin every test with an empty trail: that `migrate` makes a group is a change like any other."""
    sender = apps.get_app_config("audit")
    post_migrate.disconnect(make_auditors, sender=sender)
    post_migrate.connect(_make_auditors_unrecorded, sender=sender)


leave_unrecorded(table="auth_group", where="live.name = 'auditors'")
leave_unrecorded(
    table="auth_group_permissions",
    where="live.group_id = (SELECT id FROM auth_group WHERE name = 'auditors')",
)


def _make_auditors_unrecorded(**how: Any) -> None:
    tables = "auth_group", "auth_group_permissions"
    with transaction.atomic(), connection.cursor() as cursor:
        for table in tables:
            cursor.execute(f"ALTER TABLE {table} DISABLE TRIGGER USER")
        make_auditors(**how)
        # A table with checks that wait for the commit cannot be altered.
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        for table in tables:
            cursor.execute(f"ALTER TABLE {table} ENABLE TRIGGER USER")
        cursor.execute("SET CONSTRAINTS ALL DEFERRED")


@pytest.fixture
def governed(db: None) -> Governed:
    """A project with a manager, a developer, a viewer, and an outsider who is in no project."""
    return build_governed()


@pytest.fixture
def committed(transactional_db: None) -> Iterator[Governed]:
    """The same, committed, so that other connections see it; the worker's tables are emptied after."""
    yield build_governed()
    with connection.cursor() as cursor:
        cursor.execute("TRUNCATE procrastinate_jobs, procrastinate_workers CASCADE")
