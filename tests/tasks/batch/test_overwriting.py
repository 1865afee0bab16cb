"""An undo that takes back what has been changed since as well, and two undos at once."""

from typing import Any

import pytest

from audit.models import Operation, State
from permissions.changes import CopyTasks, SetPermissions
from permissions.changes.copies import uid_of_copy
from tasks.admin.drafts import Confirmed, apply_draft, draft_of_batch
from tasks.batch.change import Change
from tasks.batch.errors import PlanDrifted, PlanRefused
from tasks.batch.pipeline import Applied
from tasks.batch.plan import Reason
from tasks.batch.revert import Undo, batch_to_undo
from tasks.changes import RecycleTasks, SetEnabled, UpdateSettings
from tasks.models import Task
from tests.batches import apply, undo
from tests.conftest import ORIGIN, Governed
from tests.observed import observe
from tests.threads import at_once


def branch(name: str) -> UpdateSettings:
    return UpdateSettings(patch={"repository": {"branch": name}})


def viewers(**flags: bool) -> SetPermissions:
    return SetPermissions(flags={8: flags})


@pytest.mark.parametrize(
    ("change", "since"),
    [
        (branch("main"), branch("release")),
        (SetEnabled(enabled=False, reason="frozen"), SetEnabled(enabled=False, reason="thawing")),
        (viewers(is_copy=True), viewers(is_execute=True)),
    ],
    ids=lambda change: change.kind,
)
def test_what_has_been_changed_since_is_undone_when_it_is_said(
    governed: Governed, change: Change[Any], since: Change[Any]
) -> None:
    uids = governed.add_tasks(2)
    before = {uid: seen.wanted for uid, seen in observe().items()}
    applied = apply(governed.manager, change, uids)
    apply(governed.manager, since, uids[1:])
    with pytest.raises(PlanRefused):
        undo(governed.manager, applied)
    undone = undo(governed.manager, applied, overwrite=True)
    assert undone.operation.changed == 2
    after = {uid: seen.wanted for uid, seen in observe().items()}
    # What a task kept aside is its own matrix, which it did not have before.
    assert {uid: seen[:3] for uid, seen in after.items()} == {
        uid: seen[:3] for uid, seen in before.items()
    }
    assert {uid: seen[5:7] for uid, seen in after.items()} == {
        uid: seen[5:7] for uid, seen in before.items()
    }


@pytest.mark.parametrize("change", [branch("main"), viewers(is_copy=True)], ids=lambda c: c.kind)
def test_what_lies_in_the_recycle_bin_stays_as_it_is(
    governed: Governed, change: Change[Any]
) -> None:
    uids = governed.add_tasks(2)
    applied = apply(governed.manager, change, uids)
    apply(governed.manager, RecycleTasks(), uids[1:])
    with pytest.raises(PlanRefused) as refused:
        undo(governed.manager, applied, overwrite=True)
    (outcome,) = refused.value.plan.refusals
    assert (outcome.uid, outcome.reason) == (uids[1], Reason.CHANGED_SINCE)


def test_copies_that_were_changed_since_are_recycled_when_it_is_said(governed: Governed) -> None:
    applied = apply(governed.manager, CopyTasks(), governed.add_tasks(1))
    copy = uid_of_copy(applied.plan.outcomes[0])
    apply(governed.manager, branch("release"), [copy])
    undo(governed.manager, applied, overwrite=True)
    assert Task.objects.get(uid=copy).recycled_at is not None


def previewed_undo(governed: Governed, applied: Applied) -> Any:
    """Return the call that applies an undo as it was previewed, for a thread."""
    asked = Undo(operation_id=applied.operation.pk)
    batch = batch_to_undo(actor=governed.developer, undo=asked, origin=ORIGIN)
    draft = draft_of_batch(actor=governed.developer, action="undo", batch=batch)
    return lambda: apply_draft(
        actor=governed.developer,
        draft=draft,
        confirmed=Confirmed(fingerprint=draft.fingerprint),
        origin=ORIGIN,
    )


def test_of_two_undos_at_once_one_undoes_and_the_other_is_refused(committed: Governed) -> None:
    uids = committed.add_tasks(3)
    applied = apply(committed.developer, branch("main"), uids)
    calls = [previewed_undo(committed, applied) for _ in range(2)]
    errors = [each.exception() for each in at_once(*calls)]
    assert sorted(map(type, errors), key=str) == sorted([type(None), PlanDrifted], key=str)
    undos = Operation.objects.filter(reverts=applied.operation, state=State.APPLIED)
    assert [undo.changed for undo in undos] == [3]
    assert all(task.version == 3 for task in Task.objects.all())


def test_a_draft_that_is_applied_twice_at_once_is_one_operation(committed: Governed) -> None:
    applied = apply(committed.developer, branch("main"), committed.add_tasks(3))
    call = previewed_undo(committed, applied)
    errors = [each.exception() for each in at_once(call, call)]
    assert sum(error is None for error in errors) == 1
    assert Operation.objects.filter(reverts=applied.operation).count() == 1
