"""Operations in the admin: who reads which, what their pages say, and that nobody writes."""

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from audit.admin.changed import tracked_models
from audit.admin.described import description_of
from audit.context import Origin
from audit.models import Channel, Operation, State
from audit.recorder import administrative_operation, new_operation
from permissions.models import RoleMember
from tasks.batch import pipeline
from tasks.batch.pipeline import Batch
from tasks.changes import RecycleTasks, RestoreSettings, UpdateSettings
from tasks.models import Task
from tests.conftest import ORIGIN, Governed
from tests.visitors import auditor, page, persona, text_of, visit


def apply(governed: Governed, uids: list[str], **settings: Any) -> Operation:
    """Change settings as the developer."""
    change = UpdateSettings(patch={"repository": settings})
    batch = Batch(change=change, uids=uids, origin=ORIGIN, reason="Because of the audit")
    return pipeline.apply(actor=governed.developer, batch=batch).operation


def ended(governed: Governed, state: State, **values: Any) -> Operation:
    """Return an operation of the developer's that came through the API and ended like this."""
    now = timezone.now()
    origin = Origin(channel=Channel.API, request_id="req-7")
    operation = new_operation(
        actor=governed.developer, kind="update_settings", origin=origin, at=now
    )
    for name, value in {"state": state, "finished_at": now, **values}.items():
        setattr(operation, name, value)
    operation.save(force_insert=True)
    return operation


def listed(client: Any, **query: str) -> list[str]:
    """Return the kinds of the operations that are listed, but for those that made the accounts."""
    response = client.get(page("audit_operation_changelist"), query)
    kinds = [operation.kind for operation in response.context["cl"].result_list]
    return [kind for kind in kinds if kind != "outside_the_application"]


def test_everybody_reads_their_own_operations_and_auditors_all(governed: Governed) -> None:
    apply(governed, governed.add_tasks(1), branch="main")
    assert listed(visit(governed.developer)) == ["update_settings"]
    assert listed(visit(governed.viewer)) == []
    everything = ["update_settings", "add_tasks", "add_project"]
    assert listed(visit(auditor())) == everything
    assert listed(visit(governed.admin)) == everything


@pytest.mark.parametrize(
    ("name", "status"),
    [("superuser", 200), ("auditor", 200), ("manager", 302), ("viewer", 302), ("outsider", 302)],
)
def test_the_page_of_anothers_operation_is_for_auditors(
    governed: Governed, name: str, status: int
) -> None:
    operation = apply(governed, governed.add_tasks(1), branch="main")
    client = visit(persona(name, governed=governed))
    response = client.get(page("audit_operation_change", operation.pk))
    assert response.status_code == status


def test_the_page_says_what_happened_and_to_what_and_hides_secrets(governed: Governed) -> None:
    uids = governed.add_tasks(2)
    operation = apply(governed, uids, branch="main", token="correct horse")
    shown = text_of(visit(auditor()).get(page("audit_operation_change", operation.pk)))
    for words in (
        "Change settings",
        "All 2 tasks were changed.",
        "payments-developer",
        "Because of the audit",
    ):
        assert words in shown
    for uid in uids:
        assert f"task task {uid}" in shown
    assert "secret, set" in shown
    assert "secret:" not in shown


def changed_in(client: Any, operation: Operation, **query: str) -> Any:
    """Return what the page shows of what was changed."""
    response = client.get(page("audit_operation_change", operation.pk), query)
    (panel,) = (
        panel for panel in response.context["panels"] if panel["title"] == "What it changed"
    )
    return panel["data"]


def test_what_was_changed_is_told_place_by_place_a_page_at_a_time(governed: Governed) -> None:
    operation = apply(governed, governed.add_tasks(51), branch="main")
    first, last = (
        changed_in(visit(governed.developer), operation, page=number) for number in ("1", "99")
    )
    assert (len(first.objects), first.pages) == (50, 2)
    assert (len(last.objects), last.number) == (1, 2)
    for changed in (*first.objects, *last.objects):
        assert changed.differences == [("/repository/branch", "develop", "main")]


def test_who_may_not_see_a_task_any_more_does_not_read_what_was_changed(
    governed: Governed,
) -> None:
    operation = apply(governed, governed.add_tasks(1), branch="main")
    with administrative_operation(actor=governed.admin, kind="leave", origin=ORIGIN):
        RoleMember.objects.get(user=governed.developer).delete()
    (changed,) = changed_in(visit(governed.developer), operation).objects
    assert changed == ("a task that you may not see any more", "changed", "", ())
    (changed,) = changed_in(visit(auditor()), operation).objects
    assert changed.differences


