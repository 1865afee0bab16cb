"""Roles, members, matrices, each task's permission row; guardian's models and API tokens stand beside.

The rows that say who may do what are few and stored; the answers are many and a view
(`permissions_effective`). So nothing is copied, and a change of a project's matrix reaches every
following task at once.
"""

import pgtrigger
from django.conf import settings
from django.contrib.auth.models import Group, Permission
from django.db import models
from django.db.models import Q
from django.db.models.functions import Cast

import permissions.accounts  # noqa: F401 - models of this app: the history of accounts and groups
from audit.append_only import NEVER_TRUNCATED, Guard
from audit.history import track_by_trigger, tracked
from permissions.guardian_models import TaskGroupPermission, TaskUserPermission
from permissions.token_models import ApiToken, Scope, TokenAllowance
from tasks.models import Project, Task


__all__ = [
    "ApiToken",
    "GovernedTask",
    "PermissionBit",
    "PermissionMatrix",
    "Role",
    "RoleMember",
    "RolePermission",
    "Scope",
    "TaskGroupPermission",
    "TaskPermission",
    "TaskUserPermission",
    "TokenAllowance",
]


class Role(models.Model):
    """A project's role.

    Codes are the vendor's `role_id`: built-in roles have small ones or 100x, custom roles count up
    from 500, -1 is the project administrator and -3 a task's creator.
    """

    project = models.ForeignKey(Project, on_delete=models.PROTECT, related_name="roles")
    code = models.IntegerField()
    name = models.CharField(max_length=100)
    external_id = models.CharField(max_length=40, blank=True)
    built_in = models.BooleanField(default=False, editable=False)

    history = tracked()

    class Meta:
        constraints = (
            models.UniqueConstraint(fields=["project", "code"], name="role_code_in_project"),
            models.UniqueConstraint(
                fields=["project", "external_id"],
                condition=~Q(external_id=""),
                name="role_external_id_in_project",
            ),
        )
        triggers = (
            # Matrices repeat the code, and the view trusts them.
            Guard(
                name="role_keeps_its_code",
                function="permissions_keep_role",
                when=pgtrigger.Before,
                operation=pgtrigger.Update,
                condition=pgtrigger.AnyChange("project", "code"),
                fires="BEFORE UPDATE ON {table} FOR EACH ROW"
                " WHEN (old.code IS DISTINCT FROM new.code"
                " OR old.project_id IS DISTINCT FROM new.project_id)",
            ),
        )

    def __str__(self) -> str:
        return f"{self.name} ({self.code}) of {self.project}"


class RoleMember(models.Model):
    """A user, or all members of a group, holding a role."""

    role = models.ForeignKey(Role, on_delete=models.CASCADE, related_name="members", db_index=False)
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, null=True, blank=True, related_name="+"
    )
    group = models.ForeignKey(
        Group, on_delete=models.CASCADE, null=True, blank=True, related_name="+"
    )

    history = tracked(
        indexed=[
            models.Index(fields=[name], name=f"rolemember_{name}")
            for name in ("role", "user", "group")
        ]
    )

    class Meta:
        constraints = (
            models.CheckConstraint(
                condition=Q(user__isnull=False, group__isnull=True)
                | Q(user__isnull=True, group__isnull=False),
                name="member_is_user_or_group",
            ),
            models.UniqueConstraint(fields=["role", "user"], name="member_user_once"),
            models.UniqueConstraint(fields=["role", "group"], name="member_group_once"),
        )
        triggers = (
            # Whoever creates a task holds that role on it; a member would hold it on all tasks.
            Guard(
                name="task_creators_are_no_members",
                function="permissions_guard_member",
                operation=pgtrigger.Insert | pgtrigger.Update,
                when=pgtrigger.Before,
                fires="BEFORE INSERT OR UPDATE ON {table} FOR EACH ROW",
            ),
        )

    def __str__(self) -> str:
        return f"{self.user or self.group} as {self.role}"


class PermissionMatrix(models.Model):
    """One set of (role, flags) rows.

    Without a digest it is its project's own matrix, edited in place. With one it is interned:
    immutable, and the only matrix of its project with those rows. The history of matrices says which
    there are, and thereby, since a digest names its rows, what interned ones hold.
    """

    project = models.ForeignKey(
        Project, on_delete=models.PROTECT, related_name="matrices", db_index=False
    )
    digest = models.CharField(max_length=64, null=True, editable=False)
    version = models.PositiveIntegerField(default=1, editable=False)

    class Meta:
        verbose_name = "matrix"
        verbose_name_plural = "matrices"
        constraints = (
            models.UniqueConstraint(fields=["project", "digest"], name="matrix_interned_once"),
            models.UniqueConstraint(
                fields=["project"], condition=Q(digest__isnull=True), name="matrix_of_project_once"
            ),
        )
        triggers = (
            # Questions about the past take a matrix for what it is today.
            Guard(
                name="matrix_keeps_its_name",
                function="permissions_guard_matrix",
                when=pgtrigger.Before,
                operation=pgtrigger.Update | pgtrigger.Delete,
                fires="BEFORE DELETE OR UPDATE ON {table} FOR EACH ROW",
            ),
            NEVER_TRUNCATED,
        )

    def __str__(self) -> str:
        return f"matrix {self.pk} of {self.project}"


