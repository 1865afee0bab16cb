"""Operations are called what their changes are called, wherever people read of them."""

import re
from typing import Any

import pytest

from audit.models import Operation
from audit.titles import title_of
from permissions.changes import SetPermissions, SetProjectMatrix
from tasks.batch.change import Change
from tasks.changes import SetEnabled, UpdateSettings
from tasks.models import Task
from tests.batches import apply
from tests.conftest import Governed
from tests.visitors import page, text_of, visit


def test_each_kind_of_change_has_its_title_and_what_nobody_named_its_words() -> None:
    for kind, change in Change.kinds().items():
        assert title_of(kind) == change.title
    assert title_of(SetProjectMatrix.kind) == SetProjectMatrix.title
    assert title_of("add_tasktype") == "Add task type"
    assert title_of("a_kind_of_old") == "A kind of old"


@pytest.mark.parametrize(
    ("change", "title"),
    [
        (SetEnabled(enabled=True), "Enable"),
        (SetEnabled(enabled=False), "Disable"),
        (SetPermissions(follow=True), "Follow the project's permissions"),
        (SetPermissions(follow=True, flags={8: {"is_copy": True}}), "Change permissions"),
        (UpdateSettings(patch={}), "Change settings"),
    ],
)
def test_an_operation_is_called_what_it_did_as_far_as_its_parameters_say(
    change: Change[Any], title: str
) -> None:
    operation = Operation(kind=change.kind, parameters=change.parameters())
    assert operation.title == title
    assert Operation(kind=change.kind, parameters={}).title == type(change).title


@pytest.mark.parametrize(
    "where", ["index", "tasks_task_change", "tasks_task_history", "audit_operation_changelist"]
)
def test_a_page_calls_an_operation_by_its_title(governed: Governed, where: str) -> None:
    uid = governed.add_tasks(1)[0]
    apply(governed.manager, SetEnabled(enabled=False, reason="x"), [uid])
    apply(governed.manager, SetPermissions(follow=False), [uid])
    keys = [Task.objects.get(uid=uid).pk] if "task" in where else []
    shown = text_of(visit(governed.manager).get(page(where, *keys)))
    for title in ("Disable", "Use own permissions"):
        assert re.search(rf">\s*{title}\s*<", shown), title
    for kind in ("Set enabled", "Set permissions"):
        assert kind not in shown
