"""The reader: which operations a filter leaves, newest first, and who reads which of them.

Operations are found by their own columns and by facets, all of them indexed, or by what was done to a
task. What they changed is `audit.trail.reading`, the list of them `audit.trail.listing`.

Auditors read everything. Everybody else reads what was done to the tasks that they may view, by
whomever, and their own operations.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import Any, LiteralString, NamedTuple
from uuid import UUID

from django.contrib.auth.models import User
from django.contrib.postgres.search import SearchQuery, SearchVector
from django.db.models import BooleanField, Q, QuerySet
from django.db.models.expressions import RawSQL
from psycopg import sql

from audit.models import Operation
from audit.trail.channels import came_through, done_by
from audit.trail.facets import wanted_facets
from audit.trail.queries import Row, operations_of_task, read_rows_of, touches_task
from audit.trail.subjects import subjects


COUNTS = ("targets", "changed", "unchanged", "refused")
# What is said of an operation along with each of its changes.
SUMMARY = (
    *("id", "kind", "state", "channel", "actor_id", "actor_name", "token_name", "request_id"),
    *("reason", "reverts_id", "created_at", "started_at", "finished_at", "address", "user_agent"),
    *COUNTS,
)
# So many operations are looked at in one go.
_MOST_AT_ONCE = 1000
# So many operations are sorted sooner than looked for among the newest.
_FEW = 2_000
_IS_ONE_OF = "audit_operation.id = ANY(%s)"
# Hashed, where an array is searched from its beginning for each operation.
_ONE_OF = "SELECT unnest(%s::uuid[])"
_WORD = re.compile(r"\w+")


@dataclass(frozen=True, kw_only=True)
class Filter:
    """What is looked for; what is empty leaves everything.

    `task_id` is a task's key, `settings_key` a JSON pointer, `text` the beginnings of words, `flag` a
    vendor's name. From `since` on, and before `until`.
    """

    actor: str = ""
    project: str = ""
    task_id: int | None = None
    role: int | None = None
    flag: str = ""
    settings_key: str = ""
    kind: str = ""
    channel: str = ""
    by: str = ""
    state: str = ""
    request_id: str = ""
    text: str = ""
    operation_id: UUID | None = None
    since: datetime | None = None
    until: datetime | None = None


class Place(NamedTuple):
    """A place in the list of operations: what follows it is older."""

    created_at: datetime
    operation_id: UUID


@dataclass(frozen=True, kw_only=True)
class Sight:
    """What others than auditors see: tasks, as a query of their keys.

    Each is in one of the `projects`, by their ids, or one of the few `elsewhere`, by key.
    """

    tasks: QuerySet[Any]
    projects: Sequence[str]
    elsewhere: Sequence[int]


@dataclass(frozen=True, kw_only=True)
class Reader:
    """Who reads, what they see (None is everything), and what they look for.

    Operations that are `chosen` already are looked at instead of all.
    A task that is looked for is one that they may view: everything that was done to it is told.
    """

    actor: User
    sight: Sight | None
    wanted: Filter
    chosen: QuerySet[Operation] | None = None

    def operations(self) -> QuerySet[Operation]:
        """Return the operations that are left, in no order."""
        found = self.wanted_operations()
        return found if self.sees_all else self.seen(self.near(found))

    def hide(self, operation: Operation) -> None:
        """Take from the operation what only auditors are told of others.

        That is from where they came, and the counts, which tell of tasks that the reader may not view.
        """
        if self.sight is not None and operation.actor_id != self.actor.pk:
            operation.address, operation.user_agent = None, ""
            for name in COUNTS:
                setattr(operation, name, None)

    def surely_sees(self, operation: Operation) -> bool:
        """Return whether the reader sees it without a look at what it did."""
        return operation.actor_id == self.actor.pk or operation.pk in self.elsewhere

    @property
    def must_look(self) -> bool:
        """Whether an operation may be found by what it did to what the reader may not see.

        Facets tell of an operation as a whole, and of a large one, most is none of a member's business.
        """
        wanted = self.wanted
        asked = wanted.role is not None or wanted.flag or wanted.settings_key or wanted.project
        return self.sight is not None and bool(asked)

    @cached_property
    def known_rows(self) -> Mapping[UUID, Sequence[Row]]:
        """What operations wrote of the task that is looked for, or else of few tasks elsewhere."""
        if self.wanted.task_id is None:
            return self.elsewhere
        return read_rows_of(subjects=subjects(), task_ids=[self.wanted.task_id])

    @property
    def sees_all(self) -> bool:
        """Whether nothing that is looked for is hidden from the reader."""
        return self.sight is None or self.wanted.task_id is not None

    def wanted_operations(self) -> QuerySet[Operation]:
        """Return the operations that are looked for, whoever may read them."""
        found = _filtered(
            Operation.objects.all() if self.chosen is None else self.chosen, self.wanted
        )
        if self.wanted.task_id is None:
            return found
        of_task = operations_of_task(subjects=subjects(), task_id=self.wanted.task_id)
        return found.filter(pk__in=RawSQL(of_task.as_string(), ()))  # noqa: S611

    def near(self, found: QuerySet[Operation]) -> QuerySet[Operation]:
        """Return of the operations the reader's own, and those that may have touched what they see."""
        assert self.sight is not None  # noqa: S101 - else everything is near
        if self.wanted.project in self.sight.projects:
            return found
        near = Q(actor=self.actor)
        if not self.wanted.project:
            near |= self.in_projects
        if self.elsewhere:
            near |= Q(pk__in=RawSQL(_ONE_OF, [list(self.elsewhere)]))  # noqa: S611
        return found.filter(near)

    @property
    def in_projects(self) -> Q:
        """The condition that an operation touched a project whose tasks the reader sees."""
        assert self.sight is not None  # noqa: S101 - else everything is seen
        return Q(facets__overlap=[f"project:{uid}" for uid in self.sight.projects])

    @cached_property
    def elsewhere(self) -> Mapping[UUID, Sequence[Row]]:
        """What operations wrote of the few tasks which the reader sees in projects of others."""
        assert self.sight is not None  # noqa: S101 - else everything is seen
        if not self.sight.elsewhere:
            return {}
        return read_rows_of(subjects=subjects(), task_ids=self.sight.elsewhere)

    def views(self, task: LiteralString) -> tuple[sql.Composed, Sequence[Any]]:
        """Return the condition that the reader views the task whose key is there, and its arguments.

        Each is asked for by itself: OFFSET keeps the database from finding out all that they view.
        """
        assert self.sight is not None  # noqa: S101 - else everything is seen
        viewed = self.sight.tasks.filter(pk=RawSQL(task, ()))  # noqa: S611  # a column of ours
        text, arguments = viewed.query.sql_with_params()
        return sql.SQL("EXISTS ({} OFFSET 0)").format(sql.SQL(text)), arguments

    def seen(self, found: QuerySet[Operation]) -> QuerySet[Operation]:
        """Return of the operations the reader's own, and those that touched a task of theirs."""
        assert self.sight is not None  # noqa: S101 - else everything is seen
        views, arguments = self.views("touched.task_id")
        touching = touches_task(subjects=subjects(), views=views)
        times = sum(bool(subject.task_column) for subject in subjects())
        is_seen = RawSQL(touching.as_string(), [*arguments] * times, BooleanField())  # noqa: S611
        return found.filter(Q(actor=self.actor) | Q(is_seen))


