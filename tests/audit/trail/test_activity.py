"""What is going on and what went on lately: counted by day, and only what the actor may read."""

from datetime import UTC, date, datetime, timedelta

import pytest
from django.contrib.auth.models import User

from audit.models import Channel, Operation, Progress, State
from audit.trail import activity
from audit.trail.activity import (
    DAYS,
    Day,
    operations_ended,
    read_activity,
    read_days,
    unfinished_operations,
)
from tests.conftest import Governed
from tests.visitors import auditor, page, visit


pytestmark = pytest.mark.usefixtures("any_time")

NOW = datetime(2026, 5, 20, 10, tzinfo=UTC)


def operation(
    actor: User,
    *,
    at: datetime,
    state: State = State.APPLIED,
    changed: int = 0,
    channel: Channel = Channel.ADMIN,
) -> Operation:
    """Add an operation as if it had been recorded at that time."""
    return Operation.objects.create(
        kind="update_settings",
        actor=actor,
        actor_name=actor.username,
        channel=channel,
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


def told(ago: list[timedelta], governed: Governed) -> list[tuple[str, str, int]]:
    """Return from when to when spells are, and how much was in each, of operations so long ago."""
    added = [operation(governed.manager, at=NOW - each).pk for each in ago]
    spells = read_activity(operations=Operation.objects.filter(pk__in=added)).spells
    return [(f"{each.begin:%d %b %H}", f"{each.last:%d %b %H}", each.people) for each in spells]


def test_activity_is_told_in_spells_as_short_as_can_be_looked_at(governed: Governed) -> None:
    now, day = timedelta(0), timedelta(days=1)
    for ago, first, last, number in (
        ([now, day / 12, day / 12], ("20 May 08", "20 May 08", 2), ("20 May 10",) * 2, 3),
        ([now, 9 * day], ("11 May 00", "11 May 23", 1), ("20 May 00", "20 May 23"), 10),
        ([now, 99 * day], ("09 Feb 00", "15 Feb 23", 1), ("18 May 00", "24 May 23"), 15),
        ([now, 999 * day], ("01 Aug 00", "31 Aug 23", 1), ("01 May 00", "31 May 23"), 34),
        ([now, 9999 * day], ("01 Jan 00", "31 Jan 23", 1), ("01 May 00", "31 May 23"), 2),
    ):
        spells = told(ago, governed)
        assert (spells[0], spells[-1][:2], len(spells)) == (first, last, number)
    assert told([], governed) == []


def test_activity_tells_people_from_programs_and_what_was_refused(
    governed: Governed, monkeypatch: pytest.MonkeyPatch
) -> None:
    for ago, channel, state in (
        (1, Channel.ADMIN, State.APPLIED),
        (1, Channel.API, State.APPLIED),
        (1, Channel.COMMAND, State.FAILED),
        (1, Channel.ADMIN, State.REFUSED),
        (2, Channel.API, State.REFUSED),
    ):
        at = NOW - timedelta(days=ago)
        operation(governed.manager, at=at, state=state, channel=channel)
    of_manager = Operation.objects.filter(actor=governed.manager, created_at__lt=NOW)
    activity_told = read_activity(operations=of_manager)
    counts = {(each.people, each.programs, each.refused) for each in activity_told.spells}
    assert counts == {(1, 2, 1), (0, 0, 0), (0, 0, 1)}
    assert not activity_told.is_cut
    monkeypatch.setattr(activity, "MOST_LISTED", 4)
    cut = read_activity(operations=of_manager)
    assert cut.is_cut
    assert [each.begin.day for each in cut.spells] == [19]


def test_an_auditors_list_draws_what_it_lists_and_each_bar_leads_to_its_own(
    governed: Governed,
) -> None:
    for ago in (timedelta(0), timedelta(hours=3), timedelta(hours=3)):
        operation(governed.manager, at=NOW - ago)
    address, asked = page("audit_operation_changelist"), {"actor": governed.manager.username}
    chart = visit(auditor()).get(address, asked).context["chart"]
    assert [bar.value for bar in chart.bars] == [2, 0, 0, 1]
    narrowed = visit(auditor()).get(address + chart.bars[0].url)
    assert [each.created_at.hour for each in narrowed.context["cl"].result_list] == [7, 7]
    assert narrowed.context["chart"] is None
    assert "chart" not in visit(governed.manager).get(address, asked).context
