"""A project's own matrix: what its roles may do on every task that follows the project."""

from collections.abc import Mapping

from django.db.models import F
from django.utils import timezone

from audit.models import Operation
from audit.recorder import record_update
from permissions.flags import ALL, Flag
from permissions.matrix import digest_of, read_matrices
from permissions.models import PermissionMatrix, RolePermission
from permissions.roles import ADMINISTRATOR


class MatrixDrifted(Exception):
    """The matrix is not as it was when the change to it was written down."""


class MatrixLocked(Exception):
    """The matrix is interned, or the change would lower what project administrators hold."""


def matrix_digest(*, matrix: PermissionMatrix) -> str:
    """Return what tells this state of the matrix from any other."""
    return digest_of(read_matrices([matrix.pk])[matrix.pk])


def set_project_matrix(
    *,
    operation: Operation,
    matrix: PermissionMatrix,
    flags: Mapping[int, int],
    expected: str,
) -> int:
    """Give roles, by code, these flags under a project's own matrix; return how many rows changed.

    Raises:
        MatrixLocked: the matrix is no project's own, or role -1 would lose a flag.
        MatrixDrifted: its digest is not the expected one.
    """
    matrix = PermissionMatrix.objects.select_for_update().get(pk=matrix.pk)
    if matrix.digest is not None or flags.get(ADMINISTRATOR, ALL) != ALL:
        raise MatrixLocked
    if matrix_digest(matrix=matrix) != expected:
        raise MatrixDrifted
    changed = {
        row.pk: flags[row.role_code]
        for row in matrix.rows.order_by("pk")
        if row.role_code in flags and row.flags != flags[row.role_code]
    }
    if not changed:
        return 0
    PermissionMatrix.objects.filter(pk=matrix.pk).update(version=F("version") + 1)
    return record_update(
        model=RolePermission,
        operation=operation,
        at=timezone.now(),
        keys=list(changed),
        columns={
            flag.vendor_name: [bool(bits & flag.bit) for bits in changed.values()] for flag in Flag
        },
    )
