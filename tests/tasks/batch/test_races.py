"""Batches at once, in real threads on the real database: nothing is lost, and nobody waits for nothing.

Where the outcome would depend on luck, a thread is stopped where it matters: `Held` stops a batch before
its commit, and a row locked by the test stops it before it judges. What a test proves is shown to fail
without the lock or the order that it is about.
"""

import json
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import Any

import pytest
from django.contrib.auth.models import Group, User
from django.db import OperationalError, connection
from django.utils import timezone

from audit.models import Operation
from audit.recorder import administrative_operation
from permissions import queries as permission_queries
from permissions.changes import RestorePermissions, SetPermissions
from permissions.flags import ALL
from permissions.models import RoleMember, RolePermission, TaskPermission
from tasks import queries
from tasks.batch import pipeline
from tasks.batch.change import Change
from tasks.batch.errors import PlanDrifted, PlanRefused
from tasks.batch.pipeline import Applied
from tasks.batch.plan import OutcomeKind, Reason
from tasks.changes import RestoreSettings, UpdateSettings
from tasks.changes import settings as settings_changes
from tasks.models import Task, TaskType
from tests.conftest import ORIGIN, Governed
from tests.held_threads import Held, threads, wait_until_blocked
from tests.observed import assert_history_replays
from tests.tasks.batch.racing import MAIN, OFF, READERS, apply, batch, locked


pytestmark = pytest.mark.django_db(transaction=True)


def settings_of(uid: str) -> Any:
    return Task.objects.get(uid=uid).settings


def one_after_the_other(
    governed: Governed, uids: list[str], first: Change[Any], second: Change[Any]
) -> Applied:
    """Let the second batch come while the first is written and not committed; return the second."""
    held = Held()
    with threads() as start:
        one = start(apply(governed.manager, first, uids, receipt=held))
        assert held.written.wait(20)
        other = start(apply(governed.admin, second, uids[::-1]))
        wait_until_blocked()
        held.may_go_on.set()
        assert one.result().operation.changed == other.result().operation.changed == len(uids)
    assert_history_replays()
    return other.result()


@pytest.mark.parametrize("locks", [True, False])
def test_a_batch_that_overlaps_another_waits_and_builds_on_it(
    governed: Governed, monkeypatch: pytest.MonkeyPatch, locks: bool
) -> None:
    uids = governed.add_tasks(3)
    # Whole documents are written: a patch that the database merges would build on what is there anyway.
    monkeypatch.setattr(settings_changes, "_MOST_OBJECTS", 0)
    if not locks:
        monkeypatch.setattr(permission_queries, "LOCK_GOVERNED", "")
    copiers = SetPermissions(flags={8: {"is_copy": True}})
    one_after_the_other(governed, uids, READERS, copiers)
    for governed_task in TaskPermission.objects.filter(task__uid__in=uids):
        flags = dict(governed_task.matrix.rows.values_list("role_code", "flags"))
        # Without the lock the second had read what the first had not committed yet, and undone it.
        assert (flags[7], flags[8]) == (1 if locks else 0, 1 + 16)


@pytest.mark.parametrize("locks", [True, False])
def test_what_a_batch_says_was_there_before_was_there(
    governed: Governed, monkeypatch: pytest.MonkeyPatch, locks: bool
) -> None:
    uids = governed.add_tasks(3)
    if not locks:
        monkeypatch.setattr(queries, "LOCK_TASKS", "")
    release = UpdateSettings(patch={"repository": {"branch": "release"}})
    second = one_after_the_other(governed, uids, MAIN, release)
    said = {json.loads(outcome.before)["repository"]["branch"] for outcome in second.plan.outcomes}
    assert said == {"main" if locks else "develop"}
    assert {settings_of(uid)["repository"]["branch"] for uid in uids} == {"release"}


def revoke_nothing(governed: Governed) -> None:
    """Leave everything as it is: the control."""


def remove_the_member(governed: Governed) -> None:
    RoleMember.objects.get(user=governed.developer).delete()


def lower_the_matrix(governed: Governed) -> None:
    row = RolePermission.objects.get(role=governed.role(4), matrix__digest=None)
    row.is_modify = False
    row.save()


def deactivate(governed: Governed) -> None:
    User.objects.filter(pk=governed.developer.pk).update(is_active=False)


def recycle(governed: Governed) -> None:
    Task.objects.update(recycled_at=timezone.now())


