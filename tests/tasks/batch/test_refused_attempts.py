"""What is refused is recorded: once for an hour of the same, in nobody's way, without any secret."""

import json
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection, transaction
from django.db.models import F

from audit import attempt_queries, refused_attempts
from audit.models import Operation, RefusedAttempt, State
from permissions import project_pipeline
from permissions.changes import SetProjectMatrix
from permissions.project_pipeline import MatrixRefused
from tasks.batch import pipeline
from tasks.batch.errors import PlanDrifted, PlanRefused
from tasks.batch.pipeline import Batch
from tasks.batch.revert import Undo, batch_to_undo
from tasks.changes import UpdateSettings
from tasks.models import Task, new_uid
from tests.conftest import ORIGIN, Governed
from tests.held_threads import threads, wait_until_blocked
from tests.tasks.api.caller import SETTINGS_TASKS, caller_of, update
from tests.tasks.batch.racing import MAIN, OFF, apply
from tests.threads import at_once


SECRET = "planted-7f3a91c2"


def refused(governed: Governed, uids: list[str], change: Any = MAIN) -> None:
    """Let the viewer, who may change nothing, try."""
    with pytest.raises(PlanRefused):
        apply(governed.viewer, change, uids)()


def refusals() -> list[tuple[str, int]]:
    """Return the kinds of the refused operations and how often each was tried, oldest first."""
    found = Operation.objects.filter(state=State.REFUSED).order_by("created_at", "pk")
    return list(found.values_list("kind", "attempt__times"))


@pytest.mark.parametrize("carry_out", [pipeline.apply, pipeline.submit])
def test_who_is_denied_is_recorded_with_every_target_and_reason(
    governed: Governed, carry_out: Callable[..., Any]
) -> None:
    uids = governed.add_tasks(2)
    batch = Batch(change=MAIN, uids=uids, origin=ORIGIN, reason="Because")
    with pytest.raises(PlanRefused):
        carry_out(actor=governed.viewer, batch=batch)
    operation = Operation.objects.get(kind="update_settings")
    assert (operation.state, operation.actor, operation.reason) == (
        State.REFUSED,
        governed.viewer,
        "Because",
    )
    assert (operation.targets, operation.refused, operation.changed) == (2, 2, 0)
    assert {(each["target"], each["code"]) for each in operation.refusals} == {
        (uid, "no_right") for uid in uids
    }
    assert not Task.history.filter(operation=operation).exists()


def test_a_stale_fingerprint_over_http_is_recorded_with_its_token_and_request(
    governed: Governed,
) -> None:
    uids = governed.add_tasks(1)
    caller = caller_of(governed.developer, name="nightly")
    seen = caller.post(f"{SETTINGS_TASKS}?dry_run=true", update(uids))["ETag"]
    apply(governed.admin, UpdateSettings(patch={"repository": {"branch": "other"}}), uids)()
    headers = {"If-Match": seen, "X-Request-Id": "req-7"}
    assert caller.post(SETTINGS_TASKS, update(uids), **headers).status_code == 412
    operation = Operation.objects.get(state=State.REFUSED)
    assert (operation.token_name, operation.request_id) == ("nightly", "req-7")
    assert operation.refusals[0]["code"] == "drifted"


def test_the_same_again_is_counted_and_something_else_is_not(governed: Governed) -> None:
    uids = governed.add_tasks(2)
    for _ in range(3):
        refused(governed, uids)
    refused(governed, [*reversed(uids)])
    refused(governed, uids[:1])
    refused(governed, uids, OFF)
    assert refusals() == [("update_settings", 4), ("update_settings", 1), ("set_enabled", 1)]


def test_another_hour_begins_anew(governed: Governed) -> None:
    uids = governed.add_tasks(1)
    refused(governed, uids)
    RefusedAttempt.objects.update(hour=F("hour") - timedelta(hours=1))
    refused(governed, uids)
    assert refusals() == [("update_settings", 1)] * 2


