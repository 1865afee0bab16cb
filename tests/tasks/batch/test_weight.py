"""What bounds a batch besides the number of its targets: how much it writes."""

import pytest

from tasks.batch import pipeline
from tasks.batch.errors import BatchTooHeavy
from tasks.batch.pipeline import Batch
from tasks.batch.plan import Reason
from tasks.changes import UpdateSettings
from tasks.models import PreviewedPlan, Task
from tests.conftest import ORIGIN, Governed
from tests.tasks.api.caller import SETTINGS_TASKS, caller_of, update


MIB = 1024 * 1024


def patch_of(length: int) -> UpdateSettings:
    """Return a change whose patch is about this long."""
    return UpdateSettings(patch={"repository": {"branch": "b" * length}})


def test_a_long_patch_for_many_tasks_is_refused_before_anything_is_read(
    governed: Governed,
) -> None:
    uids = governed.add_tasks(17)
    change = patch_of(MIB)
    batch = Batch(change=change, uids=uids, origin=ORIGIN)
    with pytest.raises(BatchTooHeavy):
        pipeline.apply(actor=governed.developer, batch=batch)
    answer = caller_of(governed.developer).post(SETTINGS_TASKS, update(uids, change.patch))
    assert answer.status_code == 413
    assert not Task.objects.filter(version__gt=1).exists()


def test_settings_do_not_grow_beyond_what_a_task_may_have(governed: Governed) -> None:
    uids = governed.add_tasks(1)
    batch = Batch(change=patch_of(MIB), uids=uids, origin=ORIGIN)
    (outcome,) = pipeline.preview(actor=governed.developer, batch=batch).outcomes
    assert (outcome.reason, outcome.problems[0].rule) == (Reason.SETTINGS, "maxBytes")


def test_a_preview_of_what_cannot_be_applied_is_not_remembered(governed: Governed) -> None:
    batch = Batch(change=patch_of(8), uids=governed.add_tasks(1), origin=ORIGIN)
    pipeline.preview(actor=governed.outsider, batch=batch)
    assert not PreviewedPlan.objects.exists()
