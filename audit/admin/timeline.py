"""The history of one object and of what belongs to it, newest first, with what each row changed."""

import heapq
from collections.abc import Iterator, Sequence
from datetime import datetime
from itertools import islice
from typing import Any, NamedTuple

from django.db import models
from django.db.models import F, OuterRef, QuerySet, Subquery

from audit.admin.described import NOTHING, Described, Difference, as_text, described_on
from audit.models import Operation
from audit.trail.subjects import VERBS


PER_PAGE = 50

# What moves with every change says nothing.
_SILENT = frozenset({"version", "updated_at"})


class TimelineRow(NamedTuple):
    """A row of a model's history as a page shows it; `key` is of the object on whose page it belongs."""

    model: type[models.Model]
    at: datetime
    what: str
    kind: str
    operation: Operation
    differences: Sequence[Difference]
    key: Any


class Told(NamedTuple):
    """What was found out of a row together with others: what it is about, if so, and what differs."""

    name: str
    differences: Sequence[Difference]


class TimelinePage(NamedTuple):
    """Some rows, and whether older ones follow."""

    rows: Sequence[TimelineRow]
    number: int
    has_next: bool


def read_timeline(
    *, page: type[models.Model], key: int, number: int = 1, size: int = PER_PAGE
) -> TimelinePage:
    """Return a page of an object's history, in a few queries per model whose rows belong there."""
    stop = number * size
    sources = [
        _read(model, described, rows_of(key), stop + 1)
        for model, described, rows_of in described_on(page)
    ]
    newest_first = heapq.merge(*sources, key=lambda row: row.at, reverse=True)
    rows = list(islice(newest_first, stop - size, stop + 1))
    return TimelinePage(rows[:size], number, has_next=len(rows) > size)


def _read(
    model: type[models.Model], described: Described, wanted: models.Q, limit: int
) -> list[TimelineRow]:
    rows = history_of(model).filter(wanted)
    return told_rows(
        model=model,
        described=described,
        rows=rows.order_by(F("history_date").desc(), F("history_id").desc())[:limit],
    )


def history_of(model: type[models.Model]) -> QuerySet[Any]:
    """Return all rows of a tracked model's history."""
    rows: QuerySet[Any] = model.history.model.objects.all()  # type: ignore[attr-defined]  # the library's
    return rows


def told_rows(
    *, model: type[models.Model], described: Described, rows: QuerySet[Any]
) -> list[TimelineRow]:
    """Return rows of a model's history, each with what it changed, in a fixed number of queries."""
    object_key = model._meta.pk.attname
    before = (
        history_of(model)
        .filter(**{object_key: OuterRef(object_key)}, history_id__lt=OuterRef("history_id"))
        .order_by("-history_id")
    )
    found = list(
        rows.annotate(older_id=Subquery(before.values("history_id")[:1]))
        .select_related("operation", *described.related)
        .prefetch_related(*described.fetched)
    )
    known = {row.history_id: row for row in found}
    missing = {row.older_id for row in found} - known.keys() - {None}
    older = history_of(model).select_related(*described.related)
    older = older.prefetch_related(*described.fetched)
    known |= older.in_bulk(list(missing))
    more = described.gather([row.history_id for row in found]) if found else {}
    names = described.names(found) if found else {}
    return [
        _row(
            row,
            known.get(row.older_id),
            described,
            Told(names.get(row.history_id, ""), more.get(row.history_id, ())),
        )
        for row in found
    ]


def _row(row: Any, older: Any, described: Described, told: Told) -> TimelineRow:
    own = _differences(older, row, described) if older else _at_first(row, described)
    differences = [*own, *told.differences]
    return TimelineRow(
        row.instance_type,
        row.history_date,
        told.name or described.label(row),
        VERBS[row.history_type],
        row.operation,
        differences,
        getattr(row, described.key),
    )


def _at_first(row: Any, described: Described) -> Iterator[Difference]:
    if row.history_type != "+":
        return
    for name in described.at_first:
        field = row.instance_type._meta.get_field(name)
        if value := getattr(row, field.attname):
            yield Difference(str(field.verbose_name), NOTHING, as_text(value))


def _differences(older: Any, newer: Any, described: Described) -> Iterator[Difference]:
    if newer.history_type == "-":
        return
    for field in newer.tracked_fields:
        before, after = getattr(older, field.attname), getattr(newer, field.attname)
        if before == after or field.name in _SILENT:
            continue
        if shown := described.differences.get(field.name):
            yield from shown(older, newer)
        else:
            yield Difference(str(field.verbose_name), as_text(before), as_text(after))
