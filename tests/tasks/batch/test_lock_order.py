"""Locks and new matrices are taken in the order of their keys, so that nobody waits in a circle."""

from collections.abc import Callable
from types import ModuleType
from typing import Any

import pytest
from django.db import OperationalError, transaction

from permissions import queries as permission_queries
from permissions.matrix import Grant, Interned, digest_of, intern_matrices
from permissions.models import PermissionMatrix, TaskPermission
from tasks import queries
from tasks.batch.change import Change
from tests.conftest import Governed
from tests.held_threads import Held, threads, wait_until_blocked
from tests.tasks.batch.racing import MAIN, OFF, READERS, apply, locked


pytestmark = pytest.mark.django_db(transaction=True)


READS: dict[str, tuple[Change[Any], ModuleType, str, str]] = {
    "settings": (MAIN, queries, "READ_SETTINGS", "id"),
    "enabled": (OFF, queries, "READ_ENABLED", "id"),
    "permissions": (READERS, permission_queries, "READ_GOVERNED", "governed.task_id"),
}


@pytest.mark.parametrize("in_key_order", [True, False])
@pytest.mark.parametrize("what", READS)
def test_overlapping_batches_in_opposite_orders_do_not_deadlock(
    governed: Governed, monkeypatch: pytest.MonkeyPatch, what: str, in_key_order: bool
) -> None:
    uids = governed.add_tasks(3)
    change, module, name, key = READS[what]
    if not in_key_order:
        as_given = "array_position(%(uids)b::text[], uid::text)"
        statement = getattr(module, name)
        monkeypatch.setattr(module, name, statement.replace(f"BY {key}", f"BY {as_given}"))
    with threads() as start:
        with locked(uids[1], permissions=what == "permissions"):
            # In the order given, each would hold an end, and want the other's next.
            one = start(apply(governed.manager, change, uids))
            wait_until_blocked(1)
            other = start(apply(governed.admin, change, uids[::-1]))
            wait_until_blocked(2)
        failures = [future.exception() for future in (one, other)]
    deadlocks = [error for error in failures if error is not None]
    if in_key_order:
        assert not deadlocks
        assert sorted([one.result().operation.changed, other.result().operation.changed]) == [0, 3]
    else:
        (deadlock,) = deadlocks
        assert isinstance(deadlock, OperationalError)
        assert "deadlock" in str(deadlock)


@pytest.mark.parametrize("fails", [False, True])
def test_the_same_matrix_interned_twice_at_once_is_one_matrix(
    governed: Governed, fails: bool
) -> None:
    mine, yours = governed.add_tasks(2)
    first = Held(fails=fails)
    with threads() as start:
        one = start(apply(governed.manager, READERS, [mine], receipt=first))
        assert first.written.wait(20)
        other = start(apply(governed.admin, READERS, [yours]))
        wait_until_blocked()
        first.may_go_on.set()
        assert isinstance(one.exception(), ZeroDivisionError) is fails
        other.result()
    (matrix,) = PermissionMatrix.objects.exclude(digest=None)
    pointing = set(TaskPermission.objects.filter(matrix=matrix).values_list("task__uid", flat=True))
    assert pointing == ({yours} if fails else {mine, yours})
    assert matrix.rows.count() == 12


@pytest.mark.parametrize("in_order", [True, False])
def test_matrices_interned_in_opposite_orders_do_not_deadlock(
    governed: Governed, monkeypatch: pytest.MonkeyPatch, in_order: bool
) -> None:
    if not in_order:
        statement = permission_queries.ADD_MATRICES
        monkeypatch.setattr(
            permission_queries,
            "ADD_MATRICES",
            statement.replace("ORDER BY project_id, digest\n", ""),
        )
    role, key = governed.role(8), governed.project.pk
    matrices = [{8: Grant(role.pk, bits)} for bits in range(3)]
    named = sorted((Interned(key, digest_of(rows)), rows) for rows in matrices)

    def intern(order: list[Any]) -> Callable[[], object]:
        return transaction.atomic(lambda: intern_matrices(dict(order)))

    with threads() as start:
        with transaction.atomic():
            intern_matrices(dict(named[1:2]))
            one = start(intern(named))
            wait_until_blocked(1)
            other = start(intern(named[::-1]))
            wait_until_blocked(2)
        failed = [future for future in (one, other) if future.exception()]
    assert len(failed) == (0 if in_order else 1)
    assert PermissionMatrix.objects.exclude(digest=None).count() == 3
