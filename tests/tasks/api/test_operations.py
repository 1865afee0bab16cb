"""GET /api/v2/operations/{id}, and its revert."""

from typing import Any
from uuid import uuid4

import pytest
from django.utils import timezone

from audit.models import UNFINISHED, Operation, State
from audit.recorder import administrative_operation
from permissions.changes import SetPermissions
from permissions.models import Scope
from tasks import jobs
from tasks.api.scopes import scope_of_kind
from tasks.batch import pipeline
from tasks.batch.change import Change
from tasks.batch.pipeline import Batch
from tasks.changes import SetEnabled
from tasks.models import Task
from tests.conftest import ORIGIN, SETTINGS, Governed
from tests.tasks.api.caller import SETTINGS_TASKS, Answered, Caller, caller_of, update


RELEASE = {"repository": {"branch": "release"}}


def change_branch(caller: Caller, uids: list[str]) -> str:
    """Change the tasks; return the operation's address."""
    location = caller.post(SETTINGS_TASKS, update(uids))["Location"]
    assert isinstance(location, str)
    return location


def operation_of(answer: Answered) -> Operation:
    return Operation.objects.get(pk=answer["Location"].rpartition("/")[2])


def test_an_operation_tells_who_did_what_to_how_many(governed: Governed) -> None:
    caller = caller_of(governed.developer, name="nightly")
    uids = governed.add_tasks(2)
    location = caller.post(SETTINGS_TASKS, update(uids), X_Request_Id="release-42")["Location"]
    answer = caller.get(location)
    body = answer.json()
    times = [body.pop(name) for name in ("created_at", "started_at", "finished_at")]
    assert times == sorted(times)
    assert 0 < body.pop("duration") < 60
    assert answer["Cache-Control"] == "no-store"
    assert body == {
        "id": location.rpartition("/")[2],
        "kind": "update_settings",
        "state": "applied",
        "actor": "payments-developer",
        "channel": "api",
        "token": "nightly",
        "request_id": "release-42",
        "reason": "",
        "counts": {"targets": 2, "changed": 2, "unchanged": 0, "refused": 0},
        "progress": {"done": 2, "total": 2},
        "refusals": [],
        "attempts": 1,
        "reverts": None,
        "reverted_by": [],
        "cancelled_by": None,
        "address": "127.0.0.1",
        "user_agent": None,
    }


@pytest.mark.parametrize(
    ("reader", "scope", "status"),
    [
        ("developer", Scope.TASKS_READ, 200),
        ("admin", Scope.TASKS_READ, 200),
        ("manager", Scope.TASKS_READ, 404),
        ("manager", Scope.AUDIT_READ, 200),
        ("outsider", Scope.AUDIT_READ, 404),
    ],
)
def test_an_operation_is_there_for_its_actor_and_for_readers_of_the_trail(
    governed: Governed, reader: str, scope: Scope, status: int
) -> None:
    location = change_branch(caller_of(governed.developer), governed.add_tasks(1))
    answer = caller_of(getattr(governed, reader), scopes=[scope], name="reader").get(location)
    assert answer.status_code == status
    if status == 404:
        assert answer.json()["errors"][0]["code"] == "no_operation"


def test_of_others_operations_is_not_told_how_many_targets_there_were_nor_from_where(
    governed: Governed,
) -> None:
    location = change_branch(caller_of(governed.developer), governed.add_tasks(2))
    told = caller_of(governed.manager, name="reader").get(location).json()
    assert (told["actor"], told["state"]) == ("payments-developer", "applied")
    assert set(told["counts"].values()) == set(told["progress"].values()) == {None}
    assert (told["refusals"], told["address"]) == (None, None)


def test_reading_an_operation_takes_the_scope_to_read(governed: Governed) -> None:
    location = change_branch(caller_of(governed.developer), governed.add_tasks(1))
    reading = {Scope.TASKS_READ, Scope.AUDIT_READ}
    scopes = [scope for scope in Scope.values if scope not in reading]
    assert (
        caller_of(governed.developer, scopes=scopes, name="none").get(location).status_code == 403
    )
    for scope in reading:
        caller = caller_of(governed.developer, scopes=[*scopes, scope], name=scope)
        assert caller.get(location).status_code == 200


