"""What is going on and what went on lately: counted by day, and only what the actor may read."""

from datetime import UTC, date, datetime, timedelta

import pytest
from django.contrib.auth.models import User

from audit import activity
from audit.activity import DAYS, Day, operations_ended, read_days, unfinished_operations
from audit.models import Channel, Operation, Progress, State
from tests.conftest import Governed
from tests.visitors import auditor


pytestmark = pytest.mark.usefixtures("any_time")

NOW = datetime(2026, 5, 20, 10, tzinfo=UTC)


def operation(
    actor: User, *, at: datetime, state: State = State.APPLIED, changed: int = 0
) -> Operation:
    """Add an operation as if it had been recorded at that time."""
    return Operation.objects.create(
        kind="update_settings",
        actor=actor,
        actor_name=actor.username,
        channel=Channel.ADMIN,
        state=state,
        changed=changed,
        created_at=at,
        finished_at=None if state in {State.QUEUED, State.RUNNING} else at,
    )


def test_days_count_what_was_applied_and_the_tasks_that_it_changed(governed: Governed) -> None:
    for ago, changed in ((timedelta(0), 3), (timedelta(hours=9), 4), (timedelta(hours=11), 5)):
        operation(governed.manager, at=NOW - ago, changed=changed)
    operation(governed.manager, at=NOW, state=State.REFUSED)
    operation(governed.manager, at=NOW - timedelta(days=DAYS), changed=9)
    days = read_days(actor=governed.manager, at=NOW)
    assert len(days.days) == DAYS
    assert not days.is_cut
    assert days.days[-2:] == [Day(date(2026, 5, 19), 1, 5), Day(date(2026, 5, 20), 2, 7)]
    assert not any(day.operations for day in days.days[:-2])


def test_days_count_the_latest_operations_where_there_are_too_many(
    governed: Governed, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(activity, "MOST_COUNTED", 3)
    for ago in range(5):
        operation(governed.manager, at=NOW - timedelta(days=ago), changed=1)
    days = read_days(actor=governed.manager, at=NOW)
    assert days.is_cut
    assert [day.operations for day in days.days[-5:]] == [0, 0, 1, 1, 1]


def test_what_others_do_counts_for_auditors_alone(governed: Governed) -> None:
    operation(governed.manager, at=NOW, changed=1)
    operation(governed.manager, at=NOW, state=State.FAILED)
    operation(governed.manager, at=NOW, state=State.RUNNING)
    for actor, seen in ((governed.manager, 1), (governed.developer, 0), (auditor(), 1)):
        assert read_days(actor=actor, at=NOW).days[-1].operations == seen
        since = NOW - timedelta(days=1)
        assert operations_ended(actor=actor, state=State.FAILED, since=since).count() == seen
        assert unfinished_operations(actor=actor).count() == seen


def test_what_ended_before_is_not_told(governed: Governed) -> None:
    for ago in (1, 25):
        operation(governed.manager, at=NOW - timedelta(hours=ago), state=State.REFUSED)
    ended = operations_ended(
        actor=governed.manager, state=State.REFUSED, since=NOW - timedelta(days=1)
    )
    assert [each.created_at for each in ended] == [NOW - timedelta(hours=1)]


def test_what_runs_comes_with_its_progress(governed: Governed) -> None:
    running = operation(governed.manager, at=NOW, state=State.RUNNING)
    Progress.objects.create(operation=running, done=5, total=9, updated_at=NOW)
    operation(governed.manager, at=NOW - timedelta(days=30), state=State.QUEUED)
    found = list(unfinished_operations(actor=governed.manager))
    assert [each.state for each in found] == [State.RUNNING, State.QUEUED]
    assert found[0].progress.done == 5
