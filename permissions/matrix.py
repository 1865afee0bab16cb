"""Matrices as values: their rows, their digest, and interning them set by set."""

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from django.db import connection

from permissions import queries


class Grant(NamedTuple):
    """What one role holds under a matrix: the role's key and its flags as bits."""

    role_id: int
    flags: int


# A role's code → what it holds.
Rows = Mapping[int, Grant]


class Interned(NamedTuple):
    """Names an interned matrix before it exists: its project and the digest of its rows."""

    project_id: int
    digest: str


def digest_of(rows: Rows) -> str:
    """Return the SHA-256 of the sorted rows, the identity of an interned matrix in its project."""
    text = ";".join(f"{code}:{grant.role_id}:{grant.flags}" for code, grant in sorted(rows.items()))
    return hashlib.sha256(text.encode()).hexdigest()


def read_matrices(matrix_ids: Iterable[int]) -> dict[int, dict[int, Grant]]:
    """Return the rows of each matrix, in one query."""
    matrices: dict[int, dict[int, Grant]] = {matrix_id: {} for matrix_id in matrix_ids}
    with connection.cursor() as cursor:
        cursor.execute(queries.READ_MATRICES, {"ids": list(matrices)})
        for matrix_id, code, role_id, flags in cursor.fetchall():
            matrices[matrix_id][code] = Grant(role_id, flags)
    return matrices


def intern_matrices(wanted: Mapping[Interned, Rows]) -> dict[Interned, int]:
    """Return the key of each wanted matrix, adding those that do not exist, in two statements."""
    if not wanted:
        return {}
    names = list(wanted)
    flat = [
        (name.project_id, name.digest, code, grant.role_id, grant.flags)
        for name in names
        for code, grant in sorted(wanted[name].items())
    ]
    projects, digests, codes, roles, flags = _columns(flat)
    arguments: dict[str, list[Any]] = {
        "projects": [name.project_id for name in names],
        "digests": [name.digest for name in names],
    }
    rows: dict[str, list[Any]] = {
        "row_projects": projects,
        "row_digests": digests,
        "row_codes": codes,
        "row_roles": roles,
        "row_flags": flags,
    }
    with connection.cursor() as cursor:
        cursor.execute(queries.ADD_MATRICES, {**arguments, **rows})
        cursor.execute(queries.FIND_MATRICES, arguments)
        return {Interned(project, digest): key for key, project, digest in cursor.fetchall()}


def _columns(rows: Sequence[tuple[int, str, int, int, int]]) -> list[list[Any]]:
    return [list(column) for column in zip(*rows, strict=True)] if rows else [[] for _ in range(5)]
