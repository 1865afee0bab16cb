"""Who may do what, asked as lists: what an actor may see, the tasks and the users with a right.

What an actor may see has to stay fast, however much it is. The view `permissions_effective` answers
who may do what; as a filter of a list it would be computed for every task. Here the few matrices that
let the actor view are found first, and tasks are asked for by matrix. Tests hold the answer equal to
guardian's.

Every other list is guardian's. Its shortcuts ask for more than the view means unless told otherwise,
so they are called here and nowhere else; a test sees to it.
"""

from typing import Any, NamedTuple

from django.contrib.auth.models import AnonymousUser, User
from django.db import connection
from django.db.models import Exists, F, OuterRef, Q, QuerySet
from guardian.shortcuts import get_objects_for_user, get_users_with_perms

from permissions import rights_queries
from permissions.models import RolePermission
from permissions.roles import TASK_CREATOR
from tasks.arrays import EqualsAny
from tasks.models import Project, Task
from tasks.visibility import Reach, register_visibility


# So many tasks outside of the projects that are open to somebody are named; of more, their projects are.
_FEW = 200


def tasks_with(*, user: User | AnonymousUser, permission: str) -> QuerySet[Task]:
    """Return the tasks, recycled ones too, on which the user holds the permission (its codename)."""
    if not user.is_active:
        return Task.objects.none()
    held: QuerySet[Task] = get_objects_for_user(
        user,
        f"tasks.{permission}",
        Task,
        # The view has what groups give; asking for it twice costs a scan of all tasks.
        use_groups=False,
        # A permission on the model as a whole opens no task.
        accept_global_perms=False,
    )
    return held


def users_with(*, task: Task, permission: str) -> QuerySet[User]:
    """Return the active users, superusers too, who hold the permission (its codename) on the task."""
    # The library's type is that of all its modes together.
    holders: Any = get_users_with_perms(
        task, with_superusers=True, with_group_users=False, only_with_perms_in=[permission]
    )
    active: QuerySet[User] = holders.filter(is_active=True)
    return active


class Seen(NamedTuple):
    """What opens tasks to an actor.

    `matrices` let roles that the actor holds view tasks; `member_of` are the projects of all roles
    that the actor holds, whatever they allow; `creator` says whether the actor has created tasks.
    """

    matrices: list[int]
    member_of: list[int]
    creator: bool


def read_seen(*, actor: User) -> Seen:
    """Return what opens tasks to the actor, in one query."""
    with connection.cursor() as cursor:
        cursor.execute(rights_queries.READ_SEEN, {"actor": actor.pk})
        return Seen(*cursor.fetchone())


class MatrixVisibility:
    """Answers from the tables behind the view."""

    def tasks(self, *, actor: User) -> QuerySet[Task]:
        """Return the tasks that the actor may view; nobody inactive sees any."""
        if not actor.is_active:
            return Task.objects.none()
        if actor.is_superuser:
            return Task.objects.all()
        seen = read_seen(actor=actor)
        # The projects say nothing new, but by them, and by the creator, the tasks are indexed.
        held = Q(EqualsAny("project_id", seen.member_of)) & Q(
            EqualsAny("permission__matrix_id", seen.matrices)
        )
        return Task.objects.filter(held | _created(actor, seen))

    def projects(self, *, actor: User) -> QuerySet[Project]:
        """Return the projects of the actor's roles and of the tasks that the actor may view."""
        if not actor.is_active:
            return Project.objects.none()
        if actor.is_superuser:
            return Project.objects.all()
        seen = read_seen(actor=actor)
        created = Task.objects.filter(_created(actor, seen)).values("project_id")
        return Project.objects.filter(
            Q(created_by=actor) | Q(EqualsAny("id", seen.member_of)) | Q(id__in=created)
        )

    def reach(self, *, actor: User) -> Reach:
        """Return where the tasks are that the actor may view."""
        if not actor.is_active:
            return Reach(Task.objects.none(), [], [])
        if actor.is_superuser:
            return Reach(
                Task.objects.all(), list(Project.objects.values_list("uid", flat=True)), []
            )
        with connection.cursor() as cursor:
            cursor.execute(rights_queries.READ_REACH, {"actor": actor.pk, "few": _FEW})
            roles, member_of, projects, elsewhere = cursor.fetchone()
        # By the matrix alone, which has few rows: an index would sort all roles anew for each task.
        rows = RolePermission.objects.filter(matrix=OuterRef("permission__matrix"), is_view=True)
        rows = rows.alias(any_role=F("role_id") + 0)
        held = Q(Exists(rows.filter(EqualsAny("any_role", roles))))
        created = Q(created_by=actor) & Q(Exists(rows.filter(role_code=TASK_CREATOR)))
        # Says nothing new, but of most tasks, that the actor has nothing to do with them, sooner.
        near = Q(EqualsAny("project_id", member_of)) | Q(created_by=actor)
        return Reach(Task.objects.filter(near, held | created), projects, elsewhere)


def _created(actor: User, seen: Seen) -> Q:
    if not seen.creator:
        return Q(pk__in=[])
    row = RolePermission.objects.filter(
        matrix=OuterRef("permission__matrix"), role_code=TASK_CREATOR, is_view=True
    )
    return Q(Exists(row), created_by=actor)


register_visibility(MatrixVisibility())
