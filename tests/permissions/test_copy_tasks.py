"""What a copy is: its name, its content, its permissions, and its undo."""

import json
from functools import partial

import pytest
from django.contrib.auth.models import User

from audit.models import State
from permissions.changes import CopyTasks, RecycleCopies, SetPermissions, uid_of_copy
from permissions.models import TaskPermission
from tasks.batch import pipeline
from tasks.batch.errors import PlanDrifted
from tasks.batch.pipeline import Applied, Batch
from tasks.batch.plan import OutcomeKind, Reason
from tasks.changes import RecycleTasks, RestoreTasks, SetEnabled, UpdateSettings
from tasks.models import Task, TaskType
from tests.batches import apply, kinds_of_undo, preview, reasons, statements_of, undo
from tests.conftest import ORIGIN, Governed
from tests.permissions.governance import DEVELOPER, VIEWER, change, governance_of


COPY = CopyTasks()
MAIN = UpdateSettings(patch={"repository": {"branch": "main"}})


def copies_of(applied: Applied) -> list[Task]:
    """Return the copies, in the order of their sources."""
    return [Task.objects.get(uid=uid_of_copy(outcome)) for outcome in applied.plan.changes]


def rename(uid: str, name: str) -> None:
    """Rename a task as a hand at the database does."""
    Task.objects.filter(uid=uid).update(name=name)


def test_a_copy_is_a_new_task_of_the_actors_with_the_sources_content(governed: Governed) -> None:
    (uid,) = governed.add_tasks(1)
    token = UpdateSettings(patch={"repository": {"token": "correct horse"}})
    apply(governed.manager, token, [uid])
    apply(governed.manager, SetEnabled(enabled=False, reason="frozen"), [uid])
    (copy,) = copies_of(apply(governed.developer, COPY, [uid]))
    source = Task.objects.get(uid=uid)
    for field in ("project", "task_type", "settings", "enabled", "disabled_reason"):
        assert getattr(copy, field) == getattr(source, field)
    assert copy.settings["repository"]["token"].startswith("secret:")
    assert (copy.created_by, copy.version, copy.recycled_at) == (governed.developer, 1, None)
    assert copy.uid > source.uid
    assert copy.uid[12] == "7"
    assert copy.name == f"{source.name}-copy-1"


def test_copies_are_recorded_as_added_and_sources_stay_as_they_are(governed: Governed) -> None:
    uids = governed.add_tasks(3)
    before = list(Task.objects.filter(uid__in=uids).values())
    applied = apply(governed.developer, COPY, uids)
    keys = sorted(copy.pk for copy in copies_of(applied))
    for model, key in ((Task, "id"), (TaskPermission, "task_id")):
        rows = model.history.filter(operation=applied.operation)
        assert sorted(rows.values_list(key, "history_type")) == [(key, "+") for key in keys]
    assert applied.operation.changed == 3
    assert list(Task.objects.filter(uid__in=uids).values()) == before


def test_copies_take_the_first_free_number(governed: Governed) -> None:
    source, second, recycled = governed.add_tasks(3)
    name = Task.objects.get(uid=source).name
    rename(second, f"{name}-copy-2")
    rename(recycled, f"{name}-copy-1")
    apply(governed.manager, RecycleTasks(), [recycled])
    names = [copies_of(apply(governed.developer, COPY, [source]))[0].name for _ in range(3)]
    assert names == [f"{name}-copy-{number}" for number in (1, 3, 4)]


def test_long_names_are_cut_and_still_unique_in_one_batch(governed: Governed) -> None:
    uids = governed.add_tasks(3)
    for number, uid in enumerate(uids):
        rename(uid, "x" * 190 + f"{number:010}")
    names = [copy.name for copy in copies_of(apply(governed.developer, COPY, uids))]
    assert names == ["x" * 184 + f"-copy-{number}" for number in (1, 2, 3)]


