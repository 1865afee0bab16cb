"""guardian's direct-foreign-key permission models as documented, on the same table of tasks."""

from typing import ClassVar

from django.db import models
from guardian.models import GroupObjectPermissionBase, UserObjectPermissionBase


class Job(models.Model):
    """A task, as guardian's ordinary tables refer to it."""

    uid = models.CharField(max_length=32)
    name = models.CharField(max_length=200)

    objects: ClassVar[models.Manager["Job"]] = models.Manager()

    class Meta:
        managed = False
        db_table = "tasks_task"
        permissions = (
            ("execute_job", "Can execute job"),
            ("copy_job", "Can copy job"),
            ("disable_job", "Can disable job"),
            ("manage_job", "Can manage the permissions of job"),
        )

    def __str__(self) -> str:
        return self.name


class JobUserPermission(UserObjectPermissionBase):
    """A right of a user on a job."""

    content_object = models.ForeignKey(Job, on_delete=models.CASCADE)


class JobGroupPermission(GroupObjectPermissionBase):
    """A right of a group on a job."""

    content_object = models.ForeignKey(Job, on_delete=models.CASCADE)
