"""Who reads what of the trail: auditors all, others what was done to the tasks that they may view."""

from collections.abc import Sequence

import pytest
from django.contrib.auth.models import Group, User

from audit.recorder import administrative_operation
from permissions.models import RoleMember
from tasks.changes import SetEnabled
from tasks.models import Task
from tasks.visibility import visible_tasks
from tests.audit.happened import Happened, changes, kinds, operations
from tests.batches import apply
from tests.conftest import ORIGIN, build_governed
from tests.permissions.governance import change


def seen(actor: User) -> set[tuple[str, str]]:
    """Return the tasks of which the actor reads anything, with what they read."""
    return {(uid, kind) for kind, uid, _ in changes(actor) if kind.startswith("task")}


def expected(happened: Happened, uids: Sequence[str]) -> set[tuple[str, str]]:
    """Return what was done to the tasks, by whomever."""
    found = changes(happened.governed.admin)
    return {(uid, kind) for kind, uid, _ in found if kind.startswith("task") and uid in uids}


def test_others_than_auditors_read_what_was_done_to_the_tasks_that_they_may_view(
    happened: Happened,
) -> None:
    governed = happened.governed
    (hidden,) = build_governed("treasury").add_tasks(1)
    change(governed.manager, happened.uids[1:], flags={8: {"is_view": False}})
    assert seen(governed.developer) == expected(happened, happened.uids)
    assert seen(governed.viewer) == expected(happened, happened.uids[:1])
    assert not seen(governed.outsider)
    assert expected(happened, [hidden])
    assert kinds(governed.viewer) == ["set_enabled", "update_settings", "add_tasks"]
    assert kinds(governed.developer)[0] == "set_permissions"
    assert not kinds(governed.outsider)
    # What was done to no task, such as to the project's matrix, is told to who did it.
    assert not [kind for kind, _, _ in changes(governed.developer) if not kind.startswith("task")]


def test_what_others_are_told_follows_what_they_may_view_today(happened: Happened) -> None:
    developer = happened.governed.developer
    lower = {4: dict.fromkeys(("is_view", "is_modify"), False)}
    change(happened.governed.manager, happened.uids[1:], flags=lower)
    assert {uid for uid, _ in seen(developer)} == set(happened.uids[:1])
    viewable = visible_tasks(actor=developer).values_list("uid", flat=True)
    assert seen(developer) == expected(happened, list(viewable))


@pytest.mark.parametrize("few", [0, 200])
def test_a_task_that_one_created_in_a_project_of_others_is_told_of(
    happened: Happened, few: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("permissions.effective._FEW", few)
    other = build_governed("treasury")
    uids = [*other.add_tasks(1), *other.add_tasks(1, creator=happened.governed.viewer)]
    for uid in uids:
        apply(other.admin, SetEnabled(enabled=False, reason="alone"), [uid])
    assert {uid for uid, _ in seen(happened.governed.viewer)} == {*happened.uids, uids[1]}
    assert len(kinds(happened.governed.viewer, project=other.project.uid)) == 2
    mine = {"project": other.project.uid, "kind": "set_enabled"}
    assert kinds(happened.governed.viewer, **mine) == ["set_enabled"]


def test_a_project_of_others_says_nothing_about_one_s_own_tasks(happened: Happened) -> None:
    other = build_governed("treasury")
    uids = [*happened.uids, *other.add_tasks(1)]
    apply(other.admin, SetEnabled(enabled=False, reason="all"), uids)
    assert kinds(
        happened.governed.viewer, kind="set_enabled", project=happened.governed.project.uid
    )
    assert not kinds(happened.governed.viewer, project=other.project.uid)
    mine = {"project": happened.governed.project.uid, "settings_key": "/repository"}
    assert len(changes(happened.governed.viewer, **mine)) == 2


@pytest.mark.parametrize("rows", [50, 1])
def test_no_filter_tells_what_an_operation_did_to_hidden_tasks(
    happened: Happened, rows: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("audit.trail.listing._LOOKS", (1, rows))
    governed, (_, hidden) = happened.governed, happened.uids
    change(governed.manager, [hidden], flags={8: {"is_view": False}, 4: {"is_copy": False}})
    both = {4: {"is_copy": True}, 8: {"is_execute": True, "is_modify": True}}
    operation = change(governed.manager, happened.uids, flags=both).operation
    asked = [{"role": 4, "flag": "is_copy"}, {"role": 8, "flag": "is_modify"}]
    told = [
        [
            operation.pk in {each.pk for each in operations(reader, **wanted)}
            for reader in (governed.admin, governed.developer, governed.viewer)
        ]
        for wanted in asked
    ]
    assert told == [[True, True, False], [True, True, True]]


def test_whoever_may_view_a_task_reads_all_that_was_done_to_it(happened: Happened) -> None:
    task = Task.objects.get(uid=happened.uids[0])
    found = changes(happened.governed.viewer, task_id=task.pk)
    assert [type_ for type_, _, _ in found] == [
        "task.changed",
        "task.changed",
        "task.added",
        "task_permission.added",
    ]


def test_what_others_did_along_with_it_to_no_task_is_not_told(happened: Happened) -> None:
    governed = happened.governed
    with administrative_operation(actor=governed.admin, kind="both", origin=ORIGIN):
        RoleMember.objects.create(role=governed.role(5), user=governed.outsider)
        task = Task.objects.get(uid=happened.uids[0])
        task.name = "renamed"
        task.save()
    for reader, told in (
        (governed.viewer, ["task.changed"]),
        (governed.admin, ["role_member.added", "task.changed"]),
    ):
        assert [type_ for type_, _, _ in changes(reader, kind="both")] == told


def test_auditors_read_everything_though_they_hold_no_role(happened: Happened) -> None:
    auditor = User.objects.create_user("auditor")
    auditor.groups.add(Group.objects.get(name="auditors"))
    auditor = User.objects.get(pk=auditor.pk)
    assert kinds(auditor) == kinds(happened.governed.admin)
