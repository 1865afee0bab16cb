"""guardian's models for tasks: the rows of the view, which nobody writes.

Declared here, and made models of the app by `permissions.models`.
"""

from collections.abc import Sequence
from typing import Any, ClassVar

from django.conf import settings
from django.contrib.auth.models import Group, Permission
from django.db import models
from guardian.models import GroupObjectPermissionBase, UserObjectPermissionBase

from permissions.guardian_managers import NoGroupPermissions, ReadOnlyPermissions, refuse_write
from tasks.models import Task


class TaskUserPermission(UserObjectPermissionBase):
    """guardian's user permissions on tasks: rows of the view, one per way of holding a right."""

    pk = models.CompositePrimaryKey(
        "user_id", "permission_id", "content_object_id", "role_id", "via", "member_id"
    )
    permission = models.ForeignKey(
        Permission, on_delete=models.DO_NOTHING, db_constraint=False, related_name="task_users"
    )
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.DO_NOTHING,
        db_constraint=False,
        related_name="task_permissions",
    )
    content_object = models.ForeignKey(
        Task, on_delete=models.DO_NOTHING, db_constraint=False, related_name="user_permissions"
    )
    role = models.ForeignKey(
        "permissions.Role",
        on_delete=models.DO_NOTHING,
        db_constraint=False,
        related_name="effective",
    )
    via = models.CharField(max_length=20)
    member_id = models.BigIntegerField()

    objects = ReadOnlyPermissions()  # type: ignore[misc]  # a class attribute there as here

    class Meta(UserObjectPermissionBase.Meta):
        managed = False
        db_table = "permissions_effective"
        default_permissions = ()
        unique_together: ClassVar[list[Sequence[str]]] = []  # the view has no constraint

    def save(self, *_: Any, **__: Any) -> None:
        """Refuse: the view follows from the matrices."""
        refuse_write()

    def delete(self, *_: Any, **__: Any) -> tuple[int, dict[str, int]]:
        """Refuse: the view follows from the matrices."""
        refuse_write()


class TaskGroupPermission(GroupObjectPermissionBase):
    """guardian's group permissions on tasks: none, since the user rows include what groups give."""

    permission = models.ForeignKey(
        Permission, on_delete=models.DO_NOTHING, db_constraint=False, related_name="task_groups"
    )
    group = models.ForeignKey(
        Group, on_delete=models.DO_NOTHING, db_constraint=False, related_name="task_permissions"
    )
    content_object = models.ForeignKey(
        Task, on_delete=models.DO_NOTHING, db_constraint=False, related_name="group_permissions"
    )

    objects = NoGroupPermissions()  # type: ignore[misc]  # a class attribute there as here

    class Meta(GroupObjectPermissionBase.Meta):
        managed = False
        db_table = "permissions_effective_groups"
        default_permissions = ()
        unique_together: ClassVar[list[Sequence[str]]] = []  # the view has no constraint

    def save(self, *_: Any, **__: Any) -> None:
        """Refuse: groups hold roles, and roles have rows in matrices."""
        refuse_write()

    def delete(self, *_: Any, **__: Any) -> tuple[int, dict[str, int]]:
        """Refuse: groups hold roles, and roles have rows in matrices."""
        refuse_write()
