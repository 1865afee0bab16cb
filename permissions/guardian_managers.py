"""Managers that let guardian read the view and refuse every write through it."""

from typing import Any, NoReturn, Self

from django.apps import apps
from django.db import models
from django.db.models import Count, Subquery
from guardian.managers import GroupObjectPermissionManager, UserObjectPermissionManager

from permissions.flags import BY_CODENAME


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

    def filter(self, *args: Any, **kwargs: Any) -> Self:
        """Name the one permission that guardian asks a list for by its key, not through a join.

        The planner takes a key into each branch of the view. What it must join with, it filters last:
        all seven permissions of all tasks would be computed first.
        """
        codenames = kwargs.get("permission__codename__in") or ()
        if len(codenames) == 1 and (flag := BY_CODENAME.get(*codenames)):
            del kwargs["permission__codename__in"]
            bits = apps.get_model("permissions", "PermissionBit").objects.filter(bit=flag.bit)
            kwargs["permission_id"] = Subquery(bits.values("permission_id")[:1])
        return super().filter(*args, **kwargs)

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