@pytest.mark.parametrize("name", ["none", "42", str(uuid4()), str(uuid4()).upper()])
def test_an_operation_that_does_not_exist_is_not_found(governed: Governed, name: str) -> None:
    caller = caller_of(governed.developer)
    for answer in (
        caller.get(f"/api/v2/operations/{name}"),
        caller.post(f"/api/v2/operations/{name}/revert", b""),
        caller.post(f"/api/v2/operations/{name}/cancel", b""),
    ):
        assert answer.status_code == 404
        assert answer.json()["status"] == "failed"


@pytest.mark.parametrize("body", [b"", {}, {"skip_conflicts": False}])
def test_an_undo_restores_and_names_what_it_undid(governed: Governed, body: object) -> None:
    uids = governed.add_tasks(2)
    caller = caller_of(governed.developer)
    location = change_branch(caller, uids)
    undone = caller.post(f"{location}/revert", body)
    assert undone.status_code == 200
    assert undone.json() == {
        "status": "success",
        "message": "The operation has been undone.",
        "log": [f"Task {uid}: changed /repository/branch" for uid in uids],
    }
    for task in Task.objects.filter(uid__in=uids):
        assert task.settings == SETTINGS
    assert caller.get(undone["Location"]).json()["reverts"] == location
    assert caller.get(location).json()["reverted_by"] == [undone["Location"]]


def test_an_undo_can_be_undone(governed: Governed) -> None:
    uids = governed.add_tasks(1)
    caller = caller_of(governed.developer)
    undone = caller.post(f"{change_branch(caller, uids)}/revert", b"")
    caller.post(f"{undone['Location']}/revert", b"")
    assert Task.objects.get(uid=uids[0]).settings["repository"]["branch"] == "main"


def test_an_undo_previews_binds_and_counts_once_like_any_batch(governed: Governed) -> None:
    uids = governed.add_tasks(1)
    caller = caller_of(governed.developer)
    revert = f"{change_branch(caller, uids)}/revert"
    shown = caller.post(f"{revert}?dry_run=true", b"")
    assert shown.json()["plan"]["counts"]["change"] == 1
    terms = {"If_Match": shown["ETag"], "Idempotency_Key": "k"}
    first, again = caller.post(revert, b"", **terms), caller.post(revert, b"", **terms)
    assert (first.status_code, again["Idempotency-Replayed"]) == (200, "true")
    assert Operation.objects.filter(kind="restore_settings").count() == 1


def test_an_undo_names_every_task_that_changed_since(governed: Governed) -> None:
    uids = governed.add_tasks(3)
    caller = caller_of(governed.developer)
    location = change_branch(caller, uids)
    caller.post(SETTINGS_TASKS, update(uids[1:], RELEASE))
    refused = caller.post(f"{location}/revert", b"")
    assert refused.status_code == 409
    errors = refused.json()["errors"]
    assert [(error["target"], error["code"]) for error in errors] == [
        (uid, "changed_since") for uid in uids[1:]
    ]
    assert Task.objects.get(uid=uids[0]).settings["repository"]["branch"] == "main"


def test_an_undo_can_leave_alone_what_changed_since(governed: Governed) -> None:
    uids = governed.add_tasks(2)
    caller = caller_of(governed.developer)
    location = change_branch(caller, uids)
    caller.post(SETTINGS_TASKS, update(uids[1:], RELEASE))
    undone = caller.post(f"{location}/revert", {"skip_conflicts": True})
    assert undone.status_code == 200
    assert operation_of(undone).changed == 1
    tasks = Task.objects.filter(uid__in=uids).order_by("pk")
    assert [task.settings["repository"]["branch"] for task in tasks] == ["develop", "release"]
    left_alone = "left alone, changed since the operation that is to be undone"
    assert undone.json()["log"][1] == f"Task {uids[1]}: {left_alone}"


