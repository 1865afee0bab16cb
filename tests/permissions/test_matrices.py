"""Interned matrices stay what their digest says, whoever writes: the database sees to it."""

from collections.abc import Callable

import pytest
from django.db import IntegrityError, connection, transaction
from django.db.utils import Error
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from audit.recorder import administrative_operation
from permissions.changes import SetPermissions
from permissions.flags import ALL, NONE
from permissions.matrix import Grant, Interned, digest_of, intern_matrices, read_matrices
from permissions.models import PermissionMatrix, Role, RolePermission, TaskPermission
from permissions.roles import add_role
from tasks.batch import pipeline
from tasks.batch.pipeline import Batch
from tests.conftest import ORIGIN, Governed, build_governed


def interned(governed: Governed) -> PermissionMatrix:
    """Give a task a matrix of its own; return the matrix."""
    (uid,) = governed.add_tasks(1)
    change = SetPermissions(flags={8: {"is_copy": True}})
    pipeline.apply(actor=governed.manager, batch=Batch(change=change, uids=[uid], origin=ORIGIN))
    return TaskPermission.objects.get(task__uid=uid).matrix


def own(governed: Governed) -> PermissionMatrix:
    """Return the project's own matrix."""
    return PermissionMatrix.objects.get(project=governed.project, digest=None)


def change_a_row(governed: Governed, matrix: PermissionMatrix) -> None:
    matrix.rows.filter(role_code=8).update(is_view=False)


def remove_a_row(governed: Governed, matrix: PermissionMatrix) -> None:
    matrix.rows.filter(role_code=8).delete()


def add_a_row(governed: Governed, matrix: PermissionMatrix) -> None:
    role = add_role(project=governed.project, name="New")
    RolePermission.objects.create(matrix=matrix, role=role, role_code=role.code, is_view=True)


def move_a_row_out(governed: Governed, matrix: PermissionMatrix) -> None:
    own(governed).rows.filter(role_code=8).delete()
    matrix.rows.filter(role_code=8).update(matrix=own(governed))


def move_a_row_in(governed: Governed, matrix: PermissionMatrix) -> None:
    role = add_role(project=governed.project, name="New")
    RolePermission.objects.filter(role=role).update(matrix=matrix)


@pytest.mark.parametrize(
    "write", [change_a_row, remove_a_row, add_a_row, move_a_row_out, move_a_row_in]
)
def test_the_rows_of_an_interned_matrix_cannot_change(
    governed: Governed, write: Callable[[Governed, PermissionMatrix], None]
) -> None:
    matrix = interned(governed)
    before = read_matrices([matrix.pk])
    with (
        pytest.raises(IntegrityError, match="interned matrix"),
        administrative_operation(actor=governed.admin, kind="tamper", origin=ORIGIN),
    ):
        write(governed, matrix)
    assert read_matrices([matrix.pk]) == before


def remove_the_administrator(governed: Governed) -> None:
    own(governed).rows.filter(role_code=-1).delete()


def lower_the_administrator(governed: Governed) -> None:
    own(governed).rows.filter(role_code=-1).update(is_manager=False)


def renumber_a_role(governed: Governed) -> None:
    Role.objects.filter(pk=governed.role(8).pk).update(code=3000)


def move_a_role(governed: Governed) -> None:
    Role.objects.filter(pk=governed.role(8).pk).update(project=build_governed("other").project)


@pytest.mark.parametrize(
    "write",
    [remove_the_administrator, lower_the_administrator, renumber_a_role, move_a_role],
)
def test_what_every_answer_relies_on_cannot_change(
    governed: Governed, write: Callable[[Governed], None]
) -> None:
    with pytest.raises(Error), transaction.atomic():
        write(governed)


def test_the_project_s_own_matrix_is_edited_in_place(governed: Governed) -> None:
    change_a_row(governed, own(governed))
    assert own(governed).rows.get(role_code=8).flags == NONE


GRANTS = st.dictionaries(st.sampled_from([-3, -1, 0, 3, 8, 1001]), st.integers(0, ALL), min_size=1)


@settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(drawn=st.lists(GRANTS, min_size=1, max_size=4))
def test_equal_rows_are_one_matrix_and_it_holds_just_these_rows(
    governed: Governed, drawn: list[dict[int, int]]
) -> None:
    roles = dict(governed.project.roles.values_list("code", "id"))
    wanted = {
        Interned(governed.project.pk, digest_of(rows)): rows
        for rows in (
            {code: Grant(roles[code], ALL if code == -1 else bits) for code, bits in one.items()}
            for one in drawn
        )
    }
    keys = intern_matrices(wanted)
    assert intern_matrices(dict(reversed(wanted.items()))) == keys
    assert len(set(keys.values())) == len(wanted)
    stored = read_matrices(keys.values())
    assert {name: stored[key] for name, key in keys.items()} == wanted


def test_the_same_rows_of_two_projects_are_two_matrices(governed: Governed) -> None:
    other = build_governed("billing")
    assert interned(governed).project != interned(other).project
    assert PermissionMatrix.objects.exclude(digest=None).count() == 2


def test_a_matrix_whose_digest_names_other_rows_cannot_be_added(governed: Governed) -> None:
    rows = {8: Grant(governed.role(8).pk, ALL)}
    named = Interned(governed.project.pk, digest_of({8: Grant(governed.role(8).pk, NONE)}))
    with pytest.raises(IntegrityError, match="digest"), transaction.atomic():
        intern_matrices({named: rows})
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM permissions_permissionmatrix WHERE digest IS NOT NULL")
        assert cursor.fetchone() == (0,)
