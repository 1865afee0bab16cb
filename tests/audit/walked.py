"""What every path that writes is walked on, and how it is seen that a path leaves a record."""

from collections.abc import Callable
from typing import Any

from django.contrib.auth.models import Group
from django.db import connection
from psycopg import sql
from simple_history.models import registered_models

from audit.models import Operation
from audit.recorder import administrative_operation
from permissions.models import Role
from tasks.batch import pipeline
from tasks.batch.pipeline import Batch
from tasks.changes import UpdateSettings
from tests.audit.sealed import fill_accounts
from tests.batches import apply
from tests.conftest import ORIGIN, Governed
from tests.tasks.api.caller import caller_of
from tests.tokens import issue


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
    """What the paths are walked on: something of everything, some of it waiting or done."""

    def __init__(self, governed: Governed) -> None:
        self.governed = governed
        self.uids = sorted(governed.add_tasks(2))
        patch = {"repository": {"branch": "first"}}
        self.applied = apply(governed.admin, UpdateSettings(patch=patch), self.uids).operation
        waiting = UpdateSettings(patch={"repository": {"branch": "waiting"}})
        batch = Batch(change=waiting, uids=self.uids, origin=ORIGIN)
        self.waiting = pipeline.submit(actor=governed.admin, batch=batch).operation
        self.token = issue(governed.admin, name="spent").token
        self.caller = caller_of(governed.manager, name="walker")
        self.superuser = caller_of(governed.admin, name="of the superuser")
        with administrative_operation(actor=governed.admin, kind="fill", origin=ORIGIN):
            fill_accounts(governed)
            self.role = Role.objects.create(project=governed.project, code=500, name="Releaser")
        self.group = Group.objects.get(name="release")


def assert_recorded(
    estate: Estate, write: Callable[[Estate], Any], *, operations: int = 1, rows: bool = True
) -> None:
    """Assert that what is written leaves so many operations, with a history of all of it.

    One that adds none ends one that was there, and says so. Without `rows` nothing changes that has a
    history, such as a password.
    """
    before = {each.pk: each.state for each in Operation.objects.all()}
    differing, told = unrecorded(), _told()
    write(estate)
    assert unrecorded() == differing
    assert (_told() > told) is rows
    added = Operation.objects.exclude(pk__in=before)
    assert len(added) == operations, [operation.kind for operation in added]
    ended = [each for each in Operation.objects.all() if before.get(each.pk, "") != each.state]
    assert ended, "nothing says that something happened"
    for operation in ended:
        assert operation.actor_name
        assert operation.finished_at
        assert operation.channel != "database", "nobody said who did it"


def _told() -> int:
    """Return how many rows of history there are."""
    return sum(model.history.count() for model in registered_models.values())
