"""What can be done with an operation on its page, by whom."""

from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest

from audit.models import Operation, State
from audit.recorder import administrative_operation
from permissions.models import RoleMember
from tasks import jobs
from tasks.batch import pipeline
from tasks.batch.errors import PlanRefused
from tasks.batch.pipeline import Batch
from tasks.changes import RecycleTasks, UpdateSettings
from tasks.jobs import prune_kept
from tasks.models import Draft, Task
from tests.batches import apply as apply_change
from tests.conftest import ORIGIN, Governed
from tests.visitors import (
    choose,
    confirm,
    draft_at,
    look,
    page,
    persona,
    text_of,
    visit,
    write_down,
)


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
    assert client.get(page("audit_operation_cancel", operation.pk)).status_code == 405
    assert client.get("/admin/audit/operation/nonsense/cancel/").status_code == 404
    operation.refresh_from_db()
    assert operation.state == State.QUEUED


def test_what_stood_in_the_way_is_listed_by_reason_and_names_only_what_the_visitor_sees(
    governed: Governed,
) -> None:
    (uid, unseen) = governed.add_tasks(2)
    operation = submit(governed, [uid])
    gone = {"target": "f" * 24, "code": "not_found", "detail": "there is no such task"}
    drifted = {"target": uid, "code": "drifted", "detail": "changed since the preview"}
    operation.state, operation.refused = State.REFUSED, 3
    operation.refusals = [gone, {**gone, "target": unseen}, drifted]
    operation.finished_at = operation.created_at
    operation.save()
    address = page("audit_operation_change", operation.pk)
    for name, is_named in (("developer", True), ("auditor", True), ("developer", False)):
        client = visit(persona(name, governed=governed))
        if not is_named:
            with administrative_operation(actor=governed.admin, kind="dismiss", origin=ORIGIN):
                RoleMember.objects.filter(user=governed.developer).delete()
        shown = text_of(client.get(address))
        assert ("f" * 24 in shown, uid in shown) == (True, True)
        assert (f"task {uid}</a>" in shown) is is_named
        assert shown.count("so who asked was told") == int(is_named)
    shown = text_of(visit(governed.developer).get(address, {"refused": "drifted"}))
    assert "f" * 24 not in shown
    assert "Changed since the preview" in shown


def test_a_refused_operation_counts_what_stood_in_the_way(governed: Governed) -> None:
    operation = submit(governed, governed.add_tasks(2))
    # Whoever may only view is refused what they may not change.
    pipeline.run(operation=operation, actor=governed.viewer, report=lambda *_: None)
    operation.refresh_from_db()
    assert (operation.state, operation.refused, operation.targets) == (State.REFUSED, 2, 2)


def apply(governed: Governed, uids: list[str], branch: str = "main") -> Operation:
    """Change a branch as the developer."""
    change = UpdateSettings(patch={"repository": {"branch": branch}})
    batch = Batch(change=change, uids=uids, origin=ORIGIN)
    return pipeline.apply(actor=governed.developer, batch=batch).operation


def branches(uids: list[str]) -> list[str]:
    tasks = Task.objects.filter(uid__in=uids).order_by("pk")
    return [task.settings["repository"]["branch"] for task in tasks]


def begin_undo(client: Any, operation: Operation) -> Draft:
    """Press the button; return the draft to whose preview it leads."""
    return draft_at(client.post(page("audit_operation_undo", operation.pk)))


def test_an_operation_is_undone_through_its_own_preview(governed: Governed) -> None:
    uids = governed.add_tasks(2)
    operation = apply(governed, uids)
    client = visit(governed.developer)
    assert labels(client, operation.pk) == ["Undo"]
    draft = begin_undo(client, operation)
    assert branches(uids) == ["main", "main"]
    applied = confirm(client, draft)
    assert branches(uids) == ["develop", "develop"]
    undone = Operation.objects.get(reverts=operation)
    assert applied.headers["Location"] == page("audit_operation_change", undone.pk)
    assert "It has been undone" in text_of(client.get(page("audit_operation_change", operation.pk)))


@pytest.mark.parametrize(
    ("overwrite", "expected"), [(False, ["develop", "release"]), (True, ["develop", "develop"])]
)
def test_what_has_been_changed_since_is_shown_and_undone_only_when_it_is_said(
    governed: Governed, overwrite: bool, expected: list[str]
) -> None:
    uids = governed.add_tasks(2)
    operation = apply(governed, uids)
    apply(governed, uids[1:], branch="release")
    client = visit(governed.developer)
    draft = begin_undo(client, operation)
    assert "1 task has been changed since" in text_of(look(client, draft))
    address = page("tasks_task_draft_preview", draft.pk)
    if overwrite:
        client.post(address, {"overwrite": "yes"})
        assert "what came after is lost" in text_of(look(client, draft))
    confirm(client, draft, leave_others="on")
    assert branches(uids) == expected
    client.post(address, {"overwrite": "yes"})  # too late, and nothing comes of it
    assert branches(uids) == expected


def test_nobody_undoes_what_is_somebody_elses_or_changed_nothing(governed: Governed) -> None:
    operation = apply(governed, governed.add_tasks(1))
    assert (
        visit(governed.viewer).post(page("audit_operation_undo", operation.pk)).status_code == 404
    )
    client = visit(governed.developer)
    assert client.get(page("audit_operation_undo", operation.pk)).status_code == 405
    unchanged = apply(governed, list(Task.objects.values_list("uid", flat=True)))
    assert labels(client, unchanged.pk) == []
    answer = client.post(page("audit_operation_undo", unchanged.pk), follow=True)
    assert "The operation changed nothing" in text_of(answer)
    assert not Draft.objects.exists()


