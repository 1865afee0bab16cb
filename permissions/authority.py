"""What the batch pipeline asks: the actor's rights on many tasks, and whether a token is still good."""

from collections.abc import Sequence

from django.contrib.auth.models import User
from django.db import connection

from permissions import queries
from permissions.flags import ALL, codenames_in
from tasks.batch.authority import Held, register_authority


class MatrixAuthority:
    """Answers from the tables behind the view; equal to guardian's answers, and tested to be."""

    def rights(self, *, actor: User, task_ids: Sequence[int]) -> list[Held]:
        """Return the actor's rights on the tasks, grouped; nobody inactive has any."""
        if not actor.is_active:
            return []
        if actor.is_superuser:
            return [Held(codenames_in(ALL), task_ids)]
        with connection.cursor() as cursor:
            cursor.execute(queries.READ_RIGHTS, {"actor": actor.pk, "ids": list(task_ids)})
            return [Held(codenames_in(flags), ids) for flags, ids in cursor.fetchall()]


register_authority(MatrixAuthority())
