"""Operations are called what their changes are called, wherever people read of them."""

import pytest

from audit.titles import title_of
from permissions.changes import SetProjectMatrix
from tasks.batch.change import Change
from tasks.changes import SetEnabled
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
    "where", ["index", "tasks_task_change", "tasks_task_history", "audit_operation_changelist"]
)
def test_a_page_calls_an_operation_by_its_title(governed: Governed, where: str) -> None:
    uid = governed.add_tasks(1)[0]
    apply(governed.developer, SetEnabled(enabled=False, reason="x"), [uid])
    keys = [Task.objects.get(uid=uid).pk] if "task" in where else []
    shown = text_of(visit(governed.developer).get(page(where, *keys)))
    assert "Enable or disable" in shown
    assert "Set enabled" not in shown
