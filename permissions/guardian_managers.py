"""Managers that let guardian read the view and refuse every write through it."""

from typing import Any, NoReturn, Self

from django.db import models
from django.db.models import Count
from guardian.managers import GroupObjectPermissionManager, UserObjectPermissionManager


class PermissionsAreMatrices(TypeError):
    """Rights on tasks are written as matrices through `SetPermissions`, never as single grants."""

    def __init__(self) -> None:
        super().__init__(
            "rights on tasks are rows of matrices: apply the change"
            " permissions.changes.SetPermissions through tasks.batch.pipeline"
        )


def refuse_write(*_: object, **__: object) -> NoReturn:
    """Refuse a write to the view.

    Raises:
        PermissionsAreMatrices: always.
    """
    raise PermissionsAreMatrices


class ViewQuerySet(models.QuerySet[Any]):
    """Rows of the view; reading only."""

    create = bulk_create = get_or_create = update_or_create = refuse_write
    update = bulk_update = delete = refuse_write

    def annotate(self, *args: Any, **kwargs: Any) -> Self:
        """Count permissions, not rows.

        guardian counts the rows of an object to learn whether all of several permissions are held. The
        view has one row per way of holding a right, so two ways of one right would pass for two rights.
        """
        if "object_pk_count" in kwargs:
            kwargs["object_pk_count"] = Count("permission", distinct=True)
        return super().annotate(*args, **kwargs)


class ReadOnlyPermissions(UserObjectPermissionManager.from_queryset(ViewQuerySet)):  # type: ignore[misc]
    """guardian's manager of user permissions, reading only."""

    assign_perm = bulk_assign_perm = assign_perm_to_many = refuse_write
    remove_perm = bulk_remove_perm = refuse_write


class NoGroupPermissions(GroupObjectPermissionManager.from_queryset(ViewQuerySet)):  # type: ignore[misc]
    """guardian's manager of group permissions: there are none besides what users are shown to hold."""

    assign_perm = bulk_assign_perm = assign_perm_to_many = refuse_write
    remove_perm = bulk_remove_perm = refuse_write

    def get_queryset(self) -> models.QuerySet[Any]:
        """Return nothing, without a query."""
        nothing: models.QuerySet[Any] = super().get_queryset().none()
        return nothing