def test_another_word_counts_by_itself_and_keeps_names_short_enough(governed: Governed) -> None:
    (uid,) = governed.add_tasks(1)
    rename(uid, "x" * 200)
    word = "w" * 40
    names = [
        copies_of(apply(governed.developer, change, [uid]))[0].name
        for change in (COPY, CopyTasks(word=word), CopyTasks(word=word))
    ]
    assert names == ["x" * 184 + "-copy-1", *(f"{'x' * 148}-{word}-{number}" for number in (1, 2))]
    assert CopyTasks.from_parameters(CopyTasks(word=word).parameters()) == CopyTasks(word=word)


def test_a_preview_promises_the_name_and_no_id(governed: Governed) -> None:
    (uid,) = governed.add_tasks(1)
    (outcome,) = preview(governed.developer, COPY, [uid]).outcomes
    assert json.loads(outcome.before) == {"copy": None}
    assert json.loads(outcome.after) == {"copy": {"name": f"task {uid}-copy-1"}}
    assert outcome.changed == ["/copy"]


def test_a_name_taken_since_the_preview_is_drift(governed: Governed) -> None:
    uids = governed.add_tasks(2)
    plan = preview(governed.developer, COPY, uids)
    apply(governed.manager, COPY, uids[1:])
    with pytest.raises(PlanDrifted) as drifted:
        apply(governed.developer, COPY, uids, expected=plan.fingerprint)
    assert drifted.value.uids == uids[1:]


def test_the_fingerprint_of_a_preview_is_that_of_applying_it(governed: Governed) -> None:
    uids = governed.add_tasks(2)
    plan = preview(governed.developer, COPY, uids)
    apply(governed.developer, COPY, uids, expected=plan.fingerprint)


def test_copies_are_governed_as_their_sources(governed: Governed) -> None:
    following, own, kept = uids = governed.add_tasks(3)
    change(governed.manager, [own, kept], flags={VIEWER: {"is_copy": True}})
    change(governed.manager, [kept], follow=True)
    applied = apply(governed.developer, COPY, uids)
    for uid, copy in zip((following, own, kept), copies_of(applied), strict=True):
        assert governance_of(copy.uid) == governance_of(uid)
        latest = TaskPermission.history.filter(task=copy.pk).latest("history_id")
        source = TaskPermission.objects.get(task__uid=uid)
        assert (latest.matrix_id, latest.own_matrix_id) == (source.matrix_id, source.own_matrix_id)
        assert latest.operation == applied.operation


@pytest.mark.parametrize("actor", ["viewer", "outsider"])
def test_who_may_not_copy_makes_no_copy(governed: Governed, actor: str) -> None:
    uids = governed.add_tasks(1)
    expected = {"viewer": Reason.NO_RIGHT, "outsider": Reason.NOT_FOUND}[actor]
    assert reasons(getattr(governed, actor), COPY, uids) == [expected]
    assert Task.objects.count() == 1


def test_what_its_type_no_longer_allows_is_not_multiplied(governed: Governed) -> None:
    uids = governed.add_tasks(1)
    TaskType.objects.filter(pk=governed.task_type.pk).update(schema={"type": "object", "not": {}})
    assert reasons(governed.developer, COPY, uids) == [Reason.SETTINGS]


def test_undo_recycles_the_copies_and_can_be_undone(governed: Governed) -> None:
    applied = apply(governed.developer, COPY, governed.add_tasks(2))
    undone = undo(governed.developer, applied)
    assert undone.operation.kind == RecycleCopies.kind
    assert {copy.recycled_at is not None for copy in copies_of(applied)} == {True}
    assert undo(governed.developer, undone).operation.kind == RestoreTasks.kind
    assert {copy.recycled_at for copy in copies_of(applied)} == {None}


