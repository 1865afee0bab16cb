"""Which objects an operation changed, read from the history tables of all tracked models."""

from collections.abc import Iterator, Sequence
from functools import cache
from typing import Any, NamedTuple

from django.apps import apps
from django.db import models
from django.urls import reverse

from audit.admin.described import Described, description_of
from audit.models import Operation


# So many objects of a kind are listed.
LISTED = 100

_KINDS = {"+": "added", "~": "changed", "-": "removed"}


class ChangedObject(NamedTuple):
    """An object that an operation changed, and the address of its history."""

    label: str
    kind: str
    url: str


class ChangedObjects(NamedTuple):
    """The objects of one kind, as many as are listed, and whether there are more."""

    title: str
    objects: Sequence[ChangedObject]
    has_more: bool


def changed_objects(*, operation: Operation) -> list[ChangedObjects]:
    """Return what the operation changed, in one query per tracked model."""
    found = (_changed(model, operation) for model in tracked_models())
    return [changed for changed in found if changed.objects]


@cache
def tracked_models() -> Sequence[type[models.Model]]:
    """Return the models whose history names operations."""
    return [
        model
        for model in apps.get_models()
        if hasattr(model._meta, "simple_history_manager_attribute") and not model._meta.proxy
    ]


def _changed(model: type[models.Model], operation: Operation) -> ChangedObjects:
    described = description_of(model)
    rows = model.history.filter(operation=operation)  # type: ignore[attr-defined]  # the library's
    if described:
        rows = rows.select_related(*described.related)
    objects = list(_objects(model, described, rows.order_by("history_id")[: LISTED + 1]))
    title = str(model._meta.verbose_name_plural)
    return ChangedObjects(title, objects[:LISTED], has_more=len(objects) > LISTED)


def _objects(
    model: type[models.Model], described: Described | None, rows: Any
) -> Iterator[ChangedObject]:
    for row in rows:
        kind = _KINDS[row.history_type]
        if described is None:
            key = getattr(row, model._meta.pk.attname)
            yield ChangedObject(f"{model._meta.verbose_name} {key}", kind, "")
            continue
        page = described.page._meta
        name = f"admin:{page.app_label}_{page.model_name}_history"
        address = reverse(name, args=[getattr(row, described.key)])
        yield ChangedObject(described.label(row), kind, address)
