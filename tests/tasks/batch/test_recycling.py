"""Into the recycle bin, out of it, and what becomes of other changes and undos meanwhile."""

from collections.abc import Sequence
from functools import partial
from typing import Any

import pytest

from permissions.changes import SetPermissions
from tasks.batch.change import Change
from tasks.batch.errors import PlanRefused
from tasks.batch.plan import OutcomeKind, Reason
from tasks.changes import RecycleTasks, RestoreTasks, SetEnabled, UpdateSettings
from tasks.models import Task
from tests.batches import apply, kinds_of_undo, preview, reasons, statements_of, undo
from tests.conftest import Governed


RECYCLE, RESTORE = RecycleTasks(), RestoreTasks()
MAIN = UpdateSettings(patch={"repository": {"branch": "main"}})


def recycled(uids: Sequence[str]) -> list[bool]:
    found = dict(Task.objects.filter(uid__in=uids).values_list("uid", "recycled_at"))
    return [found[uid] is not None for uid in uids]


def rename(uid: str, name: str) -> None:
    """Rename a task as a hand at the database does."""
    Task.objects.filter(uid=uid).update(name=name)


def test_a_developer_recycles_tasks_and_restores_them_each_with_its_history(
    governed: Governed,
) -> None:
    uids = governed.add_tasks(2)
    there = apply(governed.developer, RECYCLE, uids)
    assert recycled(uids) == [True, True]
    back = apply(governed.developer, RESTORE, uids)
    assert recycled(uids) == [False, False]
    for task in Task.objects.filter(uid__in=uids):
        assert task.version == 3
        assert task.history.get(operation=there.operation).recycled_at is not None
        assert task.history.get(operation=back.operation).recycled_at is None


def test_a_viewer_neither_recycles_nor_restores(governed: Governed) -> None:
    live, binned = governed.add_tasks(2)
    apply(governed.manager, RECYCLE, [binned])
    assert reasons(governed.viewer, RECYCLE, [live]) == [Reason.NO_RIGHT]
    assert reasons(governed.viewer, RESTORE, [binned]) == [Reason.NO_RIGHT]
    assert reasons(governed.outsider, RESTORE, [binned]) == [Reason.NOT_FOUND]
    assert recycled([live, binned]) == [False, True]


@pytest.mark.parametrize(
    "change", [MAIN, SetEnabled(enabled=False), SetPermissions(follow=False), RECYCLE]
)
def test_a_recycled_task_is_not_there_for_other_changes(
    governed: Governed, change: Change[Any]
) -> None:
    uids = governed.add_tasks(1)
    apply(governed.manager, RECYCLE, uids)
    assert reasons(governed.manager, change, uids) == [Reason.NOT_FOUND]


def test_only_recycled_tasks_can_be_restored(governed: Governed) -> None:
    uids = governed.add_tasks(1)
    assert reasons(governed.manager, RESTORE, uids) == [Reason.NOT_FOUND]


def test_who_may_see_a_task_is_told_on_which_side_of_the_lid_it_is_and_nobody_else(
    governed: Governed,
) -> None:
    live, binned = governed.add_tasks(2)
    apply(governed.manager, RECYCLE, [binned])
    asked: list[tuple[Change[Any], str]] = [
        (MAIN, binned),
        (SetPermissions(follow=False), binned),
        (RESTORE, live),
        (RESTORE, "0" * 24),
    ]
    told = {
        actor: [preview(actor, change, [uid]).outcomes[0].detail for change, uid in asked]
        for actor in (governed.viewer, governed.outsider)
    }
    unknown = "there is no such task"
    in_bin, not_in_bin = "it is in the recycle bin", "it is not in the recycle bin"
    assert told[governed.viewer] == [in_bin, in_bin, not_in_bin, unknown]
    assert told[governed.outsider] == [unknown] * 4


