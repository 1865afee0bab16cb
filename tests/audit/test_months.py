"""Every month of history has a partition, guarded like its table, made ahead and without a long lock."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
from django.db import IntegrityError, OperationalError, connection, models, transaction
from django.utils import timezone

from audit import jobs
from audit.append_only import missing_guards
from audit.months import history_models, open_months
from tasks.models import Task
from tests.audit.sealed import execute, partitions_of, verified
from tests.conftest import Governed
from tests.held_threads import threads


HISTORY = Task.history.model
TABLE = HISTORY._meta.db_table
WIDTH = 10_000_000_000


def first_number(at: datetime) -> int:
    return (at.year * 12 + at.month - 1) * WIDTH


def this_month() -> datetime:
    return timezone.now().astimezone(UTC).replace(day=1)


@pytest.mark.parametrize("history", history_models())
def test_every_table_of_history_has_this_month_and_the_next(
    db: None, history: type[models.Model]
) -> None:
    table = history._meta.db_table
    months = [this_month(), this_month() + timedelta(days=31)]
    expected = {f"{table}_{month:%Y_%m}" for month in months} | {f"{table}_before"}
    assert set(partitions_of(table)) == expected


def test_rows_are_numbered_from_the_beginning_of_their_month(governed: Governed) -> None:
    governed.add_tasks(2)
    numbers = list(HISTORY.objects.order_by("history_id").values_list("history_id", flat=True))
    assert first_number(this_month()) <= numbers[0]
    assert numbers[1] == numbers[0] + 1
    (where,) = execute(f"SELECT DISTINCT tableoid::regclass::text FROM {TABLE}")  # noqa: S608
    assert where == (f"{TABLE}_{this_month():%Y_%m}",)


@pytest.fixture
def begun_late(governed: Governed) -> Iterator[Governed]:
    """A database whose rows still have the numbers of a time before there were months."""
    execute("SELECT setval(pg_get_serial_sequence(%s, 'history_id'), 5)", [TABLE])
    yield governed
    # What a sequence gives is not taken back with the transaction.
    open_months(at=timezone.now())


def test_a_month_is_begun_once_and_numbers_are_never_given_twice(governed: Governed) -> None:
    governed.add_tasks(1)
    jobs.begin_months(timestamp=0)
    open_months(at=timezone.now())
    governed.add_tasks(1)
    numbers = list(HISTORY.objects.order_by("history_id").values_list("history_id", flat=True))
    assert numbers[1] == numbers[0] + 1


def test_rows_stay_in_one_order_over_the_months(begun_late: Governed) -> None:
    (early,) = begun_late.add_tasks(1)
    assert HISTORY.objects.get().history_id == 6
    open_months(at=timezone.now())
    (late,) = begun_late.add_tasks(1)
    newest = HISTORY.objects.latest("history_id")
    assert (newest.uid, newest.history_id) == (late, first_number(this_month()))
    assert [row.uid for row in HISTORY.objects.order_by("history_id")] == [early, late]
    plan = execute(f"EXPLAIN SELECT * FROM {TABLE} WHERE id = 1 ORDER BY history_id DESC LIMIT 1")  # noqa: S608
    # From partition to partition, without sorting or merging them.
    assert "Merge" not in str(plan)
    assert verified().operations == 0


@pytest.mark.parametrize("harm", ["UPDATE {} SET name = ''", "DELETE FROM {}", "TRUNCATE {}"])
def test_a_month_is_append_only_by_itself(governed: Governed, harm: str) -> None:
    governed.add_tasks(1)
    execute("SET CONSTRAINTS ALL IMMEDIATE")
    with pytest.raises(IntegrityError, match="append-only"), transaction.atomic():
        execute(harm.format(f"{TABLE}_{this_month():%Y_%m}"))


def test_the_check_names_a_month_that_is_not_guarded(db: None) -> None:
    part = f"{TABLE}_{this_month():%Y_%m}"
    execute(f"ALTER TABLE {part} DISABLE TRIGGER USER")
    assert {guard.table for guard in missing_guards(connection)} == {part}
    assert len(missing_guards(connection)) == 2


@pytest.mark.parametrize("moment", ["1999-01-01", "2999-01-01"])
def test_no_month_is_made_that_nobody_needs(db: None, moment: str) -> None:
    with pytest.raises(Exception, match="no month of"), transaction.atomic():
        execute("SELECT audit_open_month(%s::regclass, %s::timestamptz)", [TABLE, moment])


def test_a_month_that_is_made_waits_a_second_for_whoever_writes_and_nobody_for_long(
    committed: Governed,
) -> None:
    part = f"{TABLE}_2001_01"
    with threads() as start, transaction.atomic():
        committed.add_tasks(1)

        def make() -> None:
            open_months(at=datetime(2001, 1, 9, tzinfo=UTC))

        with pytest.raises(OperationalError, match="lock timeout"):
            start(make).result()
    assert part not in partitions_of(TABLE)
