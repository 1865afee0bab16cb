"""Matrices as grids of roles and flags, for reading."""

from collections.abc import Sequence
from typing import NamedTuple

from permissions.flags import Flag
from permissions.models import RolePermission


class GridRow(NamedTuple):
    """A role, and for each flag whether it holds it."""

    code: int
    name: str
    held: Sequence[bool]


class Grid(NamedTuple):
    """The flags across, the roles down, and a sentence about where they come from."""

    flags: Sequence[str]
    rows: Sequence[GridRow]
    note: str
    address: str = ""


FLAG_LABELS = tuple(flag.label for flag in Flag)


def grid_rows(*, matrix_id: int) -> list[GridRow]:
    """Return the rows of a matrix, in one query."""
    rows = RolePermission.objects.filter(matrix=matrix_id).select_related("role")
    return [
        GridRow(row.role_code, row.role.name, [bool(row.flags & flag.bit) for flag in Flag])
        for row in rows.order_by("role_code")
    ]