def test_a_name_that_was_taken_meanwhile_cannot_be_given_back(governed: Governed) -> None:
    old, new, other = governed.add_tasks(3)
    apply(governed.manager, RECYCLE, [old, other])
    rename(new, f"task {old}")
    plan = preview(governed.manager, RESTORE, [old, other])
    assert [outcome.kind for outcome in plan.outcomes] == [OutcomeKind.INVALID, OutcomeKind.CHANGE]
    assert f"task {old}" in plan.outcomes[0].detail
    assert reasons(governed.manager, RESTORE, [old, other]) == [Reason.NAME_TAKEN]
    assert recycled([old, other]) == [True, True]


def test_of_two_recycled_tasks_with_one_name_neither_is_restored_for_the_other(
    governed: Governed,
) -> None:
    first, second, third = governed.add_tasks(3)
    apply(governed.manager, RECYCLE, [first, second, third])
    rename(second, f"task {first}")
    assert reasons(governed.manager, RESTORE, [first, second, third]) == [Reason.NAME_TAKEN] * 2
    apply(governed.manager, RESTORE, [second, third])
    assert recycled([first, second, third]) == [True, False, False]


def test_each_is_undone_by_the_other_again_and_again(governed: Governed) -> None:
    uids = governed.add_tasks(2)
    applied = apply(governed.developer, RECYCLE, uids)
    for side in (False, True, False):
        applied = undo(governed.developer, applied)
        assert recycled(uids) == [side, side]
        assert applied.operation.changed == 2
    assert applied.operation.kind == RestoreTasks.kind


def test_undo_leaves_alone_what_was_restored_and_reports_what_changed_since(
    governed: Governed,
) -> None:
    untouched, restored, again = governed.add_tasks(3)
    applied = apply(governed.developer, RECYCLE, [untouched, restored, again])
    apply(governed.developer, RESTORE, [restored, again])
    apply(governed.developer, RECYCLE, [again])
    assert kinds_of_undo(governed.developer, applied) == [
        OutcomeKind.CHANGE,
        OutcomeKind.UNCHANGED,
        OutcomeKind.CONFLICT,
    ]
    undo(governed.developer, applied, skip_conflicts=True)
    assert recycled([untouched, restored, again]) == [False, False, True]


def test_a_restored_task_that_was_changed_does_not_go_back_by_undo(governed: Governed) -> None:
    uids = governed.add_tasks(2)
    apply(governed.developer, RECYCLE, uids)
    applied = apply(governed.developer, RESTORE, uids)
    apply(governed.developer, MAIN, uids[:1])
    assert kinds_of_undo(governed.developer, applied) == [OutcomeKind.CONFLICT, OutcomeKind.CHANGE]


@pytest.mark.parametrize(
    "change", [MAIN, SetEnabled(enabled=False), SetPermissions(follow=False)], ids=lambda c: c.kind
)
def test_undo_of_another_change_finds_a_task_that_was_recycled_since_in_conflict(
    governed: Governed, change: Change[Any]
) -> None:
    kept, binned = uids = governed.add_tasks(2)
    applied = apply(governed.manager, change, uids)
    apply(governed.manager, RECYCLE, [binned])
    with pytest.raises(PlanRefused) as refused:
        undo(governed.manager, applied)
    (conflict,) = refused.value.plan.refusals
    assert (conflict.uid, conflict.reason) == (binned, Reason.CHANGED_SINCE)
    undone = undo(governed.manager, applied, skip_conflicts=True)
    assert [outcome.uid for outcome in undone.plan.changes] == [kept]


def test_undo_is_refused_where_the_name_was_taken(governed: Governed) -> None:
    old, new = governed.add_tasks(2)
    applied = apply(governed.developer, RECYCLE, [old])
    rename(new, f"task {old}")
    with pytest.raises(PlanRefused) as refused:
        undo(governed.developer, applied, skip_conflicts=True)
    assert [outcome.reason for outcome in refused.value.plan.refusals] == [Reason.NAME_TAKEN]


def test_the_number_of_statements_does_not_grow_with_the_targets(governed: Governed) -> None:
    for count in (2, 20):
        uids = governed.add_tasks(count)
        made = [
            statements_of(partial(call, governed.developer, change, uids))
            for change in (RECYCLE, RESTORE)
            for call in (preview, apply)
        ]
        assert made == [4, 7, 5, 9]