def test_who_tries_ever_new_ids_fills_no_trail(
    governed: Governed, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(refused_attempts, "MOST_DIFFERENT", 2)
    for _ in range(6):
        refused(governed, [new_uid()])
    assert refusals() == [("update_settings", 1), ("update_settings", 1), ("update_settings", 4)]


def test_a_large_refusal_keeps_its_first_reasons_and_counts_all(
    governed: Governed, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(refused_attempts, "KEPT_REFUSALS", 3)
    refused(governed, governed.add_tasks(5))
    operation = Operation.objects.get(state=State.REFUSED)
    assert (operation.refused, len(operation.refusals)) == (5, 3)


@pytest.mark.parametrize(
    "patch",
    [{"a" * 1_000_000: 1}, {f"{'a' * 50}{number}": 1 for number in range(20_000)}],
    ids=["long", "many"],
)
def test_nobody_fills_the_trail_with_what_they_ask_for_in_vain(
    governed: Governed, patch: dict[str, Any]
) -> None:
    uid = new_uid()
    for number in range(2):
        refused(governed, [uid], UpdateSettings(patch={**patch, "n": number}))
    for operation in Operation.objects.filter(state=State.REFUSED):
        assert len(json.dumps(operation.parameters)) < 2 * refused_attempts.KEPT_CHARACTERS
        assert operation.parameters["incomplete"] is True
        assert min(patch)[:1_000] in operation.parameters["settings"]
    assert refusals() == [("update_settings", 1)] * 2


@pytest.mark.parametrize(
    ("place", "uids"),
    [("token", "known"), ("tokn", "known"), ("token", "unknown"), ("url", "unknown")],
)
def test_no_value_of_a_refused_patch_is_kept(governed: Governed, place: str, uids: str) -> None:
    targets = governed.add_tasks(1) if uids == "known" else [new_uid()]
    refused(governed, targets, UpdateSettings(patch={"repository": {place: SECRET}}))
    operation = Operation.objects.get(state=State.REFUSED)
    assert operation.parameters == {"settings": {"repository": {place: "(not kept)"}}}
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT string_agg(o::text || a::text, '') FROM audit_operation AS o"
            " JOIN audit_refusedattempt AS a ON a.operation_id = o.id"
        )
        assert SECRET not in cursor.fetchone()[0]


def test_a_refused_undo_is_recorded_and_undoes_nothing(governed: Governed) -> None:
    uids = governed.add_tasks(1)
    applied = apply(governed.developer, MAIN, uids)().operation
    apply(governed.manager, UpdateSettings(patch={"repository": {"branch": "new"}}), uids)()
    undo = Undo(operation_id=applied.pk)
    with pytest.raises(PlanRefused):
        pipeline.apply(
            actor=governed.developer,
            batch=batch_to_undo(actor=governed.developer, undo=undo, origin=ORIGIN),
        )
    operation = Operation.objects.get(state=State.REFUSED)
    assert (operation.kind, operation.reverts_id) == ("restore_settings", applied.pk)
    answer = caller_of(governed.developer).get(f"/api/v2/operations/{applied.pk}").json()
    assert answer["reverted_by"] == []


def test_a_refused_change_of_a_projects_matrix_is_recorded(governed: Governed) -> None:
    change = SetProjectMatrix(project_uid=governed.project.uid, flags={8: {"is_delete": True}})
    for _ in range(2):
        with pytest.raises(MatrixRefused):
            project_pipeline.apply(actor=governed.viewer, change=change, origin=ORIGIN)
    assert refusals() == [("set_project_matrix", 2)]


def test_a_database_that_cannot_record_does_not_hide_the_refusal(
    governed: Governed, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(attempt_queries, "COUNT_ATTEMPT", "SELECT 1 / 0")
    refused(governed, governed.add_tasks(1))
    assert refusals() == []


def test_attempts_at_the_same_time_are_one_operation(committed: Governed) -> None:
    uids = committed.add_tasks(2)
    tries = [apply(committed.viewer, MAIN, uids)] * 5
    assert all(isinstance(each.exception(), PlanRefused) for each in at_once(*tries))
    assert refusals() == [("update_settings", 5)]


def test_recording_holds_nothing_that_a_batch_waits_for(committed: Governed) -> None:
    uids = committed.add_tasks(2)
    refused(committed, uids)
    with threads() as start, transaction.atomic():
        # Whoever tries again waits for the count, which the test holds; the tasks are free.
        RefusedAttempt.objects.select_for_update().get()
        again = start(apply(committed.viewer, MAIN, uids))
        wait_until_blocked()
        applied = start(apply(committed.developer, MAIN, uids)).result()
        assert applied.operation.changed == 2
        transaction.set_rollback(True)
    assert isinstance(again.exception(), PlanRefused)
    assert refusals() == [("update_settings", 2)]


def test_drift_in_the_pipeline_is_recorded_with_the_targets_that_drifted(
    governed: Governed,
) -> None:
    uids = governed.add_tasks(2)
    batch = Batch(change=MAIN, uids=uids, origin=ORIGIN)
    seen = pipeline.preview(actor=governed.developer, batch=batch).fingerprint
    apply(governed.admin, OFF, uids[1:])()
    with pytest.raises(PlanDrifted):
        apply(governed.developer, MAIN, uids, expected=seen)()
    operation = Operation.objects.get(state=State.REFUSED)
    assert [each["target"] for each in operation.refusals] == uids[1:]
    assert (operation.targets, operation.refused) == (2, 1)
