"""guardian's ordinary tables, and the same rights written and read through them."""

from collections.abc import Sequence

from django.contrib.auth.models import Group, Permission
from django.db import connection, transaction

from permissions.flags import Flag
from permissions.roles import BUILT_IN_ROLES
from tests.benchmarks.estate import Estate, bare
from tests.benchmarks.models import Job, JobGroupPermission, JobUserPermission


_TABLES = (JobUserPermission._meta.db_table, JobGroupPermission._meta.db_table)

# Exactly the rights that the view gives these users, each once.
_COPY_RIGHTS = """
INSERT INTO benchmarks_jobuserpermission (user_id, permission_id, content_object_id)
SELECT DISTINCT effective.user_id, ordinary.id, effective.content_object_id
FROM permissions_effective AS effective
JOIN auth_permission AS permission ON permission.id = effective.permission_id
JOIN auth_permission AS ordinary ON ordinary.codename = replace(permission.codename, '_task', '_job')
WHERE effective.user_id = ANY(%(users)s::integer[])
"""


def make_tables() -> None:
    """Make guardian's tables, as a migration would."""
    with connection.schema_editor() as editor:
        editor.create_model(JobUserPermission)
        editor.create_model(JobGroupPermission)


def copy_rights(estate: Estate) -> None:
    """Give both users in guardian's table the rights that they hold in Bulkhead by now."""
    with transaction.atomic(), bare(_TABLES), connection.cursor() as cursor:
        cursor.execute(f"TRUNCATE {_TABLES[0]}")
        cursor.execute(_COPY_RIGHTS, {"users": [estate.heavy.pk, estate.light.pk]})
    with connection.cursor() as cursor:
        cursor.execute(f"VACUUM ANALYZE {_TABLES[0]}")


class BulkAssign:
    """All seven flags of all twelve roles on some tasks, a group for each role."""

    def __init__(self, task_ids: Sequence[int]) -> None:
        self._jobs = Job.objects.filter(pk__in=task_ids)
        self._groups = [
            Group.objects.get_or_create(name=f"role {role.code}")[0] for role in BUILT_IN_ROLES
        ]
        codenames = [flag.codename.replace("_task", "_job") for flag in Flag]
        self._permissions = list(Permission.objects.filter(codename__in=codenames))

    def clear(self) -> None:
        """Take all rights away."""
        with connection.cursor() as cursor:
            cursor.execute(f"TRUNCATE {_TABLES[1]}")

    def assign(self) -> None:
        """Assign them with one call for each role and flag, which is all that guardian takes."""
        with transaction.atomic():
            for group in self._groups:
                for permission in self._permissions:
                    JobGroupPermission.objects.bulk_assign_perm(permission, group, self._jobs.all())

    def count(self) -> int:
        """Return how many rights are assigned."""
        return JobGroupPermission.objects.count()
