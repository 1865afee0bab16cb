"""What can be done with an operation on its page, by whom."""

from typing import Any
from uuid import UUID

import pytest

from audit.models import Operation, State
from tasks.batch import pipeline
from tasks.batch.pipeline import Batch
from tasks.changes import UpdateSettings
from tests.conftest import ORIGIN, Governed
from tests.visitors import page, persona, text_of, visit


MAIN = UpdateSettings(patch={"repository": {"branch": "main"}})


def submit(governed: Governed, uids: list[str]) -> Operation:
    """Accept a change of the developer's for the worker."""
    return pipeline.submit(
        actor=governed.developer, batch=Batch(change=MAIN, uids=uids, origin=ORIGIN)
    ).operation


def labels(client: Any, operation_id: UUID) -> list[str]:
    """Return what the buttons on the operation's page say."""
    response = client.get(page("audit_operation_change", operation_id))
    return [button.label for button in response.context["buttons"]]


def test_who_submitted_an_operation_cancels_it_with_a_button(governed: Governed) -> None:
    operation = submit(governed, governed.add_tasks(2))
    client = visit(governed.developer)
    assert labels(client, operation.pk) == ["Cancel"]
    answer = client.post(page("audit_operation_cancel", operation.pk), follow=True)
    assert "Cancelled: nothing was changed." in text_of(answer)
    assert "By payments-developer." in text_of(answer)
    operation.refresh_from_db()
    assert operation.state == State.CANCELLED
    assert labels(client, operation.pk) == []


def test_who_comes_too_late_is_told(governed: Governed) -> None:
    batch = Batch(change=MAIN, uids=governed.add_tasks(1), origin=ORIGIN)
    operation = pipeline.apply(actor=governed.developer, batch=batch).operation
    client = visit(governed.developer)
    answer = client.post(page("audit_operation_cancel", operation.pk), follow=True)
    assert "It is too late to cancel: the operation is applied already." in text_of(answer)


@pytest.mark.parametrize("name", ["manager", "outsider", "auditor"])
def test_nobody_cancels_what_is_somebody_elses(governed: Governed, name: str) -> None:
    operation = submit(governed, governed.add_tasks(1))
    client = visit(persona(name, governed=governed))
    if name == "auditor":
        assert labels(client, operation.pk) == []
    assert client.post(page("audit_operation_cancel", operation.pk)).status_code == 404
    operation.refresh_from_db()
    assert operation.state == State.QUEUED


def test_looking_at_the_address_cancels_nothing(governed: Governed) -> None:
    operation = submit(governed, governed.add_tasks(1))
    client = visit(governed.developer)
    assert client.get(page("audit_operation_cancel", operation.pk)).status_code == 302
    assert client.get("/admin/audit/operation/nonsense/cancel/").status_code == 404
    operation.refresh_from_db()
    assert operation.state == State.QUEUED


def test_what_stood_in_the_way_is_listed_by_reason_and_names_only_what_the_visitor_sees(
    governed: Governed,
) -> None:
    (uid,) = governed.add_tasks(1)
    operation = submit(governed, [uid])
    gone = {"target": "f" * 24, "code": "not_found", "detail": "there is no such task"}
    drifted = {"target": uid, "code": "drifted", "detail": "changed since the preview"}
    operation.state, operation.refused = State.REFUSED, 2
    operation.refusals, operation.finished_at = [gone, drifted], operation.created_at
    operation.save()
    address = page("audit_operation_change", operation.pk)
    for name, is_named in (("developer", True), ("auditor", False)):
        client = visit(persona(name, governed=governed))
        shown = text_of(client.get(address))
        assert ("f" * 24 in shown, uid in shown) == (True, True)
        assert (f"task {uid}</a>" in shown) is is_named
    shown = text_of(visit(governed.developer).get(address, {"refused": "drifted"}))
    assert "f" * 24 not in shown
    assert "Changed since the preview" in shown


def test_a_refused_operation_counts_what_stood_in_the_way(governed: Governed) -> None:
    operation = submit(governed, governed.add_tasks(2))
    # Whoever may only view is refused what they may not change.
    pipeline.run(operation=operation, actor=governed.viewer, report=lambda *_: None)
    operation.refresh_from_db()
    assert (operation.state, operation.refused, operation.targets) == (State.REFUSED, 2, 2)