def test_what_an_administrative_operation_changed_is_told_kind_by_kind(governed: Governed) -> None:
    operation = Operation.objects.get(kind="add_project")
    client = visit(auditor())
    groups = changed_in(client, operation).groups
    titles = [group.title for group in groups]
    expected = ["roles", "role members", "role permissions", "projects", "task types", "users"]
    assert titles == expected
    for group in groups:
        told = changed_in(client, operation, changed=group.query.partition("=")[2])
        assert len(told.objects) == group.size
        assert client.get(told.objects[0].url).status_code == 200


def test_added_tasks_are_told_before_their_permissions_and_times_in_words(
    governed: Governed,
) -> None:
    uids = governed.add_tasks(2)
    client = visit(auditor())
    added = Operation.objects.get(kind="add_tasks")
    groups = changed_in(client, added).groups
    assert [group.title for group in groups if group.is_current] == ["tasks"]
    batch = Batch(change=RecycleTasks(), uids=uids, origin=ORIGIN)
    recycled = pipeline.apply(actor=governed.manager, batch=batch).operation
    told = text_of(client.get(page("audit_operation_change", recycled.pk)))
    at = Task.objects.filter(uid__in=uids).latest("recycled_at").recycled_at
    assert at is not None
    assert f"{at:%-d %B %Y, %H:%M:%S} UTC" in told
    assert at.isoformat(sep=" ") not in told


def test_an_undo_and_what_it_undid_link_each_other(governed: Governed) -> None:
    uids = governed.add_tasks(1)
    operation = apply(governed, uids, branch="main")
    change = RestoreSettings(operation_id=str(operation.pk))
    batch = Batch(change=change, uids=uids, origin=ORIGIN, reverts=operation.pk)
    undo = pipeline.apply(actor=governed.developer, batch=batch).operation
    client = visit(governed.developer)
    for one, other in ((operation, undo), (undo, operation)):
        shown = text_of(client.get(page("audit_operation_change", one.pk)))
        assert page("audit_operation_change", other.pk) in shown


def test_refusals_are_shown_task_by_task(governed: Governed) -> None:
    refusals = [{"target": "f" * 24, "code": "no_right", "detail": "you hold no right"}]
    operation = ended(governed, State.REFUSED, targets=3, refused=1, refusals=refusals)
    shown = text_of(visit(auditor()).get(page("audit_operation_change", operation.pk)))
    assert "1 of 3 tasks stood in the way" in shown
    assert "f" * 24 in shown
    assert "you hold no right" in shown


def test_operations_are_found_by_kind_channel_state_actor_time_and_id(governed: Governed) -> None:
    governed.add_tasks(1)
    operation = ended(governed, State.FAILED)
    client = visit(auditor())
    tomorrow = (timezone.now() + timedelta(days=1)).strftime("%Y-%m-%d")
    for query in (
        {"kind": "update_settings"},
        {"channel__exact": "api"},
        {"state__exact": "failed"},
        {"actor": "payments-developer"},
        {"q": "req-7"},
        {"q": str(operation.pk)},
    ):
        assert listed(client, **query) == ["update_settings"], query
    assert listed(client, created_at_from_0=tomorrow, created_at_from_1="00:00") == []
    today = timezone.now().strftime("%Y-%m-%d")
    assert len(listed(client, created_at_from_0=today, created_at_to_0=today)) == 3
    assert listed(client, created_at_from_0="nonsense") == []


def test_the_kinds_offered_are_those_that_the_visitor_sees(governed: Governed) -> None:
    apply(governed, governed.add_tasks(1), branch="main")
    response = visit(governed.developer).get(page("audit_operation_changelist"))
    (kinds,) = (
        spec.lookup_choices for spec in response.context["cl"].filter_specs if spec.title == "kind"
    )
    assert kinds == [("update_settings", "Change settings")]


@pytest.mark.parametrize("name", ["superuser", "auditor"])
def test_nobody_changes_or_deletes_an_operation(governed: Governed, name: str) -> None:
    operation = apply(governed, governed.add_tasks(1), branch="main")
    client = visit(persona(name, governed=governed))
    for address in ("change", "delete"):
        sent = {"post": "yes", "reason": "Another"}
        assert (
            client.post(page(f"audit_operation_{address}", operation.pk), sent).status_code == 403
        )
    assert Operation.objects.get(pk=operation.pk).reason == "Because of the audit"


def test_every_tracked_model_is_described_or_left_out() -> None:
    assert [model for model in tracked_models() if not description_of(model).page] == []
