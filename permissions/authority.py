"""What the batch pipeline asks: rights on many tasks, and whether a token is still good."""

from collections.abc import Sequence

from django.contrib.auth.models import User
from django.db import connection
from django.utils import timezone

from permissions import queries, rights_queries
from permissions.flags import ALL, codenames_in
from permissions.models import ApiToken
from permissions.roles import MAY_ADD_TASKS
from permissions.tokens import fault_of
from tasks.batch.authority import Held, register_authority
from tasks.models import Project


class MatrixAuthority:
    """Answers from the tables behind the view; equal to guardian's answers, and tested to be."""

    def rights(self, *, actor: User, task_ids: Sequence[int]) -> list[Held]:
        """Return the actor's rights on the tasks, grouped; nobody inactive has any."""
        if (account := _account_now(actor)) is None:
            return []
        if account.is_superuser:
            return [Held(codenames_in(ALL), task_ids)]
        with connection.cursor() as cursor:
            cursor.execute(rights_queries.READ_RIGHTS, {"actor": actor.pk, "ids": list(task_ids)})
            return [Held(codenames_in(flags), ids) for flags, ids in cursor.fetchall()]

    def rights_anywhere(self, *, actor: User) -> frozenset[str]:
        """Return the rights of all roles that the actor holds, and as a creator of tasks."""
        if not actor.is_active:
            return frozenset()
        if actor.is_superuser:
            return codenames_in(ALL)
        with connection.cursor() as cursor:
            cursor.execute(rights_queries.READ_RIGHTS_ANYWHERE, {"actor": actor.pk})
            return codenames_in(cursor.fetchone()[0])

    def token_is_valid(self, *, token_id: int, at_address: str | None) -> bool:
        """Return whether the token could be used now from the address."""
        token = ApiToken.objects.select_related("owner").filter(pk=token_id).first()
        return token is not None and not fault_of(
            token=token, at=timezone.now(), address=at_address
        )

    def may_add_tasks(self, *, actor: User, project_ids: Sequence[int]) -> frozenset[int]:
        """Adding is no flag: superusers may, and who administers or manages the project."""
        if (account := _account_now(actor)) is None:
            return frozenset()
        if account.is_superuser:
            return frozenset(project_ids)
        with connection.cursor() as cursor:
            cursor.execute(
                queries.READ_PROJECTS_WITH_ROLE,
                {"actor": actor.pk, "ids": list(project_ids), "codes": list(MAY_ADD_TASKS)},
            )
            return frozenset(project_id for (project_id,) in cursor.fetchall())

    def may_add_tasks_anywhere(self, *, actor: User) -> bool:
        """As for given projects, of which there must be one."""
        if not actor.is_active:
            return False
        if actor.is_superuser:
            return Project.objects.exists()
        with connection.cursor() as cursor:
            cursor.execute(
                queries.READ_HOLDS_ROLE_ANYWHERE, {"actor": actor.pk, "codes": list(MAY_ADD_TASKS)}
            )
            return bool(cursor.fetchone()[0])


def _account_now(actor: User) -> User | None:
    """Read the account again: a batch may have waited for its locks since it was authenticated."""
    return User.objects.filter(pk=actor.pk, is_active=True).only("is_superuser").first()


register_authority(MatrixAuthority())