def read_window(*, reader: Reader, after: Place | None, limit: int) -> list[Operation]:
    """Return finished operations for what they changed to be told, newest first."""
    found = reader.wanted_operations().filter(finished_at__isnull=False)
    return read_newest(reader=reader, found=found, after=after, limit=limit)


def read_newest(
    *, reader: Reader, found: QuerySet[Operation], after: Place | None, limit: int
) -> list[Operation]:
    """Return a page of those of the operations that the reader sees, with what is told of them."""
    found = found.select_related(None).only(*SUMMARY)
    page = (
        list(_older(found, after)[:limit])
        if reader.sees_all
        else _read_seen(reader, found, after, limit)
    )
    for operation in page:
        reader.hide(operation)
    return page


def _read_seen(
    reader: Reader, found: QuerySet[Operation], after: Place | None, limit: int
) -> list[Operation]:
    """Return a page of those of the operations that touched what the reader sees, or are their own.

    Whether they see one takes longer than to find it: some are found at a time, and then looked at.
    """
    page: list[Operation] = []
    # More than a page, since not all of them are seen: once more takes as long as the first time.
    size = min(2 * limit, _MOST_AT_ONCE)
    while True:
        near = list(_older(reader.near(found), after)[:size])
        keys = [operation.pk for operation in near if not reader.surely_sees(operation)]
        hidden = set(keys).difference(_seen_of(reader, keys)) if keys else ()
        page += [operation for operation in near if operation.pk not in hidden]
        if len(page) >= limit or len(near) < size:
            return page[:limit]
        after = Place(near[-1].created_at, near[-1].pk)
        size = min(2 * size, _MOST_AT_ONCE)