def test_undo_finds_copies_in_conflict_that_were_changed_or_governed_otherwise_since(
    governed: Governed,
) -> None:
    applied = apply(governed.manager, COPY, governed.add_tasks(3))
    changed, regoverned, untouched = (copy.uid for copy in copies_of(applied))
    apply(governed.manager, MAIN, [changed])
    apply(governed.manager, SetPermissions(flags={VIEWER: {"is_copy": True}}), [regoverned])
    conflict = OutcomeKind.CONFLICT
    kinds = kinds_of_undo(governed.manager, applied)
    assert kinds == [conflict, conflict, OutcomeKind.CHANGE]
    undo(governed.manager, applied, skip_conflicts=True)
    assert [copy.uid for copy in copies_of(applied) if copy.recycled_at] == [untouched]


def held(user: User, uid: str) -> set[str]:
    """Ask as the product does which rights the user has on the task."""
    rights = ("view", "change", "delete", "execute", "copy", "disable", "manage")
    task, user = Task.objects.get(uid=uid), User.objects.get(pk=user.pk)
    return {right for right in rights if user.has_perm(f"tasks.{right}_task", task)}


def test_who_may_copy_manages_the_copy_and_holds_nothing_else_anew(governed: Governed) -> None:
    (uid,) = governed.add_tasks(1)
    (copy,) = copies_of(apply(governed.developer, COPY, [uid]))
    assert held(governed.developer, copy.uid) - held(governed.developer, uid) == {"manage"}


@pytest.mark.parametrize("flag", ["is_modify", "is_delete", "is_execute", "is_forbidden"])
def test_copying_is_no_way_to_a_flag_that_one_does_not_hold(governed: Governed, flag: str) -> None:
    withheld, free = governed.add_tasks(2)
    change(governed.manager, [withheld], flags={DEVELOPER: {flag: False}})
    plan = preview(governed.developer, COPY, [withheld, free])
    denied, allowed = plan.outcomes
    assert (denied.kind, denied.reason) == (OutcomeKind.DENIED, Reason.NOT_HELD)
    assert flag in denied.detail
    assert allowed.kind is OutcomeKind.CHANGE


def test_a_creators_row_that_gives_no_more_lets_the_copy_pass(governed: Governed) -> None:
    (uid,) = governed.add_tasks(1)
    lowered = {DEVELOPER: {"is_execute": False}, -3: {"is_execute": False, "is_manager": False}}
    change(governed.manager, [uid], flags=lowered)
    (copy,) = copies_of(apply(governed.developer, COPY, [uid]))
    assert held(governed.developer, copy.uid) == held(governed.developer, uid)


def test_who_created_the_source_holds_as_much_on_the_copy(governed: Governed) -> None:
    (uid,) = governed.add_tasks(1, creator=governed.viewer)
    (copy,) = copies_of(apply(governed.viewer, COPY, [uid]))
    assert held(governed.viewer, copy.uid) == held(governed.viewer, uid)


def test_the_number_of_statements_does_not_grow_with_the_targets(governed: Governed) -> None:
    for count in (2, 20):
        uids = governed.add_tasks(count)
        change(governed.manager, uids, flags={VIEWER: {"is_copy": True}})
        made = [
            statements_of(partial(call, governed.developer, COPY, uids))
            for call in (preview, apply)
        ]
        assert made == [6, 12]


def test_the_worker_makes_the_copies_that_were_accepted(governed: Governed) -> None:
    uids = governed.add_tasks(2)
    plan = preview(governed.developer, COPY, uids)
    batch = Batch(change=COPY, uids=uids, origin=ORIGIN, expected=plan.fingerprint)
    accepted = pipeline.submit(actor=governed.developer, batch=batch)
    assert Task.objects.count() == 2
    operation = pipeline.run(
        operation=accepted.operation, actor=governed.developer, report=lambda _done, _total: None
    )
    assert (operation.state, operation.changed) == (State.APPLIED, 2)
    copies = Task.history.filter(operation=operation, history_type="+").order_by("id")
    assert [copy.name for copy in copies] == [f"task {uid}-copy-1" for uid in uids]