def test_an_undo_can_take_back_what_changed_since(governed: Governed) -> None:
    uids = governed.add_tasks(2)
    caller = caller_of(governed.developer)
    location = change_branch(caller, uids)
    caller.post(SETTINGS_TASKS, update(uids[1:], RELEASE))
    undone = caller.post(f"{location}/revert", {"overwrite": True})
    assert (undone.status_code, operation_of(undone).changed) == (200, 2)
    assert {str(task.settings) for task in Task.objects.filter(uid__in=uids)} == {str(SETTINGS)}


@pytest.mark.parametrize(
    "body",
    [
        {"skip_conflicts": "true"},
        {"skip_conflicts": None},
        {"skip_conflict": True},
        {"overwrite": 1},
        {"overwrite": True, "skip_conflicts": True},
        b"[]",
    ],
)
def test_an_undo_with_a_malformed_body_is_refused(governed: Governed, body: object) -> None:
    caller = caller_of(governed.developer)
    location = change_branch(caller, governed.add_tasks(1))
    assert caller.post(f"{location}/revert", body).status_code == 400
    assert caller.get(location).json()["reverted_by"] == []


@pytest.mark.parametrize(
    ("change", "scope"),
    [
        (SetPermissions(flags={8: {"is_execute": True}}), Scope.PERMISSIONS_WRITE),
        (SetEnabled(enabled=False, reason="broken"), Scope.TASKS_WRITE),
    ],
)
def test_an_undo_takes_the_scope_of_what_it_undoes(
    governed: Governed, change: Change[Any], scope: Scope
) -> None:
    batch = Batch(change=change, uids=governed.add_tasks(1), origin=ORIGIN)
    applied = pipeline.apply(actor=governed.manager, batch=batch)
    path = f"/api/v2/operations/{applied.operation.pk}/revert"
    others = [value for value in Scope.values if value != scope]
    assert caller_of(governed.manager, scopes=others).post(path, b"").status_code == 403
    allowed = caller_of(governed.manager, scopes=[scope], name="allowed")
    assert allowed.post(path, b"").status_code == 200


def test_every_kind_of_change_takes_a_scope_of_those_that_there_are() -> None:
    kinds = Change._kinds  # noqa: SLF001 - no product code needs them all
    assert {scope_of_kind(kind) for kind in kinds} == {
        Scope.SETTINGS_WRITE,
        Scope.PERMISSIONS_WRITE,
        Scope.TASKS_WRITE,
    }


def test_what_is_no_batch_cannot_be_undone(governed: Governed) -> None:
    with administrative_operation(
        actor=governed.admin, kind="add_role", origin=ORIGIN
    ) as operation:
        pass
    answer = caller_of(governed.admin).post(f"/api/v2/operations/{operation.pk}/revert", b"")
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["code"] == "not_revertible"


def test_an_operation_that_changed_nothing_cannot_be_undone(governed: Governed) -> None:
    uids = governed.add_tasks(1)
    caller = caller_of(governed.developer)
    change_branch(caller, uids)
    answer = caller.post(f"{change_branch(caller, uids)}/revert", b"")
    assert (answer.status_code, answer.json()["errors"][0]["code"]) == (422, "not_revertible")


@pytest.mark.parametrize("state", [state for state in State if state != State.APPLIED])
def test_an_operation_that_was_not_applied_cannot_be_undone(
    governed: Governed, state: State
) -> None:
    caller = caller_of(governed.developer)
    body = update(governed.add_tasks(1))
    location = caller.post(SETTINGS_TASKS, body, Prefer="respond-async")["Location"]
    ended = None if state in UNFINISHED else timezone.now()
    Operation.objects.filter(kind="update_settings").update(state=state, finished_at=ended)
    answer = caller.post(f"{location}/revert", b"")
    assert (answer.status_code, answer.json()["errors"][0]["code"]) == (422, "not_revertible")


def test_somebody_elses_operation_cannot_be_undone(governed: Governed) -> None:
    location = change_branch(caller_of(governed.developer), governed.add_tasks(1))
    assert caller_of(governed.manager).post(f"{location}/revert", b"").status_code == 404


