"""What a change of settings writes: what the patch names, and nothing else."""

from typing import Any

import pytest
from django.db import connection
from django.utils import timezone

from audit.recorder import administrative_operation, record_update
from tasks.batch import pipeline
from tasks.batch.pipeline import Batch
from tasks.changes import RestoreSettings, UpdateSettings
from tasks.models import Task
from tests.conftest import ORIGIN, Governed


# More digits than a double holds.
EXACT = '{"exact": 0.12345678901234567890123456789, "large": 1e400, "branch": "develop"}'


@pytest.fixture
def uid(governed: Governed) -> str:
    """A task of a type that takes any settings, with numbers that Python would round."""
    (uid,) = governed.add_tasks(1)
    with administrative_operation(actor=governed.admin, kind="prepare", origin=ORIGIN) as operation:
        governed.task_type.schema = {"type": "object"}
        governed.task_type.save()
        record_update(
            model=Task,
            operation=operation,
            at=timezone.now(),
            keys=[Task.objects.get(uid=uid).pk],
            columns={"settings": [EXACT]},
        )
    return uid


def apply(governed: Governed, uid: str, change: Any) -> str:
    batch = Batch(change=change, uids=[uid], origin=ORIGIN)
    return str(pipeline.apply(actor=governed.developer, batch=batch).operation.pk)


def is_stored(expected: str) -> bool:
    with connection.cursor() as cursor:
        cursor.execute("SELECT settings = %s::jsonb FROM tasks_task", [expected])
        (equal,) = cursor.fetchone()
    return bool(equal)


def test_what_a_patch_does_not_name_stays_to_the_last_digit(governed: Governed, uid: str) -> None:
    apply(governed, uid, UpdateSettings(patch={"branch": "main"}))
    assert is_stored(EXACT.replace("develop", "main"))


def test_undo_gives_back_what_was_to_the_last_digit(governed: Governed, uid: str) -> None:
    operation = apply(governed, uid, UpdateSettings(patch={"exact": None, "large": 1}))
    assert is_stored('{"large": 1, "branch": "develop"}')
    apply(governed, uid, RestoreSettings(operation_id=operation))
    assert is_stored(EXACT)


def test_a_patch_of_very_many_objects_is_written_too(governed: Governed, uid: str) -> None:
    many = {f"key-{number}": {"a": number, "b": None} for number in range(3000)}
    apply(governed, uid, UpdateSettings(patch={**many, "exact": None, "large": None}))
    settings = Task.objects.get(uid=uid).settings
    assert settings == {"branch": "develop", **{key: {"a": many[key]["a"]} for key in many}}


def test_a_patch_may_set_and_remove_very_many_keys(governed: Governed, uid: str) -> None:
    wide = {f"key-{number}": number for number in range(3000)}
    apply(governed, uid, UpdateSettings(patch={**wide, "inside": wide, "exact": None, "large": 0}))
    expected = {**wide, "inside": wide, "branch": "develop", "large": 0}
    assert Task.objects.get(uid=uid).settings == expected
    apply(governed, uid, UpdateSettings(patch=dict.fromkeys([*wide, "inside", "large"])))
    assert Task.objects.get(uid=uid).settings == {"branch": "develop"}


@pytest.mark.parametrize("width", [49, 50, 51])
def test_both_ways_of_writing_agree_where_they_meet(
    governed: Governed, uid: str, width: int
) -> None:
    patch = {f"key-{number}": {"a": number} for number in range(width - 1)}
    apply(governed, uid, UpdateSettings(patch={**patch, "exact": None, "large": None}))
    assert Task.objects.get(uid=uid).settings == {"branch": "develop", **patch}
