"""How many SQL statements a batch takes: exactly, and the same for ten targets and for ten thousand."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, NamedTuple

import pytest
from django.db import connection
from psycopg.sql import Composable

from audit.models import Operation
from permissions.changes import RestorePermissions, SetPermissions
from tasks.batch import pipeline
from tasks.batch.change import Change
from tasks.batch.pipeline import Batch
from tasks.changes import RestoreEnabled, RestoreSettings, SetEnabled, UpdateSettings
from tests.conftest import ORIGIN, Governed


FEW, MANY, ENOUGH = 10, 10_000, 500


class Statement(NamedTuple):
    """A statement's text, and how many values travel beside it."""

    text: str
    values: int


@contextmanager
def statements() -> Iterator[list[Statement]]:
    """Collect what is sent to the database, but for the test's own savepoints."""
    sent: list[Statement] = []

    def note(
        execute: Callable[..., Any], sql: Any, params: Any, many: bool, context: Mapping[str, Any]
    ) -> Any:
        text = sql.as_string(connection.connection) if isinstance(sql, Composable) else sql
        # In production these are the beginning and the end of the transaction.
        if not text.startswith(("SAVEPOINT", "RELEASE SAVEPOINT")):
            sent.append(Statement(text, len(params or ())))
        return execute(sql, params, many, context)

    with connection.execute_wrapper(note):
        yield sent


def subject(statement: Statement) -> str:
    """Return the verb and what it is about, to be read when a number differs."""
    return " ".join(statement.text.split())[:90]


Doors = Mapping[str, Callable[[], object]]


def sent_through(doors: Doors) -> dict[str, list[Statement]]:
    """Go through each door in turn; return what was sent by each."""
    collected = {}
    for name, go_through in doors.items():
        with statements() as sent:
            go_through()
        collected[name] = sent
    return collected


def doors_now(governed: Governed, change: Change[Any], uids: Sequence[str]) -> Doors:
    """Return what the admin and the endpoints do."""
    batch = Batch(change=change, uids=uids, origin=ORIGIN)
    return {
        "preview": lambda: pipeline.preview(actor=governed.manager, batch=batch),
        "apply": lambda: pipeline.apply(actor=governed.manager, batch=batch),
    }


def doors_later(governed: Governed, change: Change[Any], uids: Sequence[str]) -> Doors:
    """Return what an endpoint and the worker do."""
    batch = Batch(change=change, uids=uids, origin=ORIGIN)

    def run() -> Operation:
        operation = Operation.objects.order_by("-id")[0]
        return pipeline.run(
            operation=operation, actor=governed.manager, report=lambda _done, _total: None
        )

    return {
        "submit": lambda: pipeline.submit(actor=governed.manager, batch=batch),
        "run": run,
    }


def last_operation() -> str:
    return str(Operation.objects.order_by("-id")[0].pk)


# What is done in this order: each change, and where there is one its undo. Of preview, apply, submit
# and run, how many statements each takes:
#   targets, account, rights, what the plan needs (schemas; roles and matrices), then
#   preview: remembers the plan, and for permissions looks for what to warn of;
#   apply: names the operation and takes the name back, rows with history, the operation;
#   submit: the operation, the job;
#   run: as apply, and reads the operation, twice with the test's own look-up, and at the end whether
#   anybody has cancelled it.
# A secret to store is one more, and so are adding matrices and finding them.
SEQUENCE: list[tuple[str, Callable[[], Change[Any]], tuple[int, int, int, int]]] = [
    (
        "settings",
        lambda: UpdateSettings(patch={"repository": {"branch": "main"}}),
        (5, 8, 6, 11),
    ),
    ("undo settings", lambda: RestoreSettings(operation_id=last_operation()), (5, 8, 6, 11)),
    (
        "settings with a secret",
        lambda: UpdateSettings(patch={"repository": {"token": "a long secret"}}),
        (5, 9, 7, 11),
    ),
    ("disable", lambda: SetEnabled(enabled=False, reason="frozen"), (4, 7, 5, 10)),
    ("undo disable", lambda: RestoreEnabled(operation_id=last_operation()), (4, 7, 5, 10)),
    (
        "permissions, a new matrix",
        lambda: SetPermissions(flags={8: {"is_execute": True}}),
        (7, 11, 7, 14),
    ),
    ("follow the project", lambda: SetPermissions(follow=True), (7, 9, 7, 12)),
    (
        "undo following the project",
        lambda: RestorePermissions(operation_id=last_operation()),
        (7, 9, 7, 12),
    ),
]


DOORS = {False: ("preview", "apply"), True: ("submit", "run")}


def sent_in_sequence(
    governed: Governed, uids: Sequence[str], *, later: bool
) -> dict[tuple[str, str], list[Statement]]:
    """Do everything in sequence to the tasks; return what was sent for each change at each door."""
    with connection.cursor() as cursor:
        # Or else what autovacuum saw between two tests may be: tables without a row.
        cursor.execute("ANALYZE")
    doors_of = doors_later if later else doors_now
    return {
        (what, door): sent
        for what, make, _ in SEQUENCE
        for door, sent in sent_through(doors_of(governed, make(), uids)).items()
    }


@pytest.mark.parametrize("later", [False, True], ids=["preview and apply", "submit and run"])
def test_the_number_of_statements_is_known_and_does_not_depend_on_the_targets(
    governed: Governed, later: bool
) -> None:
    few, many = (
        sent_in_sequence(governed, governed.add_tasks(number), later=later)
        for number in (FEW, ENOUGH if later else MANY)
    )
    # The very same texts, with the same number of values beside them: an array is one value.
    for step, sent in few.items():
        assert list(map(subject, sent)) == list(map(subject, many[step]))
    assert few == many
    expected = {
        (what, door): number
        for what, _, numbers in SEQUENCE
        for door, number in zip(DOORS[later], numbers[2:] if later else numbers[:2], strict=True)
    }
    assert {step: len(sent) for step, sent in few.items()} == expected


def kept_query_plans() -> set[str]:
    """Return the statements whose query plan this connection keeps."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT statement FROM pg_prepared_statements")
        return {statement for (statement,) in cursor.fetchall()}


def test_the_database_plans_each_statement_of_a_batch_for_its_own_targets(
    governed: Governed,
) -> None:
    uids = governed.add_tasks(2)
    before = kept_query_plans()
    for _ in range(4):
        for _, make, _ in SEQUENCE:
            sent_through(doors_now(governed, make(), uids))
    kept = kept_query_plans() - before
    assert not [statement for statement in kept if "ANY(" in statement or "unnest(" in statement]
    # What a request asks besides keeps its query plan, as before.
    for _ in range(4):
        Operation.objects.filter(request_id="none").exists()
    assert [statement for statement in kept_query_plans() - before if "request_id" in statement]