@pytest.mark.parametrize(
    ("revoke", "reason"),
    [
        (revoke_nothing, None),
        (remove_the_member, Reason.NOT_FOUND),
        (lower_the_matrix, Reason.NO_RIGHT),
        (deactivate, Reason.NOT_FOUND),
        (recycle, Reason.NOT_FOUND),
    ],
)
def test_a_right_revoked_while_a_batch_waits_for_its_locks_is_noticed(
    governed: Governed, revoke: Callable[[Governed], None], reason: Reason | None
) -> None:
    uids = governed.add_tasks(2)
    with threads() as start:
        with locked(*uids):
            waiting = start(apply(governed.developer, MAIN, uids))
            wait_until_blocked()
            with administrative_operation(actor=governed.admin, kind="revoke", origin=ORIGIN):
                revoke(governed)
        error = waiting.exception()
    if reason is None:
        assert error is None
    else:
        assert isinstance(error, PlanRefused)
        assert {outcome.reason for outcome in error.plan.outcomes} == {reason}
        assert {settings_of(uid)["repository"]["branch"] for uid in uids} == {"develop"}


def leave_the_group(user: User) -> None:
    user.groups.clear()


def demote(user: User) -> None:
    User.objects.filter(pk=user.pk).update(is_superuser=False)


@pytest.mark.parametrize("lose", [leave_the_group, demote])
def test_what_an_account_loses_while_its_batch_waits_is_noticed(
    governed: Governed, lose: Callable[[User], None]
) -> None:
    uids = governed.add_tasks(2)
    user = User.objects.create_user("waiting", is_superuser=lose is demote)
    group = Group.objects.create(name="managers")
    with administrative_operation(actor=governed.admin, kind="join", origin=ORIGIN):
        RoleMember.objects.create(role=governed.role(3), group=group)
    if lose is leave_the_group:
        user.groups.add(group)
    with threads() as start:
        with locked(*uids, permissions=True):
            waiting = start(apply(user, READERS, uids))
            wait_until_blocked()
            lose(user)
        error = waiting.exception()
    assert isinstance(error, PlanRefused)
    assert {outcome.kind for outcome in error.plan.outcomes} == {OutcomeKind.MISSING}


@contextmanager
def impatient() -> Iterator[None]:
    """Let this connection fail when it has to wait for a lock."""
    with connection.cursor() as cursor:
        cursor.execute("SET lock_timeout = '500ms'")
        try:
            yield
        finally:
            cursor.execute("RESET lock_timeout")


@pytest.mark.parametrize(
    ("first", "second", "waits"),
    [
        (MAIN, READERS, False),
        (READERS, MAIN, False),
        (OFF, READERS, False),
        # The control: these write the same rows, so the second has to wait.
        (MAIN, OFF, True),
        (READERS, SetPermissions(follow=False), True),
    ],
)
def test_settings_and_permissions_of_the_same_tasks_do_not_wait_for_each_other(
    governed: Governed, first: Change[Any], second: Change[Any], waits: bool
) -> None:
    uids = governed.add_tasks(3)
    held = Held()
    with threads() as start:
        one = start(apply(governed.manager, first, uids, receipt=held))
        assert held.written.wait(20)
        expectation: AbstractContextManager[object] = (
            pytest.raises(OperationalError, match="lock timeout") if waits else nullcontext()
        )
        with impatient(), expectation:
            apply(governed.admin, second, uids)()
        held.may_go_on.set()
        one.result()
    assert_history_replays()


def test_of_two_actors_with_the_same_fingerprint_one_applies_and_one_is_told(
    governed: Governed,
) -> None:
    uids = governed.add_tasks(3)
    seen = pipeline.preview(actor=governed.developer, batch=batch(MAIN, uids)).fingerprint
    assert pipeline.preview(actor=governed.manager, batch=batch(MAIN, uids)).fingerprint == seen
    first = Held()
    with threads() as start:
        one = start(apply(governed.developer, MAIN, uids, expected=seen, receipt=first))
        assert first.written.wait(20)
        other = start(apply(governed.manager, MAIN, uids, expected=seen))
        wait_until_blocked()
        first.may_go_on.set()
        error = other.exception()
    assert one.result().operation.changed == 3
    assert isinstance(error, PlanDrifted)
    assert sorted(error.uids) == sorted(uids)
    states = Operation.objects.filter(kind=MAIN.kind).values_list("state", flat=True)
    assert sorted(states) == ["applied", "refused"]


