"""What is going on and what went on lately, among the operations that an actor may read."""

from collections.abc import Sequence
from datetime import UTC, date, datetime, time, timedelta
from typing import NamedTuple

from django.contrib.auth.models import User
from django.db.models import Count, QuerySet, Subquery, Sum
from django.db.models.functions import Coalesce, TruncDate

from audit.models import Operation, State
from audit.visibility import visible_operations


DAYS = 14
# So many of the latest operations are counted: looking at the home page must not cost more, however
# many there are.
MOST_COUNTED = 50_000


class Day(NamedTuple):
    """A day (UTC): how many operations were applied on it, and how many tasks they changed."""

    date: date
    operations: int
    tasks: int


class Days(NamedTuple):
    """The latest days, oldest first; of the first ones nothing is known if there is too much to count."""

    days: Sequence[Day]
    is_cut: bool


def unfinished_operations(*, actor: User) -> QuerySet[Operation]:
    """Return the operations that wait or run, newest first, each with its progress."""
    going_on = visible_operations(actor=actor).filter(finished_at=None)
    return going_on.select_related("progress").order_by("-created_at")


def operations_ended(*, actor: User, state: State, since: datetime) -> QuerySet[Operation]:
    """Return the operations since then that ended in the state, newest first."""
    ended = visible_operations(actor=actor).filter(state=state, created_at__gte=since)
    return ended.order_by("-created_at")


def read_days(*, actor: User, at: datetime) -> Days:
    """Return what was applied on each of the latest days, the present one included, in one query."""
    today = at.astimezone(UTC).date()
    dates = [today - timedelta(days=ago) for ago in reversed(range(DAYS))]
    start = datetime.combine(dates[0], time.min, tzinfo=UTC)
    applied = visible_operations(actor=actor).filter(state=State.APPLIED, created_at__gte=start)
    newest_left_out = applied.order_by("-created_at").values("created_at")[
        MOST_COUNTED : MOST_COUNTED + 1
    ]
    counted = applied.filter(
        created_at__gt=Coalesce(Subquery(newest_left_out), start - timedelta(microseconds=1))
    )
    rows = (
        counted.order_by()
        .values(day=TruncDate("created_at", tzinfo=UTC))
        .annotate(operations=Count("pk"), tasks=Sum("changed"))
    )
    known = {row["day"]: Day(row["day"], row["operations"], row["tasks"]) for row in rows}
    days = [known.get(each, Day(each, 0, 0)) for each in dates]
    return Days(days, is_cut=sum(day.operations for day in days) >= MOST_COUNTED)
