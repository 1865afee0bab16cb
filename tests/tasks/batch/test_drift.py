"""A fingerprint binds an apply to its preview: what it covers, and what happens when it is out of date."""

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from audit.models import Operation, State
from audit.recorder import administrative_operation
from permissions.changes import SetPermissions
from tasks.batch import pipeline
from tasks.batch.change import Change
from tasks.batch.errors import PlanDrifted
from tasks.batch.pipeline import Batch
from tasks.changes import SetEnabled, UpdateSettings
from tasks.models import PreviewedPlan, TaskType
from tests.conftest import ORIGIN, Governed


MAIN = UpdateSettings(patch={"repository": {"branch": "main"}})
OFF = SetEnabled(enabled=False, reason="frozen")
READERS = SetPermissions(flags={7: {"is_view": True}})


def fingerprint(governed: Governed, change: Change[Any], uids: list[str]) -> str:
    """Preview the change as the manager; return the plan's fingerprint."""
    batch = Batch(change=change, uids=uids, origin=ORIGIN)
    return pipeline.preview(actor=governed.manager, batch=batch).fingerprint


def run(governed: Governed, operation: Operation) -> Operation:
    """Do the worker's part."""
    return pipeline.run(
        operation=operation, actor=governed.manager, report=lambda _done, _total: None
    )


@pytest.mark.parametrize("change", [MAIN, OFF, READERS])
def test_the_same_state_has_the_same_fingerprint_for_whoever_may_do_the_same(
    governed: Governed, change: Change[Any]
) -> None:
    uids = governed.add_tasks(3)
    seen = fingerprint(governed, change, uids)
    assert fingerprint(governed, change, uids) == seen
    assert fingerprint(governed, change, uids[::-1]) == seen
    batch = Batch(change=change, uids=uids, origin=ORIGIN)
    assert pipeline.preview(actor=governed.admin, batch=batch).fingerprint == seen
    assert pipeline.preview(actor=governed.outsider, batch=batch).fingerprint != seen


@pytest.mark.parametrize("change", [MAIN, OFF, READERS])
def test_other_targets_parameters_or_versions_have_another_fingerprint(
    governed: Governed, change: Change[Any]
) -> None:
    uids = governed.add_tasks(3)
    others: list[Change[Any]] = [
        UpdateSettings(patch={"repository": {"branch": "other"}}),
        SetEnabled(enabled=False, reason="thawed"),
        SetEnabled(enabled=True, reason="frozen"),
        SetPermissions(flags={7: {"is_view": True}}, follow=False),
        SetPermissions(flags={7: {"is_view": True, "is_copy": False}}),
    ]
    seen = [fingerprint(governed, change, uids), fingerprint(governed, change, uids[:2])]
    seen += [fingerprint(governed, other, uids) for other in others]
    pipeline.apply(actor=governed.manager, batch=Batch(change=change, uids=uids[:1], origin=ORIGIN))
    seen.append(fingerprint(governed, change, uids))
    assert len(set(seen)) == len(seen)


def test_a_change_of_the_task_type_is_drift(governed: Governed) -> None:
    uids = governed.add_tasks(2)
    seen = fingerprint(governed, MAIN, uids)
    with administrative_operation(actor=governed.admin, kind="edit", origin=ORIGIN):
        governed.task_type.save()
    bound = Batch(change=MAIN, uids=uids, origin=ORIGIN, expected=seen)
    with pytest.raises(PlanDrifted) as drifted:
        pipeline.apply(actor=governed.manager, batch=bound)
    assert sorted(drifted.value.uids) == sorted(uids)


def test_two_saves_of_one_loaded_version_give_two_versions(governed: Governed) -> None:
    key = governed.task_type.pk
    one, other = TaskType.objects.get(pk=key), TaskType.objects.get(pk=key)
    with administrative_operation(actor=governed.admin, kind="edit", origin=ORIGIN):
        one.save()
        other.save(update_fields=["description"])
    assert (one.version, other.version) == (2, 3)
    assert TaskType.objects.get(pk=key).version == 3


def test_a_fingerprint_of_another_request_names_no_targets(governed: Governed) -> None:
    uids = governed.add_tasks(2)
    other = fingerprint(governed, OFF, uids[:1])
    with pytest.raises(PlanDrifted) as drifted:
        pipeline.apply(
            actor=governed.manager,
            batch=Batch(change=MAIN, uids=uids, origin=ORIGIN, expected=other),
        )
    assert drifted.value.uids == []
    assert "another request" in str(drifted.value)


def test_the_worker_refuses_what_has_drifted_since_it_was_accepted(governed: Governed) -> None:
    uids = governed.add_tasks(3)
    seen = fingerprint(governed, MAIN, uids)
    # The client's preview is forgotten; what was accepted is remembered nevertheless.
    PreviewedPlan.objects.all().delete()
    bound = Batch(change=MAIN, uids=uids, origin=ORIGIN, expected=seen)
    accepted = pipeline.submit(actor=governed.manager, batch=bound)
    pipeline.apply(actor=governed.admin, batch=Batch(change=OFF, uids=uids[:1], origin=ORIGIN))
    operation = run(governed, accepted.operation)
    assert operation.state == State.REFUSED
    assert [refusal["target"] for refusal in operation.refusals] == uids[:1]


def test_the_worker_refuses_what_it_cannot_compare_any_more(governed: Governed) -> None:
    uids = governed.add_tasks(1)
    bound = Batch(change=MAIN, uids=uids, origin=ORIGIN, expected=fingerprint(governed, MAIN, uids))
    accepted = pipeline.submit(actor=governed.manager, batch=bound)
    PreviewedPlan.objects.all().delete()
    operation = run(governed, accepted.operation)
    assert operation.state == State.REFUSED
    assert [refusal["code"] for refusal in operation.refusals] == ["drifted"]


def test_the_worker_applies_what_nobody_bound_as_it_is_then(governed: Governed) -> None:
    uids = governed.add_tasks(2)
    accepted = pipeline.submit(
        actor=governed.manager, batch=Batch(change=MAIN, uids=uids, origin=ORIGIN)
    )
    pipeline.apply(actor=governed.admin, batch=Batch(change=MAIN, uids=uids[:1], origin=ORIGIN))
    operation = run(governed, accepted.operation)
    assert (operation.state, operation.changed, operation.unchanged) == (State.APPLIED, 1, 1)


def test_a_repeated_run_changes_nothing_and_keeps_the_first_times(governed: Governed) -> None:
    uids = governed.add_tasks(1)
    accepted = pipeline.submit(
        actor=governed.manager, batch=Batch(change=MAIN, uids=uids, origin=ORIGIN)
    )
    began = timezone.now()
    Operation.objects.filter(pk=accepted.operation.pk).update(started_at=began)
    first = run(governed, accepted.operation)
    again = run(governed, accepted.operation)
    assert (again.started_at, again.finished_at) == (began, first.finished_at)
    assert Operation.objects.get(pk=first.pk).changed == 1


def test_previewing_again_keeps_the_preview_for_another_day(governed: Governed) -> None:
    uids = governed.add_tasks(1)
    seen = fingerprint(governed, MAIN, uids)
    PreviewedPlan.objects.update(created_at=timezone.now() - timedelta(hours=23))
    assert fingerprint(governed, MAIN, uids) == seen
    assert PreviewedPlan.objects.get().created_at > timezone.now() - timedelta(minutes=5)
