"""Projects, task types, tasks, and what the batch pipeline keeps beside them.

Owns what is governed. Refuses to own who may: that is the `permissions` app, asked through guardian's
API and `tasks.batch.authority`.
"""

from typing import Any
from uuid import uuid4

import pgtrigger
from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.core.exceptions import ValidationError
from django.db import models, transaction
from django.db.models import Q
from django.db.models.functions import Collate, Upper
from django.utils import timezone
from uuid_utils.compat import uuid7

from audit.append_only import APPEND_ONLY, Guard
from audit.history import tracked
from tasks.schemas import SchemaInvalid, check_schema


# A task has settings of its own, so Django's go by another name here.
USER_MODEL = settings.AUTH_USER_MODEL

UID_PATTERN = r"^([0-9a-f]{24}|[0-9a-f]{32})$"


def new_uid() -> str:
    """Return a fresh id: a UUIDv7 in hex, so that new tasks sort by age."""
    return uuid7().hex


def new_project_uid() -> str:
    """Return a fresh project id: 32 hex digits, as CodeArts gives them."""
    return uuid4().hex


class Project(models.Model):
    """The boundary inside which roles and tasks live."""

    uid = models.CharField("id", max_length=32, unique=True, default=new_project_uid)
    name = models.CharField(max_length=200, unique=True)
    description = models.TextField(blank=True)
    created_by = models.ForeignKey(USER_MODEL, on_delete=models.PROTECT, related_name="+")
    created_at = models.DateTimeField(default=timezone.now)

    history = tracked(indexed=[models.Index(fields=["created_by"], name="project_creator")])

    class Meta:
        constraints = (
            models.CheckConstraint(
                condition=Q(uid__regex=r"^[0-9a-z]{32}$"), name="project_uid_form"
            ),
        )

    def __str__(self) -> str:
        return self.name


class Versioned(models.Model):
    """A model whose plans are made on a version: no two states of a row have the same one."""

    version = models.PositiveIntegerField(default=1, editable=False)

    class Meta:
        abstract = True

    def save(self, *args: Any, **kwargs: Any) -> None:
        """Count on from the version that is stored, whatever version was loaded."""
        with transaction.atomic():
            if not self._state.adding:
                stored = type(self)._base_manager.select_for_update(no_key=True)
                self.version = stored.values_list("version", flat=True).get(pk=self.pk) + 1
                if kwargs.get("update_fields"):
                    kwargs["update_fields"] = {*kwargs["update_fields"], "version"}
            super().save(*args, **kwargs)


class TaskType(Versioned):
    """A kind of task and the JSON Schema (draft 2020-12) that its settings must satisfy."""

    key = models.SlugField(unique=True)
    name = models.CharField(max_length=100, unique=True)
    description = models.TextField(blank=True)
    schema = models.JSONField(default=dict)

    history = tracked()

    def __str__(self) -> str:
        return self.name

    def clean(self) -> None:
        """Refuse a schema that is none.

        Raises:
            ValidationError: naming the place and the rule.
        """
        try:
            check_schema(self.schema)
        except SchemaInvalid as error:
            raise ValidationError({"schema": str(error)}) from error


