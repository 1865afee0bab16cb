"""What is written past the recorder is recorded by triggers, as a change from outside the application."""

from typing import Any

import pytest
from django.db import IntegrityError, connection, models, transaction
from django.utils import timezone

from audit.models import Channel, Operation
from audit.recorder import administrative_operation
from permissions.models import ApiToken, TaskPermission
from tasks.models import Task
from tests.audit.sealed import fill_accounts
from tests.conftest import ORIGIN, Governed
from tests.tracked import TRACKED, TRACKED_BY_TRIGGER, assert_history_equals_row, history_of


def written_outside(governed: Governed, model: type[models.Model]) -> models.Model:
    """Insert a row as a bulk insert does: without history."""
    values_of, _ = TRACKED[model]
    with administrative_operation(actor=governed.admin, kind="what it needs", origin=ORIGIN):
        values = values_of(governed)
    (row,) = model._default_manager.bulk_create([model(**values)])
    return row


def told(row: models.Model) -> list[tuple[str, str, bool]]:
    """Return the kinds of the row's history with the channels of its operations, oldest first."""
    operations = [(entry["history_type"], entry["operation_id"]) for entry in history_of(row)]
    found = Operation.objects.in_bulk([key for _, key in operations])
    by_text = {str(key): operation for key, operation in found.items()}
    return [(kind, by_text[key].channel, by_text[key].actor is None) for kind, key in operations]


OUTSIDE = (Channel.DATABASE, True)


@pytest.mark.parametrize("model", TRACKED)
def test_a_row_inserted_past_the_recorder_is_recorded(
    governed: Governed, model: type[models.Model]
) -> None:
    row = written_outside(governed, model)
    assert_history_equals_row(row)
    assert told(row)[-1] == ("+", *OUTSIDE)


@pytest.mark.parametrize("model", [model for model, (_, change) in TRACKED.items() if change])
def test_a_row_changed_past_the_recorder_is_recorded(
    governed: Governed, model: type[models.Model]
) -> None:
    _, change = TRACKED[model]
    row = written_outside(governed, model)
    before = len(told(row))
    model._default_manager.filter(pk=row.pk).update(**change)
    assert_history_equals_row(row)
    assert told(row)[before:] == [("~", *OUTSIDE)]


@pytest.mark.parametrize("model", TRACKED)
def test_a_row_removed_past_the_recorder_is_recorded_as_it_was(
    governed: Governed, model: type[models.Model]
) -> None:
    row = written_outside(governed, model)
    last = history_of(row)[-1]
    before = len(told(row))
    with connection.cursor() as cursor:
        if model is Task:
            cursor.execute("DELETE FROM permissions_taskpermission WHERE task_id = %s", [row.pk])
        key = row._meta.pk
        assert key is not None
        cursor.execute(
            f"DELETE FROM {model._meta.db_table} WHERE {key.column} = %s",  # noqa: S608 - names of ours
            [row.pk],
        )
    assert told(row)[before:] == [("-", *OUTSIDE)]
    marks = {"history_id", "history_date", "history_type", "operation_id"}
    removed = history_of(row)[-1]
    assert {name: removed[name] for name in removed.keys() - marks} == {
        name: last[name] for name in last.keys() - marks
    }


@pytest.mark.parametrize("model", [*TRACKED, *TRACKED_BY_TRIGGER])
def test_a_row_keeps_the_key_by_which_its_history_is_known(
    governed: Governed, model: type[models.Model]
) -> None:
    fill_accounts(governed)
    row = written_outside(governed, model) if model in TRACKED else model._default_manager.all()[0]
    key, table = str(row._meta.pk.column), model._meta.db_table
    with (
        pytest.raises(IntegrityError, match="keeps its"),
        transaction.atomic(),
        connection.cursor() as cursor,
    ):
        cursor.execute(
            f"UPDATE {table} SET {key} = 1000000 WHERE {key} = %s",  # noqa: S608 - names of ours
            [row.pk],
        )


def unchanged(governed: Governed, row: models.Model, **values: Any) -> bool:
    before = len(history_of(row))
    operations = Operation.objects.count()
    type(row)._default_manager.filter(pk=row.pk).update(**values)
    return len(history_of(row)) == before and Operation.objects.count() == operations


def test_what_is_not_tracked_and_what_stays_the_same_is_no_change(governed: Governed) -> None:
    token = written_outside(governed, ApiToken)
    assert unchanged(governed, token, last_used_at=timezone.now())
    task = written_outside(governed, Task)
    assert unchanged(governed, task, disabled_reason="frozen")
    assert not unchanged(governed, task, disabled_reason="thawed")


def test_a_number_that_is_written_in_another_way_is_a_change(governed: Governed) -> None:
    task = written_outside(governed, Task)
    Task.objects.filter(pk=task.pk).update(settings={"depth": 1})
    assert not unchanged(governed, task, settings={"depth": 1.0})


def test_the_changes_of_a_transaction_are_one_operation(governed: Governed) -> None:
    uids = governed.add_tasks(3)
    Task.objects.filter(uid__in=uids).update(disabled_reason="why")
    TaskPermission.objects.filter(task__uid__in=uids).update(own_matrix=None)
    Task.objects.filter(uid=uids[0]).update(disabled_reason="why not")
    rows = Task.history.filter(history_type="~")
    assert rows.count() == 4
    assert len({row.operation_id for row in rows}) == 1


def test_what_the_application_writes_is_recorded_once(governed: Governed) -> None:
    task = Task.objects.get(uid=governed.add_tasks(1)[0])
    with administrative_operation(actor=governed.admin, kind="rename", origin=ORIGIN) as operation:
        task.name = "renamed"
        task.save()
    assert [entry["history_type"] for entry in history_of(task)] == ["+", "~"]
    assert history_of(task)[-1]["operation_id"] == str(operation.pk)
