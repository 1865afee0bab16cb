"""Operations: the recorded facts that changes were applied; and the seals that prove them unaltered.

Owns who, when, through what, with which request and to how many. What changed, row by row, is in the
history tables of the tracked models, each row naming its operation (`audit.history`). What the seals
say is described in `docs/reference/seal-format.md`.
"""

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.contrib.postgres.indexes import GinIndex
from django.contrib.postgres.search import SearchVector
from django.db import models
from django.utils.translation import gettext_lazy as _
from uuid_utils.compat import uuid7

from audit.append_only import APPEND_ONLY, FORWARD_ONLY, KEEPS_TIME, WAITS_FOR_SEAL
from audit.titles import told_title


class Channel(models.TextChoices):
    """Where a change came in."""

    ADMIN = "admin", _("admin")
    API = "api", _("API")
    COMMAND = "command", _("command line")
    IMPORT = "import", _("import")
    WORKER = "worker", _("worker")
    DATABASE = "database", _("outside the application")


class State(models.TextChoices):
    """How far an operation has come; all but the first two are final."""

    QUEUED = "queued", _("queued")
    RUNNING = "running", _("running")
    APPLIED = "applied", _("applied")
    REFUSED = "refused", _("refused")
    FAILED = "failed", _("failed")
    CANCELLED = "cancelled", _("cancelled")


UNFINISHED = (State.QUEUED, State.RUNNING)


class Stage(models.TextChoices):
    """What a running operation is busy with."""

    READING = "reading", _("reading")
    JUDGING = "judging", _("judging")
    WRITING = "writing", _("writing")


class Operation(models.Model):
    """One change that was applied, waits for the worker, was refused, or was cancelled.

    `parameters` never holds a secret: secrets are replaced by references when a change is bound to its
    targets. `requested` holds the uids of the targets only while a worker still needs them.
    """

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    kind = models.CharField(max_length=50)
    state = models.CharField(max_length=10, choices=State.choices, default=State.APPLIED)
    # The name outlives the account; no constraint, so that history can outlive it too.
    actor = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.DO_NOTHING,
        db_constraint=False,
        null=True,
        related_name="operations",
    )
    actor_name = models.CharField(max_length=150)
    channel = models.CharField(max_length=10, choices=Channel.choices)
    token_id = models.BigIntegerField(null=True)
    token_name = models.CharField(max_length=100, blank=True)
    request_id = models.CharField(max_length=128, blank=True)
    address = models.GenericIPAddressField(null=True)
    user_agent = models.CharField(max_length=300, blank=True)
    parameters = models.JSONField(default=dict)
    reason = models.TextField(blank=True)
    fingerprint = models.CharField(max_length=64, blank=True)
    targets = models.PositiveIntegerField(default=0)
    changed = models.PositiveIntegerField(default=0)
    unchanged = models.PositiveIntegerField(default=0)
    refused = models.PositiveIntegerField(default=0, db_default=0)
    requested = ArrayField(models.CharField(max_length=32), null=True)
    refusals = models.JSONField(default=list)
    # What it is found by besides its own columns (`audit.trail.facets`).
    facets = ArrayField(models.TextField(), default=list, db_default=[])
    reverts = models.ForeignKey(
        "self", on_delete=models.PROTECT, null=True, related_name="reverted_by"
    )
    cancelled_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.DO_NOTHING,
        db_constraint=False,
        db_index=False,
        null=True,
        related_name="+",
    )
    cancelled_by_name = models.CharField(max_length=150, blank=True, default="", db_default="")
    created_at = models.DateTimeField()
    started_at = models.DateTimeField(null=True)
    finished_at = models.DateTimeField(null=True)

    class Meta:
        indexes = (
            models.Index(fields=["actor", "-created_at"], name="operation_actor"),
            models.Index(fields=["-created_at"], name="operation_created"),
            models.Index(fields=["request_id"], name="operation_request"),
            # Few at any time, and asked for by every page that says what is going on. By the time, because
            # a plan that is kept for all states cannot know that the index has those that are asked for.
            models.Index(
                fields=["created_at"],
                name="operation_unfinished",
                condition=models.Q(finished_at__isnull=True),
            ),
            *(
                models.Index(fields=[name, "-created_at"], name=f"operation_{name}")
                for name in ("actor_name", "kind", "channel", "state", "address")
            ),
            GinIndex(fields=["facets"], name="operation_facets"),
            GinIndex(
                SearchVector("reason", "actor_name", "token_name", config="simple"),
                name="operation_words",
            ),
        )
        constraints = (
            models.CheckConstraint(
                condition=models.Q(actor__isnull=False)
                | models.Q(channel=Channel.DATABASE)
                | models.Q(state=State.REFUSED),
                name="operation_has_actor",
            ),
            models.CheckConstraint(
                condition=models.Q(state__in=UNFINISHED, finished_at__isnull=True)
                | (~models.Q(state__in=UNFINISHED) & models.Q(finished_at__isnull=False)),
                name="operation_finished_has_time",
            ),
        )
        triggers = (*FORWARD_ONLY, KEEPS_TIME, WAITS_FOR_SEAL)

    def __str__(self) -> str:
        return f"{self.title}, {self.created_at:%-d %B %Y %H:%M} UTC"

    @property
    def title(self) -> str:
        """What it is called."""
        return told_title(kind=self.kind, parameters=self.parameters)


