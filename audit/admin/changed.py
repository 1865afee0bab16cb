"""What an operation changed, read from the history tables of all tracked models, a page at a time.

Whoever carried it out reads it as far as they may still see the objects; auditors read all of it.
"""

from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any, NamedTuple
from urllib.parse import urlencode

from django.apps import apps
from django.contrib import admin
from django.contrib.postgres.expressions import ArraySubquery
from django.db import models
from django.db.models import F, Func, OuterRef, QuerySet
from django.http import HttpRequest
from django.urls import reverse

from audit.admin.described import Described, Difference, description_of, is_left_out
from audit.admin.requests import actor_of, page_number
from audit.admin.timeline import TimelineRow, history_of, told_rows
from audit.models import Operation
from audit.visibility import may_audit


PER_PAGE = 50
# So many objects of a kind are counted and can be paged through.
COUNTED = 100_000


class ChangedObject(NamedTuple):
    """An object that an operation changed, the address of its history, and what changed."""

    label: str
    kind: str
    url: str = ""
    differences: Sequence[Difference] = ()


class Group(NamedTuple):
    """The objects of one kind that an operation changed: what they are called, and how many."""

    title: str
    size: int
    query: str
    is_current: bool


class ChangedPage(NamedTuple):
    """The kinds of objects that an operation changed, and a page of those of one kind."""

    groups: Sequence[Group]
    objects: Sequence[ChangedObject]
    number: int
    pages: int
    query: str
    is_cut: bool


def changed_page(*, request: HttpRequest, operation: Operation) -> ChangedPage | None:
    """Return the page that is asked for, in a fixed number of queries; None if nothing was changed."""
    sizes = {model: size for model, size in _sizes(operation).items() if size}
    if not sizes:
        return None
    by_label = {model._meta.label_lower: model for model in sizes}
    model = by_label.get(request.GET.get("changed", "")) or _first(sizes)
    pages = -(-min(sizes[model], COUNTED) // PER_PAGE)
    number = page_number(request.GET.get("page", ""), last=pages)
    return ChangedPage(
        groups=[
            Group(
                description_of(each).many or str(each._meta.verbose_name_plural),
                size,
                urlencode({"changed": each._meta.label_lower}),
                is_current=each is model,
            )
            for each, size in sizes.items()
        ],
        objects=_objects(request, operation, model, number),
        number=number,
        pages=pages,
        query=urlencode({"changed": model._meta.label_lower}),
        is_cut=sizes[model] > COUNTED,
    )


@cache
def tracked_models() -> Sequence[type[models.Model]]:
    """Return the models whose history names operations, and is told on pages."""
    return [
        model
        for model in apps.get_models(include_auto_created=True)
        if hasattr(model._meta, "simple_history_manager_attribute")
        and not model._meta.proxy
        and not is_left_out(model)
    ]


def _sizes(operation: Operation) -> dict[type[models.Model], int]:
    """Return how many objects of each model the operation changed, in one query."""
    counted = {model._meta.label_lower.replace(".", "_"): model for model in tracked_models()}
    sizes = (
        Operation.objects.filter(pk=operation.pk)
        .values_list(*(_size(model) for model in counted.values()))
        .get()
    )
    return dict(zip(counted.values(), sizes, strict=True))


def _size(model: type[models.Model]) -> Func:
    rows = history_of(model).filter(operation=OuterRef("pk")).order_by()
    few = ArraySubquery(rows.values("history_id")[: COUNTED + 1])
    return Func(few, function="cardinality", output_field=models.IntegerField())


def _first(sizes: Mapping[type[models.Model], int]) -> type[models.Model]:
    """Return the model of which most was changed; of equals, one that has pages of its own."""
    return max(sizes, key=lambda model: (sizes[model], _has_pages(model)))


def _has_pages(model: type[models.Model]) -> bool:
    return description_of(model).page is model


def _objects(
    request: HttpRequest, operation: Operation, model: type[models.Model], number: int
) -> list[ChangedObject]:
    # The keys first: rows with long settings are not sorted only to be passed over. By a sum, because
    # the database would rather walk all history in the order of its keys until a page is full.
    rows = history_of(model).filter(operation=operation).order_by(F("history_id") + 0)
    start = (number - 1) * PER_PAGE
    keys = list(rows.values_list("history_id", flat=True)[start : start + PER_PAGE])
    page = history_of(model).filter(history_id__in=keys).order_by("history_id")
    described = description_of(model)
    told = told_rows(model=model, described=described, rows=page)
    seen = _seen(request, described, told)
    return [_object(described, row, is_seen=seen is None or row.key in seen) for row in told]


def _object(described: Described, row: TimelineRow, *, is_seen: bool) -> ChangedObject:
    page = described.page._meta
    if not is_seen:
        return ChangedObject(f"a {page.verbose_name} that you may not see any more", row.kind)
    address = reverse(f"admin:{page.app_label}_{page.model_name}_history", args=[row.key])
    return ChangedObject(row.what, row.kind, address, row.differences)


def _seen(
    request: HttpRequest, described: Described, rows: Sequence[TimelineRow]
) -> set[Any] | None:
    """Return the keys of the objects whose pages the visitor sees; None for all."""
    if may_audit(actor=actor_of(request)):
        return None
    page: Any = admin.site.get_model_admin(described.page)
    visible: QuerySet[Any] = page.visible(request)
    return set(visible.filter(pk__in={row.key for row in rows}).values_list("pk", flat=True))