def add_copy_to_viewers(governed: Governed) -> None:
    """Edit the project's matrix, as its administration does."""
    with administrative_operation(actor=governed.admin, kind="edit matrix", origin=ORIGIN):
        row = RolePermission.objects.get(role=governed.role(8), matrix__digest=None)
        row.is_copy = True
        row.save()


@pytest.mark.parametrize("edited_first", [True, False])
def test_a_project_s_matrix_edited_while_a_batch_copies_it_is_copied_whole(
    governed: Governed, edited_first: bool
) -> None:
    (uid,) = governed.add_tasks(1)
    held = Held()
    with threads() as start:
        if edited_first:
            with locked(uid, permissions=True):
                copying = start(apply(governed.admin, READERS, [uid]))
                wait_until_blocked()
                add_copy_to_viewers(governed)
        else:
            copying = start(apply(governed.admin, READERS, [uid], receipt=held))
            assert held.written.wait(20)
            # The edit waits for nobody, and does not reach the task, which has left by then.
            with impatient():
                add_copy_to_viewers(governed)
            held.may_go_on.set()
        copying.result()
    rows = TaskPermission.objects.get(task__uid=uid).matrix.rows
    flags = dict(rows.values_list("role_code", "flags"))
    assert flags == {
        **dict(project_flags(governed)),
        7: 1,
        8: 1 + (16 if edited_first else 0),
    }
    assert flags[-1] == ALL
    assert_history_replays()


def project_flags(governed: Governed) -> list[tuple[int, int]]:
    rows = RolePermission.objects.filter(matrix__project=governed.project, matrix__digest=None)
    return list(rows.values_list("role_code", "flags"))


@pytest.mark.parametrize("permissions", [False, True])
def test_an_undo_that_waited_for_a_later_change_is_in_conflict_with_it(
    governed: Governed, permissions: bool
) -> None:
    uids = governed.add_tasks(2)
    change, later = (
        (READERS, SetPermissions(flags={8: {"is_copy": True}}))
        if permissions
        else (MAIN, UpdateSettings(patch={"repository": {"branch": "release"}}))
    )
    operation = apply(governed.manager, change, uids)().operation
    undo = (RestorePermissions if permissions else RestoreSettings)(operation_id=str(operation.pk))
    held = Held()
    with threads() as start:
        changing = start(apply(governed.admin, later, uids[1:], receipt=held))
        assert held.written.wait(20)
        undoing = start(apply(governed.manager, undo, uids))
        wait_until_blocked()
        held.may_go_on.set()
        changing.result()
        error = undoing.exception()
    assert isinstance(error, PlanRefused)
    kinds = [outcome.kind for outcome in error.plan.outcomes]
    assert kinds == [OutcomeKind.CHANGE, OutcomeKind.CONFLICT]


def test_two_edits_of_a_task_type_at_once_are_two_versions(governed: Governed) -> None:
    key = governed.task_type.pk

    def edit() -> int:
        task_type = TaskType.objects.get(pk=key)
        with administrative_operation(actor=governed.admin, kind="edit", origin=ORIGIN):
            task_type.save()
        return task_type.version

    with threads() as start:
        with administrative_operation(actor=governed.admin, kind="edit", origin=ORIGIN):
            governed.task_type.save()
            other = start(edit)
            wait_until_blocked()
        assert (governed.task_type.version, other.result()) == (2, 3)
    assert TaskType.objects.get(pk=key).version == 3


def test_many_overlapping_batches_lose_nothing(governed: Governed) -> None:
    uids = governed.add_tasks(60)
    with administrative_operation(actor=governed.admin, kind="edit", origin=ORIGIN):
        governed.task_type.schema = {"type": "object"}
        governed.task_type.save()
    keys = [f"key {number}" for number in range(8)]
    with threads() as start:
        batches = [
            start(
                apply(
                    governed.manager,
                    UpdateSettings(patch={key: number}),
                    uids[number:] + uids[:number][::-1],
                )
            )
            for number, key in enumerate(keys)
        ]
        assert [future.result().operation.changed for future in batches] == [60] * 8
    for task in Task.objects.filter(uid__in=uids):
        assert {key: task.settings[key] for key in keys} == {
            key: number for number, key in enumerate(keys)
        }
        assert task.version == 9
    assert_history_replays()
