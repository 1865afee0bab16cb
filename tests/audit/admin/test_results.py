"""What has become of an operation, in words: for whoever waits for it, with and without JavaScript."""

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from audit.admin.result import result_of
from audit.models import Channel, Operation, Progress, RefusedAttempt, Stage, State
from audit.recorder import new_operation
from tests.conftest import ORIGIN, Governed
from tests.visitors import auditor, page, text_of, visit


NOW = timezone.now()


def waiting(governed: Governed, state: State = State.RUNNING, **values: Any) -> Operation:
    """Return an operation of the developer's on 5,000 tasks, accepted ten seconds ago."""
    operation = new_operation(
        actor=governed.developer,
        kind="update_settings",
        origin=ORIGIN,
        at=NOW - timedelta(seconds=10),
    )
    started = NOW - timedelta(seconds=4) if state == State.RUNNING else None
    for name, value in {"state": state, "targets": 5000, "started_at": started, **values}.items():
        setattr(operation, name, value)
    operation.save(force_insert=True)
    return operation


def at(operation: Operation, stage: Stage, done: int = 0, **values: Any) -> Any:
    """Let the worker have come so far a second ago; return what is told of it."""
    updated = {"updated_at": NOW - timedelta(seconds=1), **values}
    Progress.objects.create(operation=operation, stage=stage, done=done, total=5000, **updated)
    return result_of(operation=operation, at=NOW)


def test_a_queued_operation_waits(governed: Governed) -> None:
    result = result_of(operation=waiting(governed, State.QUEUED), at=NOW)
    assert (result.headline, result.progress) == ("Waiting for the worker.", None)
    assert "5,000 tasks, accepted 10 seconds ago." in result.notes[0]


def test_a_running_operation_tells_how_far_how_fast_and_how_long(governed: Governed) -> None:
    progress = at(waiting(governed), Stage.JUDGING, 3000).progress
    assert (progress.done, progress.total) == (3000, 5000)
    assert progress.words.startswith(
        "Judged 3,000 of 5,000 tasks, 1,000 a second, about 2 seconds left"
    )


@pytest.mark.parametrize("stage", [Stage.READING, Stage.WRITING])
def test_no_end_is_promised_while_nobody_knows_it(governed: Governed, stage: Stage) -> None:
    assert at(waiting(governed), stage).progress.done is None


def test_silence_is_told(governed: Governed) -> None:
    silent = at(waiting(governed), Stage.READING, updated_at=NOW - timedelta(minutes=3))
    assert "Nothing new for 3 minutes" in silent.notes[0]


def test_the_wish_to_cancel_is_told(governed: Governed) -> None:
    wished = at(waiting(governed), Stage.WRITING, cancelled_at=NOW)
    assert "being cancelled" in wished.notes[0]


@pytest.mark.parametrize(
    ("targets", "changed", "headline"),
    [
        (0, 0, "Applied."),
        (1, 1, "The task was changed."),
        (1200, 1200, "All 1,200 tasks were changed."),
        (1200, 1, "1 of 1,200 tasks were changed; the others were so already."),
        (2, 0, "Nothing had to be changed: all 2 tasks were so already."),
    ],
)
def test_what_was_applied_is_told_in_numbers(
    governed: Governed, targets: int, changed: int, headline: str
) -> None:
    operation = waiting(governed, State.APPLIED, targets=targets, changed=changed, finished_at=NOW)
    assert result_of(operation=operation, at=NOW).headline == headline


def test_what_was_done_to_tasks_is_told_by_its_name(governed: Governed) -> None:
    done = {"targets": 3, "changed": 3, "finished_at": NOW}
    for kind, headline in (
        ("copy_tasks", "All 3 tasks were copied."),
        ("import_tasks", "All 3 tasks were added."),
        ("recycle_tasks", "All 3 tasks were moved to the recycle bin."),
    ):
        told = result_of(operation=waiting(governed, State.APPLIED, kind=kind, **done), at=NOW)
        assert told.headline == headline
        assert told.counts[0] == ("asked for", 3)


def test_a_page_of_what_is_not_finished_comes_again_by_itself(governed: Governed) -> None:
    client = visit(governed.developer)
    for state, comes_again in ((State.QUEUED, True), (State.FAILED, False)):
        finished = None if comes_again else NOW
        operation = waiting(governed, state, finished_at=finished)
        shown = text_of(client.get(page("audit_operation_change", operation.pk)))
        assert ('<noscript><meta http-equiv="refresh"' in shown) is comes_again
        assert ("bulkhead/progress.js" in shown) is comes_again
        answer = client.get(page("audit_operation_progress", operation.pk))
        assert answer.headers["X-Finished"] == str(not comes_again).lower()


def test_progress_is_told_to_nobody_who_may_not_see_the_operation(governed: Governed) -> None:
    address = page("audit_operation_progress", waiting(governed).pk)
    assert visit(auditor()).get(address).status_code == 200
    assert visit(governed.viewer).get(address).status_code == 404


def test_what_is_going_on_stands_above_the_list(governed: Governed) -> None:
    at(waiting(governed, channel=Channel.API), Stage.JUDGING, 3000)
    client = visit(governed.developer)
    shown = text_of(client.get(page("audit_operation_changelist"), {"state__exact": "failed"}))
    assert "Going on" in shown
    assert 'value="3000"' in shown
    assert "Going on" not in text_of(visit(governed.viewer).get(page("audit_operation_changelist")))


def test_an_attempt_without_offenders_is_refused_as_a_whole(governed: Governed) -> None:
    waiting(governed, State.REFUSED, targets=3, refused=0, finished_at=NOW)
    listed = text_of(visit(governed.developer).get(page("audit_operation_changelist")))
    assert "all 3 refused" in listed


def test_a_refused_attempt_says_how_often_it_was_tried(governed: Governed) -> None:
    operation = waiting(governed, State.REFUSED, targets=3, refused=2, finished_at=NOW)
    RefusedAttempt.objects.create(
        operation=operation, actor_id=1, key="k", hour=NOW, times=17, last_at=NOW
    )
    told = result_of(operation=operation, at=NOW)
    assert told.headline == "Refused: nothing was changed."
    assert told.notes[0] == "2 of 3 tasks stood in the way; the reasons are below."
    assert "was tried 17 times within the hour" in told.notes[1]
    listed = text_of(visit(governed.developer).get(page("audit_operation_changelist")))
    assert "2 of 3 refused, 17 times" in listed