class Task(Versioned):
    """A CI/CD task under governance.

    `settings` holds references where its type's schema says `writeOnly`; the values are in `Secret`.
    """

    uid = models.CharField("id", max_length=32, default=new_uid, db_collation="C")
    project = models.ForeignKey(
        Project, on_delete=models.PROTECT, related_name="tasks", db_index=False
    )
    task_type = models.ForeignKey(TaskType, on_delete=models.PROTECT, related_name="tasks")
    name = models.CharField(max_length=200)
    settings = models.JSONField(default=dict)
    enabled = models.BooleanField(default=True)
    disabled_reason = models.TextField(blank=True)
    created_by = models.ForeignKey(USER_MODEL, on_delete=models.PROTECT, related_name="+")
    created_at = models.DateTimeField(default=timezone.now)
    updated_at = models.DateTimeField(default=timezone.now)
    recycled_at = models.DateTimeField(null=True, blank=True)

    history = tracked(
        indexed=[
            # Of those that are gone; the others are there.
            models.Index(
                fields=["created_by", "id"], name="task_creator", condition=Q(history_type="-")
            ),
            models.Index(fields=["uid"], name="task_uid", condition=Q(history_type="-")),
            models.Index(fields=["id"], name="task_gone", condition=Q(history_type="-")),
        ]
    )

    class Meta:
        constraints = (
            models.CheckConstraint(condition=Q(uid__regex=UID_PATTERN), name="task_uid_form"),
            # Not `unique=True`: that adds a second index for LIKE, which the collation makes needless.
            models.UniqueConstraint(fields=["uid"], name="task_uid_once"),
            models.UniqueConstraint(
                fields=["project", "name"],
                condition=Q(recycled_at__isnull=True),
                name="task_name_in_project",
            ),
        )
        triggers = (
            Guard(
                name="task_keeps_id_creator_project",
                function="tasks_keep_task",
                when=pgtrigger.Before,
                operation=pgtrigger.Update,
                condition=pgtrigger.AnyChange("uid", "created_by", "project"),
                fires="BEFORE UPDATE ON {table} FOR EACH ROW"
                " WHEN (old.created_by_id IS DISTINCT FROM new.created_by_id"
                " OR old.project_id IS DISTINCT FROM new.project_id"
                " OR old.uid::text IS DISTINCT FROM new.uid::text)",
            ),
        )
        indexes = (
            # Lists are searched by the beginning of a name, in whatever case, and sorted by name.
            models.Index(Collate(Upper("name"), "C"), name="task_name_prefix"),
            # Recycled ones, too, in the order of their keys.
            models.Index(fields=["project", "id"], name="task_of_project"),
        )
        permissions = (
            ("execute_task", "Can execute task"),
            ("copy_task", "Can copy task"),
            ("disable_task", "Can disable task"),
            ("manage_task", "Can manage the permissions of task"),
        )

    def __str__(self) -> str:
        return self.name


class Secret(models.Model):
    """The one stored place of a secret: encrypted, and named by the reference that settings hold."""

    reference = models.CharField(max_length=40, primary_key=True)
    sealed = models.BinaryField()
    created_at = models.DateTimeField(default=timezone.now)

    class Meta:
        # History names secrets by their references, so that another value would be a change without one.
        triggers = APPEND_ONLY

    def __str__(self) -> str:
        return self.reference


class PreviewedPlan(models.Model):
    """What a preview saw of each target, so that drift can be named, target by target."""

    fingerprint = models.CharField(max_length=64, primary_key=True)
    marks = models.JSONField()
    created_at = models.DateTimeField(default=timezone.now, db_index=True)

    def __str__(self) -> str:
        return self.fingerprint


class StoredAnswer(models.Model):
    """The answer that a repeated `Idempotency-Key` of a token replays."""

    token_id = models.BigIntegerField()
    key = models.CharField(max_length=255)
    request_digest = models.CharField(max_length=64)
    status = models.PositiveSmallIntegerField()
    headers = models.JSONField(default=dict)
    content = models.TextField()
    created_at = models.DateTimeField(default=timezone.now, db_index=True)

    class Meta:
        constraints = (
            models.UniqueConstraint(fields=["token_id", "key"], name="answer_once_per_key"),
        )

    def __str__(self) -> str:
        return f"{self.key} of token {self.token_id}"


class Draft(models.Model):
    """A change on its way from the choice of its targets to its operation; its actor's alone.

    `change` is the change with its parameters and what was written in its form, encrypted, because these
    may hold secrets. `outcomes` has a letter for each target, in their order; `fingerprint` is that of
    all of them together, `fingerprint_of_part` that of those alone which change, where others stand in
    the way, and `projects` is in how many projects these are. `companions` are targets without which the
    others are not looked at. `drifted` are those for which the change was not applied, `operation` is the
    one by which it was. An import's is its file; `told`, encrypted as well, is what was told of its rows.
    """

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    actor = models.ForeignKey(USER_MODEL, on_delete=models.CASCADE, related_name="+")
    action = models.CharField(max_length=50)
    uids = ArrayField(models.CharField(max_length=32))
    change = models.TextField(blank=True)
    reverts = models.UUIDField(null=True)
    outcomes = models.TextField(blank=True)
    companions = ArrayField(models.CharField(max_length=32), default=list)
    projects = models.PositiveIntegerField(default=0)
    warnings = models.JSONField(default=list)
    fingerprint = models.CharField(max_length=64, blank=True)
    fingerprint_of_part = models.CharField(max_length=64, blank=True)
    drifted = ArrayField(models.CharField(max_length=32), null=True)
    told = models.TextField(blank=True)
    operation = models.UUIDField(null=True)
    created_at = models.DateTimeField(default=timezone.now)
    expires_at = models.DateTimeField(db_index=True)

    def __str__(self) -> str:
        return f"{self.action} of {len(self.uids)} task(s)"