def _seen_of(reader: Reader, keys: Sequence[UUID]) -> QuerySet[Operation, UUID]:
    """Return which of the operations the reader sees."""
    # One parameter, so that the text of the statement does not grow with them.
    asked = Operation.objects.filter(RawSQL(_IS_ONE_OF, [keys], BooleanField()))  # noqa: S611
    return reader.seen(asked).values_list("pk", flat=True)


def _older(found: QuerySet[Operation], after: Place | None) -> QuerySet[Operation]:
    found = found.order_by("-created_at", "-pk")
    if after is None:
        return found
    return found.filter(created_at__lte=after.created_at).exclude(
        pk__gte=after.operation_id, created_at=after.created_at
    )


def _filtered(found: QuerySet[Operation], wanted: Filter) -> QuerySet[Operation]:
    columns: dict[str, Any] = {
        "pk": wanted.operation_id,
        "actor_name": wanted.actor,
        "kind": wanted.kind,
        "state": wanted.state,
        "request_id": wanted.request_id,
        "created_at__gte": wanted.since,
        "created_at__lt": wanted.until,
    }
    facets = wanted_facets(
        project=wanted.project,
        role=wanted.role,
        flag=wanted.flag,
        settings_key=wanted.settings_key,
    )
    columns |= {"facets__contains": facets.all_of, "facets__overlap": facets.any_of}
    found = found.filter(**{name: value for name, value in columns.items() if value})
    for asked, condition in ((wanted.channel, came_through), (wanted.by, done_by)):
        if asked:
            found = found.filter(condition(asked))
    return with_words(found, wanted.text)


def with_words(found: QuerySet[Operation], text: str) -> QuerySet[Operation]:
    """Return those in whose reason or names words begin as those of the text do."""
    if not text.strip():
        return found
    words = _WORD.findall(text)
    if not words:
        # Signs alone begin no word. To leave everything would answer another question.
        return found.none()
    beginnings = " & ".join(f"'{word}':*" for word in words)
    keys = list(
        _saying(Operation.objects.order_by(), beginnings).values_list("pk", flat=True)[: _FEW + 1]
    )
    if len(keys) > _FEW:
        return _saying(found, beginnings)
    # Of few, the database would read the words of every operation that is newer than the last of them.
    return found.filter(RawSQL(_IS_ONE_OF, [keys], BooleanField()))  # noqa: S611  # no text of a visitor's


def _saying(found: QuerySet[Operation], beginnings: str) -> QuerySet[Operation]:
    looked_at = SearchVector("reason", "actor_name", "token_name", config="simple")
    query = SearchQuery(beginnings, search_type="raw", config="simple")
    return found.alias(words=looked_at).filter(words=query)