# By a trigger, since it is the database that interns a matrix only once. How often a project's own one
# was changed is told by the history of its rows.
HistoricalPermissionMatrix = track_by_trigger(
    PermissionMatrix, app="permissions", excluded_fields=("version",)
)


class RolePermission(models.Model):
    """What one role may do under one matrix.

    `flags` repeats the booleans as bits, and `role_code` the role's code, because the view is asked
    through them (measurements in `docs/decisions/0002-view-on-interned-matrices.md`).
    """

    matrix = models.ForeignKey(
        PermissionMatrix, on_delete=models.CASCADE, related_name="rows", db_index=False
    )
    role = models.ForeignKey(Role, on_delete=models.PROTECT, related_name="permissions")
    role_code = models.IntegerField(editable=False)
    is_view = models.BooleanField("view", default=False)
    is_modify = models.BooleanField("modify", default=False)
    is_delete = models.BooleanField("delete", default=False)
    is_execute = models.BooleanField("execute", default=False)
    is_copy = models.BooleanField("copy", default=False)
    is_forbidden = models.BooleanField("disable", default=False)
    is_manager = models.BooleanField("manage", default=False)
    flags = models.GeneratedField(
        expression=(
            Cast("is_view", models.IntegerField()) * 1
            + Cast("is_modify", models.IntegerField()) * 2
            + Cast("is_delete", models.IntegerField()) * 4
            + Cast("is_execute", models.IntegerField()) * 8
            + Cast("is_copy", models.IntegerField()) * 16
            + Cast("is_forbidden", models.IntegerField()) * 32
            + Cast("is_manager", models.IntegerField()) * 64
        ),
        output_field=models.IntegerField(),
        db_persist=True,
    )

    history = tracked(
        indexed=[
            models.Index(fields=["matrix"], name="rolepermission_matrix"),
            models.Index(fields=["role"], name="rolepermission_role"),
        ]
    )

    class Meta:
        constraints = (
            models.UniqueConstraint(fields=["matrix", "role"], name="one_row_per_role"),
            models.CheckConstraint(
                condition=~Q(role_code=-1)
                | Q(
                    is_view=True,
                    is_modify=True,
                    is_delete=True,
                    is_execute=True,
                    is_copy=True,
                    is_forbidden=True,
                    is_manager=True,
                ),
                name="administrator_holds_all",
            ),
        )
        triggers = (
            Guard(
                name="interned_rows_are_immutable",
                function="permissions_guard_matrix_row",
                when=pgtrigger.Before,
                operation=pgtrigger.Update | pgtrigger.Delete,
                fires="BEFORE DELETE OR UPDATE ON {table} FOR EACH ROW",
            ),
            Guard(
                name="interned_rows_are_as_named",
                function="permissions_compare_new_rows",
                level=pgtrigger.Statement,
                operation=pgtrigger.Insert,
                when=pgtrigger.After,
                referencing=pgtrigger.Referencing(new="new_rows"),  # type: ignore[no-untyped-call]
                fires="AFTER INSERT ON {table} REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT",
            ),
            NEVER_TRUNCATED,
            Guard(
                name="administrator_keeps_his_row",
                function="permissions_keep_administrator",
                operation=pgtrigger.Delete,
                when=pgtrigger.Before,
                condition=pgtrigger.Q(old__role_code=-1),
                fires="BEFORE DELETE ON {table} FOR EACH ROW WHEN (old.role_code = '-1'::integer)",
            ),
        )

    def __str__(self) -> str:
        return f"{self.role} in matrix {self.matrix_id}"


class TaskPermission(models.Model):
    """The matrix in force for a task; present for every task, by a trigger on the task's insertion.

    A task follows its project by pointing at the project's matrix; `own_matrix` then remembers the
    rows of its own that it had before.
    """

    task = models.OneToOneField(
        Task, on_delete=models.CASCADE, primary_key=True, related_name="permission"
    )
    matrix = models.ForeignKey(
        PermissionMatrix, on_delete=models.PROTECT, related_name="tasks", db_index=False
    )
    own_matrix = models.ForeignKey(
        PermissionMatrix, on_delete=models.PROTECT, null=True, related_name="+", db_index=False
    )

    history = tracked(
        indexed=[models.Index(fields=["matrix", "task"], name="taskpermission_matrix_task")]
    )

    class Meta:
        indexes = (models.Index(fields=["matrix", "task"], name="task_permission_by_matrix"),)

    def __str__(self) -> str:
        return f"matrix {self.matrix_id} for task {self.task_id}"


class GovernedTask(Task):
    """The task with the trigger that gives it its permission row."""

    class Meta:
        proxy = True
        triggers = (
            Guard(
                name="every_task_has_a_permission_row",
                function="permissions_add_rows",
                level=pgtrigger.Statement,
                operation=pgtrigger.Insert,
                when=pgtrigger.After,
                referencing=pgtrigger.Referencing(new="new_tasks"),  # type: ignore[no-untyped-call]
                fires="AFTER INSERT ON {table} REFERENCING NEW TABLE AS new_tasks FOR EACH STATEMENT",
            ),
        )


class PermissionBit(models.Model):
    """Which Django permission each flag's bit stands for; refilled after every migrate."""

    permission = models.OneToOneField(Permission, on_delete=models.CASCADE, primary_key=True)
    bit = models.SmallIntegerField(unique=True)

    def __str__(self) -> str:
        return f"{self.permission_id}: {self.bit}"