class Progress(models.Model):
    """How far a running operation has come; written outside its transaction, so that others see it.

    `cancelled_at` and `cancelled_by` are the wish that it stop. They stand here because the operation's
    own row is locked while it runs.
    """

    operation = models.OneToOneField(Operation, on_delete=models.CASCADE, primary_key=True)
    stage = models.CharField(max_length=10, choices=Stage.choices, default=Stage.READING)
    done = models.PositiveIntegerField(default=0)
    total = models.PositiveIntegerField(default=0)
    updated_at = models.DateTimeField()
    cancelled_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.DO_NOTHING,
        db_constraint=False,
        db_index=False,
        null=True,
        related_name="+",
    )
    cancelled_at = models.DateTimeField(null=True)

    def __str__(self) -> str:
        return f"{self.done} of {self.total} ({self.operation_id})"


class Unsealed(models.Model):
    """A finished operation that waits for its seal; a trigger adds it, the sealer takes it away."""

    operation = models.OneToOneField(Operation, on_delete=models.PROTECT, related_name="+")

    class Meta:
        default_permissions = ()

    def __str__(self) -> str:
        return f"{self.operation_id} waits"


class Layout(models.Model):
    """Which columns of which tables a seal covers, by the digest of that list."""

    digest = models.CharField(max_length=64, primary_key=True)
    document = models.TextField()

    class Meta:
        default_permissions = ()
        triggers = APPEND_ONLY

    def __str__(self) -> str:
        return self.digest


class Seal(models.Model):
    """A signed document that names operations and their digests, and the seal before it."""

    number = models.PositiveBigIntegerField(primary_key=True)
    sealed_at = models.DateTimeField(db_index=True)
    document = models.TextField()
    signature = models.CharField(max_length=128)

    class Meta:
        triggers = APPEND_ONLY

    def __str__(self) -> str:
        return f"seal {self.number}"


class SealedOperation(models.Model):
    """Under which seal an operation is; the seal's document says the same, and is what counts."""

    operation = models.OneToOneField(
        Operation, on_delete=models.PROTECT, primary_key=True, related_name="sealed"
    )
    seal = models.ForeignKey(
        Seal, on_delete=models.PROTECT, related_name="operations_under", db_index=False
    )
    place = models.PositiveIntegerField()

    class Meta:
        default_permissions = ()
        constraints = (models.UniqueConstraint(fields=["seal", "place"], name="seal_place_once"),)
        triggers = APPEND_ONLY

    def __str__(self) -> str:
        return f"{self.operation_id} is number {self.place} under seal {self.seal_id}"


class SealedRows(models.Model):
    """The digests of an operation's rows in one table, in order, so that an altered row can be named.

    Every entry is the row's `history_id` (8 bytes; 0 for the operation itself) and its SHA-256.
    """

    pk = models.CompositePrimaryKey("operation", "table_name", "part")
    operation = models.ForeignKey(
        Operation, on_delete=models.PROTECT, related_name="+", db_index=False
    )
    table_name = models.CharField(max_length=63, db_collation="C")
    part = models.PositiveIntegerField()
    entries = models.BinaryField()

    class Meta:
        default_permissions = ()
        verbose_name_plural = "sealed rows"
        triggers = APPEND_ONLY

    def __str__(self) -> str:
        return f"part {self.part} of {self.table_name} in {self.operation_id}"


class RefusedAttempt(models.Model):
    """How often an actor was refused the same within an hour; the first time is the operation.

    The operation is frozen, so what is counted after it stands here. It is under no seal.
    """

    operation = models.OneToOneField(
        Operation, on_delete=models.PROTECT, primary_key=True, related_name="attempt"
    )
    actor_id = models.BigIntegerField()
    kind = models.CharField(max_length=50)
    key = models.CharField(max_length=64)
    hour = models.DateTimeField()
    times = models.PositiveIntegerField(default=1)
    last_at = models.DateTimeField()

    class Meta:
        default_permissions = ()
        constraints = (
            models.UniqueConstraint(
                fields=["actor_id", "hour", "key"], name="refused_attempt_once"
            ),
        )

    def __str__(self) -> str:
        return f"{self.times} × {self.operation_id}"
