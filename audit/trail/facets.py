"""What operations are found by besides their own columns: short texts, indexed as a set.

| facet | the operation |
|---|---|
| `project:<id>` | touched tasks, roles, members or permissions of the project |
| `role:<code>` | changed the role, its members, or a flag of it |
| `flag:<name>`, `role:<code>/<name>` | gave or took the flag, of the role |
| `settings:<place>` | changed something at the place or below it |
| `settings=<place>` | changed the place as a whole, and with it all that is below |

Projects, and what single objects changed, are read from history when an operation ends
(`audit_facets`, in the database); batches add what their plans say. A facet that is longer than an index
takes is cut, so that it finds more than it says; what it finds is then looked at change by change.
"""

from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple


# PostgreSQL's index takes 2,700 bytes; a character is up to four.
_LENGTH = 500


_flags: list[str] = []


def name_flags(names: Iterable[str]) -> None:
    """Say which flags there are, so that nobody asks for another one and is told of no changes."""
    _flags[:] = names


def flag_names() -> Sequence[str]:
    """Return the names of the flags that there are."""
    return tuple(_flags)


class Wanted(NamedTuple):
    """The facets of which an operation must have all, and, unless there are none, at least one."""

    all_of: list[str]
    any_of: list[str]


def settings_facets(places: Iterable[str]) -> Iterator[str]:
    """Yield the facets of changes at these places (JSON pointers) of settings."""
    for place in filter(None, places):
        yield f"settings={place}"[:_LENGTH]
        for above in (place, *_above(place)):
            yield f"settings:{above}"[:_LENGTH]


def permission_facets(places: Iterable[str]) -> Iterator[str]:
    """Yield the facets of changes at `/roles/<code>/<flag>`, in force or kept aside; others have none."""
    for place in places:
        kind, _, rest = place.removeprefix("/").partition("/")
        if kind in {"roles", "own_roles"}:
            code, _, flag = rest.partition("/")
            yield from (f"role:{code}", f"flag:{flag}", f"role:{code}/{flag}")


def wanted_facets(
    *,
    project: str = "",
    role: int | None = None,
    flag: str = "",
    settings_key: str = "",
) -> Wanted:
    """Return the facets of the operations that touched all of this."""
    all_of = [f"project:{project}"] if project else []
    if role is not None:
        all_of.append(f"role:{role}/{flag}" if flag else f"role:{role}")
    elif flag:
        all_of.append(f"flag:{flag}")
    any_of = []
    if settings_key:
        any_of = [f"settings:{settings_key}"[:_LENGTH]]
        any_of += [f"settings={above}"[:_LENGTH] for above in _above(settings_key)]
    return Wanted(all_of, any_of)


def _above(place: str) -> Iterator[str]:
    while place := place.rpartition("/")[0]:
        yield place
