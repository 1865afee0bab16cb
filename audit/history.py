"""The history of tracked models: django-simple-history with an operation on every row.

`tracked()` is the only way a model of ours becomes tracked, `track_by_trigger()` the only way one of
Django's does, so that all history tables look alike.
"""

from collections.abc import Sequence
from typing import Any

from django.contrib.auth.models import User
from django.db import models
from simple_history import register
from simple_history.models import HistoricalRecords

from audit.append_only import GUARDS_OF_HISTORY
from audit.context import current_operation, current_operation_id
from audit.models import Operation


class Clock(models.Func):
    """The database's clock: of several web servers and workers, each has its own."""

    template = "clock_timestamp()"
    output_field = models.DateTimeField()


class HistoryRow(models.Model):
    """What every history row has besides the columns of its model."""

    operation = models.ForeignKey(
        Operation,
        on_delete=models.PROTECT,
        default=current_operation_id,
        related_name="+",
    )

    class Meta:
        abstract = True

    def save(self, *args: Any, **kwargs: Any) -> None:
        """Date the row by the database's clock, now that the object's own row is locked."""
        self.history_date = Clock()
        super().save(*args, **kwargs)


class TrackedRecords(HistoricalRecords):  # type: ignore[misc]  # the library has no types
    """Historical records that never change, with the few indexes that questions to history need.

    Indexes dominate the cost of inserting history, so the copies of the model's own are left out.
    """

    def __init__(self, *, indexed: Sequence[models.Index] = (), **options: Any) -> None:
        self._indexed = indexed
        super().__init__(**options)

    def copy_fields(self, model: type[models.Model]) -> dict[str, "models.Field[Any, Any]"]:
        """Copy the model's columns without indexes; a generated column is derived, not history."""
        fields: dict[str, models.Field[Any, Any]] = super().copy_fields(model)
        for field in fields.values():
            field.db_index = False  # type: ignore[attr-defined]  # missing in the stubs
        return fields

    def fields_included(self, model: type[models.Model]) -> list["models.Field[Any, Any]"]:
        """Leave out generated columns: they follow from the others."""
        return [
            field
            for field in super().fields_included(model)
            if not isinstance(field, models.GeneratedField)
        ]

    @property
    def _date_indexing(self) -> bool:
        # The library's own index; `get_meta_options` declares what is needed instead.
        return False

    def get_meta_options(self, model: type[models.Model]) -> dict[str, Any]:
        """Refuse changes, and index what is asked: one object's rows in order, and all rows in time.

        Rows of one object are numbered in the order of its changes; clocks may disagree.
        """
        options: dict[str, Any] = super().get_meta_options(model)
        key = model._meta.pk
        assert key is not None  # noqa: S101 - a concrete model has a key
        # The name of an index has room for 30 characters.
        name = str(model._meta.model_name)[:17]
        options["indexes"] = (
            models.Index(fields=[key.name, "history_id"], name=f"{name}_object_order"),
            models.Index(fields=["history_date"], name=f"{name}_date"),
            *self._indexed,
        )
        options["triggers"] = GUARDS_OF_HISTORY
        return options


class TriggeredRecords(TrackedRecords):
    """The history of rows that others than us write: Django's own pages, commands and libraries.

    They know no operation, so the database's triggers write the rows, and open one where none is named.
    """

    def post_save(self, instance: models.Model, *_: Any, **__: Any) -> None:
        """Leave it to the trigger."""

    def post_delete(self, instance: models.Model, *_: Any, **__: Any) -> None:
        """Leave it to the trigger."""

    def pre_delete(self, instance: models.Model, **_: Any) -> None:
        """Leave it to the trigger."""


def _actor_of_operation(**_: object) -> User | None:
    operation = current_operation()
    return operation.actor if operation else None


def tracked(
    *, excluded_fields: Sequence[str] = (), indexed: Sequence[models.Index] = ()
) -> HistoricalRecords:
    """Return the declaration that makes a model tracked; `indexed` are further indexes of its history."""
    return TrackedRecords(indexed=indexed, **_options(excluded_fields))


def track_by_trigger(
    model: type[models.Model],
    *,
    app: str,
    excluded_fields: Sequence[str] = (),
    indexed: Sequence[models.Index] = (),
) -> type[models.Model]:
    """Make a model of Django's tracked, in an app whose migrations add the triggers; return its history."""
    register(
        model,
        app=app,
        records_class=TriggeredRecords,
        indexed=indexed,
        **_options(excluded_fields),
    )
    history: type[models.Model] = model.history.model  # type: ignore[attr-defined]  # just added
    return history


def _options(excluded_fields: Sequence[str]) -> dict[str, Any]:
    return {
        "bases": [HistoryRow],
        "excluded_fields": list(excluded_fields),
        "history_id_field": models.BigAutoField(),
        "history_user_id_field": models.BigIntegerField(null=True),
        "get_user": _actor_of_operation,
    }
