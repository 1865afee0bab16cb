"""How many tasks there are for an actor: exactly those of the lists, or an estimate that says so."""

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from permissions.changes import SetPermissions
from permissions.models import RoleMember
from tasks import extent
from tasks.batch import pipeline
from tasks.batch.pipeline import Batch
from tasks.changes import RecycleTasks
from tasks.extent import Share, read_extent
from tests.conftest import ORIGIN, Governed, build_governed
from tests.visitors import persona


def members_of_both(governed: Governed) -> Governed:
    """Add a second project, in which the manager and the viewer of the first view as well."""
    other = build_governed("ledger")
    role = other.role(8)
    RoleMember.objects.bulk_create(
        RoleMember(role=role, user=user) for user in (governed.manager, governed.viewer)
    )
    return other


def test_tasks_are_counted_by_type_and_by_project(governed: Governed) -> None:
    governed.add_tasks(2)
    other = members_of_both(governed)
    other.add_tasks(3)
    found = read_extent(actor=governed.viewer)
    ours = Share(governed.project.pk, "payments", 2)
    theirs = Share(other.project.pk, "ledger", 3)
    assert found.by_project == ([theirs, ours], 0)
    assert [share.tasks for share in found.by_type.largest] == [3, 2]
    assert [share.name for share in found.by_type.largest] == ["Git of ledger", "Git of payments"]
    assert (found.total, found.is_estimate) == (5, False)


@pytest.mark.parametrize(
    ("name", "sees"),
    [("superuser", 2), ("manager", 2), ("viewer", 1), ("outsider", 0), ("auditor", 0)],
)
@pytest.mark.parametrize("drawn", [1, 4_000])
def test_only_tasks_that_the_actor_may_view_are_counted(
    governed: Governed, name: str, sees: int, drawn: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(extent, "DRAWN", drawn)
    uids = governed.add_tasks(3)
    hidden = SetPermissions(flags={8: {"is_view": False}})
    for change, uid in ((hidden, uids[0]), (RecycleTasks(), uids[2])):
        batch = Batch(change=change, uids=[uid], origin=ORIGIN)
        pipeline.apply(actor=governed.admin, batch=batch)
    found = read_extent(actor=persona(name, governed=governed))
    assert (found.total, found.is_estimate) == (sees, False)


def test_an_estimate_is_called_one_and_is_the_same_when_asked_again(
    governed: Governed, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(extent, "DRAWN", 50)
    monkeypatch.setattr(extent, "MOST_COUNTED", 10)
    governed.add_tasks(190)
    other = members_of_both(governed)
    other.add_tasks(10)
    found = read_extent(actor=governed.viewer)
    assert found.is_estimate
    assert found.total == 200
    (large,) = found.by_project.largest
    assert large.name == "payments"
    # Too few of the other project were drawn to say how many there are.
    assert large.tasks + found.by_project.others == 200
    assert read_extent(actor=governed.viewer) == found
    assert read_extent(actor=governed.outsider).total == 0


def test_counting_ends_where_a_sample_was_wrong_about_how_few_there_are(
    governed: Governed, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(extent, "DRAWN", 1)
    monkeypatch.setattr(extent, "MOST_COUNTED", 4)
    # The one key that is drawn, 55th of 60, is of those that the developer does not see.
    governed.add_tasks(20)
    build_governed("ledger").add_tasks(40)
    found = read_extent(actor=governed.developer)
    assert (found.total, found.is_estimate) == (8, True)


def test_it_takes_as_many_queries_for_many_tasks_as_for_few(governed: Governed) -> None:
    counts = []
    for project in (governed, members_of_both(governed)):
        project.add_tasks(10)
        with CaptureQueriesContext(connection) as queries:
            read_extent(actor=governed.viewer)
        counts.append(len(queries))
    assert counts == [6, 6]
