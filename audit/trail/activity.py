"""What is going on and what went on lately, among the operations that an actor may read."""

from collections import defaultdict
from collections.abc import Callable, Sequence
from datetime import UTC, date, datetime, time, timedelta
from typing import Any, NamedTuple

from django.contrib.auth.models import User
from django.core.exceptions import EmptyResultSet
from django.db import connection
from django.db.models import BooleanField, Count, ExpressionWrapper, QuerySet, Subquery, Sum
from django.db.models.functions import Coalesce, TruncDate
from psycopg import sql

from audit.models import Operation, State
from audit.trail.channels import By, done_by
from audit.trail.queries import COUNT_BY_HOUR
from audit.visibility import visible_operations


DAYS = 14
# So many of the latest operations are counted: looking at the home page must not cost more, however
# many there are.
MOST_COUNTED = 50_000
# So many of the latest listed ones tell enough of when, and cost no more than the list itself.
MOST_LISTED = 2_000
# So many bars can be told apart.
_MOST_BARS = 36


class Day(NamedTuple):
    """A day (UTC): how many operations were applied on it, and how many tasks they changed."""

    date: date
    operations: int
    tasks: int


class Spell(NamedTuple):
    """An hour, a day, a week or a month (UTC): its first and last hour, and what was asked for in it."""

    begin: datetime
    last: datetime
    people: int
    programs: int
    refused: int


class Activity(NamedTuple):
    """When operations were asked for, oldest first; of older ones nothing is known if it is cut."""

    spells: Sequence[Spell]
    is_cut: bool


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


def read_activity(*, operations: QuerySet[Operation]) -> Activity:
    """Return when the operations were asked for, the newest of them, in one query.

    By whom, too, unless they were refused. Hour by hour or, where that is too much to look at, in as
    short spells as can be looked at.
    """
    newest = (
        operations.select_related(None)
        .order_by("-created_at")
        .values_list("created_at", "state")
        .annotate(by_people=ExpressionWrapper(done_by(By.PEOPLE), BooleanField()))
    )
    counted = _count_by_hour(newest[:MOST_LISTED])
    is_cut = sum(map(sum, counted.values())) >= MOST_LISTED
    return Activity(_spells(counted), is_cut)


_Counts = dict[datetime, tuple[int, int, int]]


def _count_by_hour(newest: QuerySet[Operation, Any]) -> _Counts:
    try:
        # Once, whatever they are found by: what a list is found by may take longer than to count it.
        listed, arguments = newest.query.sql_with_params()
    except EmptyResultSet:
        return {}
    with connection.cursor() as cursor:
        cursor.execute(COUNT_BY_HOUR.format(listed=sql.SQL(listed)), [*arguments])
        return {hour: (people, programs, refused) for hour, people, programs, refused in cursor}


def _spells(counted: _Counts) -> list[Spell]:
    if not counted:
        return []
    first, last = min(counted), max(counted)
    for begin_of, following in _UNITS:
        begins = [begin_of(first)]
        while (following_begin := following(begins[-1])) <= last and len(begins) <= _MOST_BARS:
            begins.append(following_begin)
        if len(begins) <= _MOST_BARS:
            break
    sums: dict[datetime, list[int]] = defaultdict(lambda: [0, 0, 0])
    for hour, counts in counted.items():
        kept = sums[begin_of(hour)]
        kept[:] = [sum(pair) for pair in zip(kept, counts, strict=True)]
    # Of more months than can be looked at, the latest.
    begins = begins if len(begins) <= _MOST_BARS else sorted(sums)[-_MOST_BARS:]
    an_hour = timedelta(hours=1)
    return [Spell(begin, following(begin) - an_hour, *sums[begin]) for begin in begins]


def _day(at: datetime) -> datetime:
    return at.replace(hour=0)


def _week(at: datetime) -> datetime:
    return _day(at) - timedelta(days=at.weekday())


def _month(at: datetime) -> datetime:
    return _day(at).replace(day=1)


# Units of time: when the one begins that a moment is in, and when the one after it.
_UNITS: Sequence[tuple[Callable[[datetime], datetime], Callable[[datetime], datetime]]] = (
    (lambda at: at, lambda at: at + timedelta(hours=1)),
    (_day, lambda at: at + timedelta(days=1)),
    (_week, lambda at: at + timedelta(days=7)),
    (_month, lambda at: _month(at + timedelta(days=31))),
)
