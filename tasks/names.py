"""Names of tasks within their project: unique outside the recycle bin, and taken one at a time.

Owns which names are taken and which are free. The database's constraint `task_name_in_project` has the
last word: it also counts what other writers take meanwhile, and the pipeline then plans again.
"""

from collections.abc import Collection, Iterable, Mapping
from typing import Any, NamedTuple

from django.db import connection

from tasks import queries


class NameInProject(NamedTuple):
    """A name, and the project in which it is or shall be the only one of its kind."""

    project_id: int
    name: str


def hold_names(*, project_ids: Iterable[int]) -> None:
    """Let nobody else who asks here take names in these projects until the transaction ends."""
    with connection.cursor() as cursor:
        cursor.execute(queries.HOLD_NAMES, {"projects": sorted(set(project_ids))})


def taken_names(*, wanted: Collection[NameInProject]) -> set[NameInProject]:
    """Return which of the names tasks outside the recycle bin have."""
    arguments: dict[str, Any] = {
        "projects": [project_id for project_id, _ in wanted],
        "names": [name for _, name in wanted],
    }
    with connection.cursor() as cursor:
        cursor.execute(queries.READ_TAKEN_NAMES, arguments)
        return set(map(NameInProject._make, cursor.fetchall()))


def free_numbers(*, wanted: Mapping[NameInProject, int]) -> dict[NameInProject, list[int]]:
    """Return for each stem as many numbers as are wanted, smallest first, that make a free name of it."""
    arguments: dict[str, Any] = {
        "projects": [project_id for project_id, _ in wanted],
        "stems": [stem for _, stem in wanted],
        "wanted": list(wanted.values()),
    }
    found: dict[NameInProject, list[int]] = {stem: [] for stem in wanted}
    with connection.cursor() as cursor:
        cursor.execute(queries.READ_FREE_NUMBERS, arguments)
        for project_id, stem, number in cursor.fetchall():
            found[NameInProject(project_id, stem)].append(number)
    return found
