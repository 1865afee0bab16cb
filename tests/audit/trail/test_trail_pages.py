"""The trail page by page: all of it once, whatever a page holds and however it is read."""

import pytest

from audit.models import Operation
from audit.proof.seals import seal_all
from audit.recorder import new_operation
from audit.trail.listing import read_operations
from audit.trail.reading import Found, read_page, stream
from tasks.models import Task
from tests.audit.happened import Happened, events_of, reader, told
from tests.conftest import ORIGIN


@pytest.mark.parametrize("limit", [1, 2, 3, 7])
@pytest.mark.parametrize("by_task", [False, True])
def test_pages_together_are_all_changes_once(happened: Happened, limit: int, by_task: bool) -> None:
    wanted = {"task_id": Task.objects.get(uid=happened.uids[0]).pk} if by_task else {}
    reading = reader(happened.governed.admin, **wanted)
    expected = list(stream(reader=reading))
    paged: list[Found] = []
    after = None
    while True:
        page = read_page(reader=reading, after=after, limit=limit)
        assert len(page.found) <= limit
        paged += page.found
        after = page.following
        if after is None:
            break
    assert told(paged) == told(expected)
    assert len({found.place for found in paged}) == len(paged) > 3


def test_the_same_is_told_before_and_after_sealing_in_small_steps_and_in_large_ones(
    happened: Happened, monkeypatch: pytest.MonkeyPatch
) -> None:
    reading = reader(happened.governed.admin)
    expected = [event["id"] for event in events_of(list(stream(reader=reading)))]
    assert seal_all()
    for rows, window in ((1, 2), (3, 500), (4_000, 500)):
        monkeypatch.setattr("audit.trail.reading._ROWS", rows)
        monkeypatch.setattr("audit.trail.reading._WINDOW", window)
        assert [event["id"] for event in events_of(list(stream(reader=reading)))] == expected
    place = None
    paged: list[Found] = []
    while True:
        page = read_page(reader=reading, after=place, limit=2)
        paged, place = [*paged, *page.found], page.following
        if place is None:
            break
    assert [event["id"] for event in events_of(paged)] == expected


def test_a_page_on_which_little_fits_ends_early_and_says_where_to_go_on(
    happened: Happened, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("audit.trail.reading._MOST_ROWS", 1)
    reading = reader(happened.governed.admin, settings_key="/notifications/enabled")
    found: list[Found] = []
    page = read_page(reader=reading, after=None, limit=1)
    turns = 1
    while page.following:
        found += page.found
        page = read_page(reader=reading, after=page.following, limit=1)
        turns += 1
    assert len([*found, *page.found]) == 2
    assert turns > 2


def test_pages_of_operations_together_are_all_of_them_once(happened: Happened) -> None:
    # As many at one instant as make it matter what comes after the time.
    admin, at = happened.governed.admin, happened.settings.created_at
    for _ in range(5):
        operation = new_operation(actor=admin, kind="same", origin=ORIGIN, at=at)
        operation.finished_at = at
        operation.save(force_insert=True)
    reading = reader(admin)
    listed = list(Operation.objects.order_by("-created_at", "-pk"))
    page = read_operations(reader=reading, after=None, limit=2)
    paged = page.operations
    while page.following:
        page = read_operations(reader=reading, after=page.following, limit=2)
        paged += page.operations
    assert paged == listed
