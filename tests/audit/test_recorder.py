"""The recorder's history is the history that `save()` writes, and no change is without it."""

import json
import uuid
from typing import Any

import pytest
from django.db import DataError, IntegrityError, models, transaction
from django.utils import timezone
from simple_history.models import registered_models

from audit.models import Operation
from audit.recorder import (
    RecordedCountDiffers,
    administrative_operation,
    record_insert,
    record_update,
)
from permissions.models import Role, RoleMember
from tasks.models import Task, TaskType
from tests.conftest import ORIGIN, Governed
from tests.tracked import (
    NOW,
    TRACKED,
    TRACKED_BY_TRIGGER,
    Values,
    assert_history_equals_row,
    history_of,
    rows_of,
    task_values,
)


# Unlike in two rows that are alike.
OWN = {
    "id",
    "uid",
    "key",
    "name",
    "digest",
    "code",
    "external_id",
    "role_id",
    "role_code",
    "task_id",
}


def columns_of(values: Values) -> dict[str, list[Any]]:
    """Return the values as the recorder takes them, for one row."""
    return {
        name: [
            json.dumps(value)
            if isinstance(value, dict | list)
            else value.pk
            if isinstance(value, models.Model)
            else value
        ]
        for name, value in values.items()
    }


def alike(row: Values) -> Values:
    """Return what two history rows that were written alike have in common."""
    return {
        name: value
        for name, value in row.items()
        if name not in OWN | {"history_id", "history_date", "version", "updated_at"}
    }


def inserted(model: type[models.Model], operation: Operation, values: Values) -> models.Model:
    """Insert a row with the recorder."""
    record_insert(model=model, operation=operation, columns=columns_of(values))
    unique = {"TaskPermission": "task", "RolePermission": "role", "RoleMember": "role"}
    name = unique.get(model.__name__, "name" if "uid" not in values else "uid")
    name = "code" if model is Role else name
    row: models.Model = model._default_manager.get(**{name: values[name]})
    return row


def test_every_tracked_model_is_compared() -> None:
    assert TRACKED.keys() | TRACKED_BY_TRIGGER == set(registered_models.values())


@pytest.mark.parametrize("model", TRACKED)
def test_a_row_inserted_by_save_and_one_by_the_recorder_have_equal_history(
    governed: Governed, operation: Operation, model: type[models.Model]
) -> None:
    values_of, _ = TRACKED[model]
    saved = model._default_manager.create(**values_of(governed))
    recorded = inserted(model, operation, values_of(governed))
    for row in (saved, recorded):
        assert_history_equals_row(row)
    by_save, by_recorder = history_of(saved)[-1], history_of(recorded)[-1]
    assert alike(by_save) == alike(by_recorder)
    assert by_recorder["history_type"] == "+"
    assert by_recorder["history_user_id"] == governed.manager.pk
    assert by_recorder["operation_id"] == str(operation.pk)
    assert len(history_of(recorded)) == len(history_of(saved))


@pytest.mark.parametrize("model", [model for model, (_, change) in TRACKED.items() if change])
def test_a_row_changed_by_save_and_one_by_the_recorder_have_equal_history(
    governed: Governed, operation: Operation, model: type[models.Model]
) -> None:
    values_of, change = TRACKED[model]
    saved = model._default_manager.create(**values_of(governed))
    recorded = model._default_manager.create(**values_of(governed))
    if "name" in change:
        change = {**change, "name": f"renamed {uuid.uuid4()}"}
    for name, value in change.items():
        setattr(saved, name, value)
    saved.save()
    if "name" in change:
        change = {**change, "name": f"renamed {uuid.uuid4()}"}
    columns = columns_of(change)
    record_update(model=model, operation=operation, at=NOW, keys=[recorded.pk], columns=columns)
    for row in (saved, recorded):
        assert_history_equals_row(row)
    assert alike(history_of(saved)[-1]) == alike(history_of(recorded)[-1])
    assert [row["history_type"] for row in history_of(recorded)[-2:]] == ["+", "~"]


def test_each_recorded_change_moves_a_task_s_version_and_time(
    governed: Governed, operation: Operation
) -> None:
    tasks = list(Task.objects.filter(uid__in=governed.add_tasks(3)))
    at = timezone.now()
    keys = [task.pk for task in tasks]
    columns = {"disabled_reason": ["a", "b", "c"]}
    record_update(model=Task, operation=operation, at=at, keys=keys, columns=columns)
    for task, reason in zip(tasks, "abc", strict=True):
        task.refresh_from_db()
        assert (task.version, task.updated_at, task.disabled_reason) == (2, at, reason)
        assert_history_equals_row(task)


def test_what_is_too_long_for_its_column_is_refused_and_not_cut_off(
    governed: Governed, operation: Operation
) -> None:
    columns = columns_of({**task_values(governed), "name": "x" * 201})
    with pytest.raises(DataError), transaction.atomic():
        record_insert(model=Task, operation=operation, columns=columns)
    columns = {"name": ["x" * 101]}
    key = governed.task_type.pk
    with pytest.raises(DataError), transaction.atomic():
        record_update(model=TaskType, operation=operation, at=NOW, keys=[key], columns=columns)


@pytest.mark.parametrize("extra", [[0], "the first again"])
def test_another_number_of_rows_than_planned_rolls_everything_back(
    governed: Governed, extra: list[int] | str
) -> None:
    task = Task.objects.get(uid=governed.add_tasks(1)[0])
    keys = [task.pk, *(extra if isinstance(extra, list) else [task.pk])]
    columns = {"disabled_reason": ["new"] * 2}
    with (
        pytest.raises(RecordedCountDiffers),
        administrative_operation(actor=governed.admin, kind="odd", origin=ORIGIN) as operation,
    ):
        record_update(model=Task, operation=operation, at=NOW, keys=keys, columns=columns)
    task.refresh_from_db()
    assert (task.version, task.disabled_reason) == (1, "")
    assert len(history_of(task)) == 1
    assert not Operation.objects.filter(kind="odd").exists()


@pytest.mark.parametrize("model", TRACKED)
def test_a_tracked_row_cannot_be_written_without_an_operation(
    governed: Governed, model: type[models.Model]
) -> None:
    values_of, _ = TRACKED[model]
    with administrative_operation(actor=governed.admin, kind="set up", origin=ORIGIN):
        values = values_of(governed)
        row = model._default_manager.create(**values_of(governed))
    with pytest.raises(IntegrityError, match="operation_id"), transaction.atomic():
        model._default_manager.create(**values)
    with pytest.raises(IntegrityError, match="operation_id"), transaction.atomic():
        row.save()


def test_a_recorded_deletion_says_what_was_deleted(
    governed: Governed, operation: Operation
) -> None:
    member = RoleMember.objects.get(user=governed.viewer)
    (current,) = rows_of("permissions_rolemember", where={"id": member.pk})
    key = member.pk
    member.delete()
    newest = rows_of("permissions_historicalrolemember", where={"id": key})[-1]
    assert newest["history_type"] == "-"
    assert {name: newest[name] for name in current} == current