def test_those_that_were_left_out_stay_selected_for_whatever_comes_next(
    governed: Governed,
) -> None:
    uids = governed.add_tasks(2)
    operation = apply(governed, uids)
    apply(governed, uids[1:], branch="release")
    client = visit(governed.developer)
    confirm(client, begin_undo(client, operation), leave_others="on")
    undone = Operation.objects.get(reverts=operation)
    assert labels(client, undone.pk) == ["Undo", "Keep the 1 left out selected"]
    address = page("audit_operation_select", undone.pk)
    assert "1 task of the operation is selected" in text_of(client.get(address))
    draft = draft_at(client.post(address, {"action": "disable"}))
    assert (draft.action, draft.uids) == ("disable", uids[1:])
    assert visit(governed.viewer).get(address).status_code == 404


def test_those_that_stood_in_the_way_stay_selected_too(governed: Governed) -> None:
    uids = governed.add_tasks(2)
    with pytest.raises(PlanRefused):
        pipeline.apply(actor=governed.viewer, batch=Batch(change=MAIN, uids=uids, origin=ORIGIN))
    operation = Operation.objects.get(state=State.REFUSED)
    client = visit(governed.viewer)
    assert labels(client, operation.pk) == ["Keep the 2 left out selected"]
    address = page("audit_operation_select", operation.pk)
    assert draft_at(client.post(address, {"action": "export"})).uids == uids
    assert client.post(address, {"action": "disable"}).status_code == 200


def test_those_that_could_not_be_restored_stay_selected_in_the_recycle_bin(
    governed: Governed,
) -> None:
    free, taken, other = governed.add_tasks(3)
    apply_change(governed.developer, RecycleTasks(), [free, taken])
    Task.objects.filter(uid=other).update(name=f"task {taken}")
    client = visit(governed.developer)
    confirm(client, choose(client, "restore", [free, taken]), leave_others="on")
    operation = Operation.objects.get(kind="restore_tasks", state=State.APPLIED)
    address = page("audit_operation_select", operation.pk)
    offered = [action.name for action in client.get(address).context["actions"]]
    assert offered == ["restore"]
    assert draft_at(client.post(address, {"action": "restore"})).uids == [taken]


def left_to_worker(client: Any, uids: list[str], monkeypatch: pytest.MonkeyPatch) -> Operation:
    """Disable tasks, which are too many to be changed at once."""
    monkeypatch.setattr("tasks.admin.drafts.APPLIED_AT_ONCE", 1)
    draft = choose(client, "disable", uids)
    write_down(client, draft, {"reason": "x"})
    confirm(client, draft)
    return Operation.objects.get(state=State.QUEUED)


def test_what_was_cancelled_or_failed_in_the_worker_is_previewed_again_as_it_was_written_down(
    governed: Governed, monkeypatch: pytest.MonkeyPatch
) -> None:
    uids = governed.add_tasks(2)
    client = visit(governed.developer)
    operation = left_to_worker(client, uids, monkeypatch)
    assert labels(client, operation.pk) == ["Cancel"]
    client.post(page("audit_operation_cancel", operation.pk))
    assert labels(client, operation.pk) == ["Preview again"]
    address = page("audit_operation_again", operation.pk)
    with monkeypatch.context() as more_than_an_hour_later:
        more_than_an_hour_later.setattr("tasks.admin.drafts.VALID_FOR", timedelta(seconds=-1))
        prune_kept()
        assert draft_at(client.post(address)).uids == uids
    draft = draft_at(client.post(address))
    assert "2 tasks in 1 project would change" in text_of(look(client, draft))
    confirm(client, draft)
    again = Operation.objects.get(state=State.QUEUED)
    jobs.give_up(operation_id=str(again.pk))
    assert labels(client, again.pk) == ["Preview again"]
    assert not Task.objects.filter(enabled=False).exists()


def test_what_drifted_before_the_worker_came_to_it_is_shown_by_the_new_preview(
    governed: Governed, monkeypatch: pytest.MonkeyPatch
) -> None:
    uids = governed.add_tasks(2)
    client = visit(governed.developer)
    operation = left_to_worker(client, uids, monkeypatch)
    apply(governed, uids[1:])
    pipeline.run(operation=operation, actor=governed.developer, report=lambda *_: None)
    assert labels(client, operation.pk) == ["Preview again", "Keep the 1 left out selected"]
    draft = draft_at(client.post(page("audit_operation_again", operation.pk)))
    shown = look(client, draft, warning="0").context["shown"]
    assert [(each.title, each.size) for each in shown.warnings] == [
        ("changed since you confirmed it", 1)
    ]
    assert [row.uid for row in shown.rows] == uids[1:]
    assert shown.fingerprint == draft.fingerprint


def test_only_whose_draft_it_was_previews_it_again_and_not_for_ever(
    governed: Governed, monkeypatch: pytest.MonkeyPatch
) -> None:
    client = visit(governed.developer)
    operation = left_to_worker(client, governed.add_tasks(2), monkeypatch)
    client.post(page("audit_operation_cancel", operation.pk))
    address = page("audit_operation_again", operation.pk)
    assert client.get(address).status_code == 405
    assert visit(governed.manager).post(address).status_code == 404
    assert "too old" in text_of(visit(governed.admin).post(address, follow=True))
    Draft.objects.update(expires_at=operation.created_at)
    assert labels(client, operation.pk) == []
    assert "too old" in text_of(client.post(address, follow=True))
    assert Draft.objects.count() == 1
