"""How rows of history are shown; each app describes its own tracked models.

A description names the page on which a model's rows belong: a role's members, for example, on the
page of the role. The page's history and the pages of operations are made from that.
"""

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from functools import partial
from typing import Any, NamedTuple

from django.db import models

from audit import differences
from audit.masking import MASK, masked


NOTHING = "–"  # what a page shows for no value


# Which rows of a model's history are about the object with this key.
RowsOf = Callable[[int], models.Q]


class Difference(NamedTuple):
    """One thing that a history row changed."""

    what: str
    old: str
    new: str


class Described(NamedTuple):
    """How a tracked model's rows are shown.

    `page` is the model on whose pages they belong, `key` the field of the row with the key of that
    page's object. `also` says which of the rows belong on the pages of other models too, by the key of the
    page's object. `related` is read along with the rows, for `label` and for what differs, and so is
    `fetched`, in queries of its own.
    `names` calls many rows at once, by the keys of their history, as they were called then; where it says
    nothing, `label` does. `differences` says of single fields how a page shows the older and the newer
    row's value; `gather` tells more of many rows at once, by the keys of their history. `at_first` names
    the fields that are told also of the row with which an object came, as far as they hold anything. `many`
    is what its objects are called, if the model's own name would say little.
    """

    page: type[models.Model]
    key: str
    label: Callable[[Any], str]
    also: Mapping[type[models.Model], RowsOf] = {}
    related: Sequence[str] = ()
    fetched: Sequence[str] = ()
    differences: Mapping[str, Callable[[Any, Any], Iterator[Difference]]] = {}
    gather: Callable[[Sequence[int]], Mapping[int, Sequence[Difference]]] = lambda _: {}
    names: Callable[[Sequence[Any]], Mapping[int, str]] = lambda _: {}
    at_first: Sequence[str] = ()
    many: str = ""


_described: dict[type[models.Model], Described] = {}
_left_out: set[type[models.Model]] = set()


def describe(model: type[models.Model], described: Described) -> None:
    """Say how the rows of a tracked model are shown."""
    _described[model] = described


def leave_out(model: type[models.Model]) -> None:
    """Have no page tell of the rows of a tracked model: other rows say what they mean."""
    _left_out.add(model)


def is_left_out(model: type[models.Model]) -> bool:
    """Return whether pages do not tell of the rows of a model."""
    return model in _left_out


def description_of(model: type[models.Model]) -> Described:
    """Return how the rows of a tracked model are shown.

    Raises:
        KeyError: its app has neither described it nor left it out.
    """
    return _described[model]


def described_on(
    page: type[models.Model],
) -> Iterator[tuple[type[models.Model], Described, RowsOf]]:
    """Return the models whose rows belong on the pages of this model, and which of them do."""
    for model, described in _described.items():
        if described.page is page:
            yield model, described, partial(_with_key, described.key)
        elif page in described.also:
            yield model, described, described.also[page]


def _with_key(name: str, key: int) -> models.Q:
    return models.Q(**{name: key})


def in_words(difference: differences.Difference, *, what: str) -> Difference:
    """Return a difference as a page shows it, without any secret."""
    return Difference(
        what,
        *(
            NOTHING
            if side is differences.ABSENT
            else as_text(MASK if difference.is_secret else side)
            for side in (difference.before, difference.after)
        ),
    )


def as_text(value: Any) -> str:
    """Return a value as people read it, without any secret; what has no words stays JSON."""
    if value is None or value in ("", [], {}):
        return NOTHING
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, datetime):
        return f"{value.astimezone(UTC):%-d %B %Y, %H:%M:%S} UTC"
    if isinstance(value, list) and all(isinstance(item, str | int | float) for item in value):
        return ", ".join(map(as_text, value))
    shown = masked(value)
    return json.dumps(shown, ensure_ascii=False) if isinstance(shown, dict | list) else str(shown)