def test_an_undo_without_the_right_on_the_tasks_is_refused(governed: Governed) -> None:
    uids = governed.add_tasks(1)
    caller = caller_of(governed.developer)
    location = change_branch(caller, uids)
    lower = SetPermissions(flags={4: {"is_modify": False}})
    pipeline.apply(actor=governed.manager, batch=Batch(change=lower, uids=uids, origin=ORIGIN))
    answer = caller.post(f"{location}/revert", b"")
    assert answer.status_code == 403
    assert answer.json()["errors"][0]["target"] == uids[0]


def submitted(governed: Governed) -> str:
    """Let the developer's change wait for the worker; return the operation's address."""
    body = update(governed.add_tasks(2))
    answer = caller_of(governed.developer).post(SETTINGS_TASKS, body, Prefer="respond-async")
    location = answer["Location"]
    assert isinstance(location, str)
    return location


@pytest.mark.parametrize("who", ["developer", "admin"])
@pytest.mark.parametrize("body", [b"", {}])
def test_a_queued_operation_is_cancelled_and_says_by_whom(
    governed: Governed, who: str, body: object
) -> None:
    location = submitted(governed)
    caller = caller_of(getattr(governed, who), name="canceller")
    first, again = caller.post(f"{location}/cancel", body), caller.post(f"{location}/cancel", body)
    assert (first.status_code, again.status_code) == (200, 200)
    assert first.json() == again.json() == caller.get(location).json()
    assert (first.json()["state"], first.json()["cancelled_by"]) == ("cancelled", f"payments-{who}")
    assert first.json()["progress"] == {"done": 0, "total": 2}


def test_a_running_operation_will_be_cancelled(governed: Governed) -> None:
    location = submitted(governed)
    assert jobs._start(operation_id=location.rpartition("/")[2])  # noqa: SLF001 - as the worker does
    answer = caller_of(governed.developer, name="canceller").post(f"{location}/cancel", b"")
    assert (answer.status_code, answer.json()["state"]) == (202, "running")


@pytest.mark.parametrize("state", [State.APPLIED, State.REFUSED, State.FAILED])
def test_a_finished_operation_is_not_cancelled(governed: Governed, state: State) -> None:
    location = submitted(governed)
    Operation.objects.filter(kind="update_settings").update(state=state, finished_at=timezone.now())
    answer = caller_of(governed.developer, name="late").post(f"{location}/cancel", b"")
    assert (answer.status_code, answer.json()["errors"][0]["code"]) == (409, "too_late")


def test_what_never_waits_is_too_late_to_cancel(governed: Governed) -> None:
    operation = Operation.objects.get(kind="add_project")
    answer = caller_of(governed.admin).post(f"/api/v2/operations/{operation.pk}/cancel", b"")
    assert (answer.status_code, answer.json()["errors"][0]["code"]) == (409, "too_late")


def test_a_cancel_that_says_more_is_refused(governed: Governed) -> None:
    location = submitted(governed)
    caller = caller_of(governed.developer, name="canceller")
    assert caller.post(f"{location}/cancel?dry_run=true", b"").status_code == 400
    assert caller.post(f"{location}/cancel", {"force": True}).status_code == 400
    assert caller.get(location).json()["state"] == "queued"


def test_somebody_elses_operation_cannot_be_cancelled(governed: Governed) -> None:
    answer = caller_of(governed.manager).post(f"{submitted(governed)}/cancel", b"")
    assert (answer.status_code, answer.json()["errors"][0]["code"]) == (404, "no_operation")


def test_cancelling_takes_the_scope_of_the_change(governed: Governed) -> None:
    location = submitted(governed)
    others = [value for value in Scope.values if value != Scope.SETTINGS_WRITE]
    refused = caller_of(governed.developer, scopes=others, name="reader")
    assert refused.post(f"{location}/cancel", b"").status_code == 403
    allowed = caller_of(governed.developer, scopes=[Scope.SETTINGS_WRITE], name="allowed")
    assert allowed.post(f"{location}/cancel", b"").status_code == 200
