"""The history of tracked models: django-simple-history with an operation on every row.

`tracked()` is the only way a model becomes tracked, so that all history tables look alike.
"""

from collections.abc import Sequence
from typing import Any

from django.contrib.auth.models import User
from django.db import models
from simple_history.models import HistoricalRecords

from audit.append_only import APPEND_ONLY
from audit.context import current_operation, current_operation_id
from audit.models import Operation


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


class TrackedRecords(HistoricalRecords):  # type: ignore[misc]  # the library has no types
    """Historical records that never change, with the few indexes that questions to history need.

    Indexes dominate the cost of inserting history, so the copies of the model's own are left out.
    """

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
        name = model._meta.model_name
        options["indexes"] = (
            models.Index(fields=[key.name, "history_id"], name=f"{name}_object_order"),
            models.Index(fields=["history_date"], name=f"{name}_date"),
        )
        options["triggers"] = APPEND_ONLY
        return options


def _actor_of_operation(**_: object) -> User | None:
    operation = current_operation()
    return operation.actor if operation else None


def tracked(*, excluded_fields: Sequence[str] = ()) -> HistoricalRecords:
    """Return the declaration that makes a model tracked."""
    return TrackedRecords(
        bases=[HistoryRow],
        excluded_fields=list(excluded_fields),
        history_id_field=models.BigAutoField(),
        history_user_id_field=models.BigIntegerField(null=True),
        get_user=_actor_of_operation,
    )
