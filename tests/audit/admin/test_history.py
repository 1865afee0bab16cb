"""The history of objects in the admin."""

import pytest
from django.urls import NoReverseMatch

from audit.admin.timeline import PER_PAGE
from permissions.changes import SetPermissions
from tasks.batch import pipeline
from tasks.batch.pipeline import Batch
from tasks.changes import SetEnabled, UpdateSettings
from tasks.models import Task
from tests.conftest import ORIGIN, Governed
from tests.visitors import PERSONAS, auditor, page, persona, text_of, visit


def change_twice(governed: Governed) -> Task:
    """Add a task, and change its settings and its permissions."""
    uids = governed.add_tasks(1)
    for change in (
        UpdateSettings(patch={"repository": {"branch": "main", "token": "correct horse"}}),
        SetPermissions(flags={8: {"is_execute": True}}),
    ):
        batch = Batch(change=change, uids=uids, origin=ORIGIN)
        pipeline.apply(actor=governed.manager, batch=batch)
    return Task.objects.get()


@pytest.mark.parametrize("name", PERSONAS)
def test_history_is_read_by_who_sees_the_task_and_by_auditors(
    governed: Governed, name: str
) -> None:
    task = change_twice(governed)
    client = visit(persona(name, governed=governed))
    response = client.get(page("tasks_task_history", task.pk))
    assert response.status_code == (404 if name == "outsider" else 200)
    if name == "auditor":
        assert response.context["title"] == f"History: task {task.name}"


def test_each_row_says_who_through_what_and_what_differs(governed: Governed) -> None:
    task = change_twice(governed)
    response = visit(governed.viewer).get(page("tasks_task_history", task.pk))
    rows = response.context["timeline"].rows
    assert [row.operation.kind for row in rows] == [
        "set_permissions",
        "update_settings",
        "add_tasks",
        "add_tasks",
    ]
    assert rows[0].differences[0].old.startswith("the project's")
    assert [tuple(difference) for difference in rows[1].differences] == [
        ("/repository/branch", "develop", "main"),
        ("/repository/token", "–", "secret, set"),  # no value
    ]
    assert "correct horse" not in text_of(response)


def test_only_auditors_and_the_actor_get_a_link_to_the_operation(governed: Governed) -> None:
    task = change_twice(governed)
    for user, links in ((governed.manager, 2), (auditor(), 4), (governed.viewer, 0)):
        shown = text_of(visit(user).get(page("tasks_task_history", task.pk)))
        assert shown.count('href="/admin/audit/operation/0') == links


def test_a_long_history_has_pages_and_the_last_row_of_a_page_says_what_differs(
    governed: Governed,
) -> None:
    uids = governed.add_tasks(1)
    for number in range(PER_PAGE):
        change = SetEnabled(enabled=False, reason=f"Reason {number}")
        batch = Batch(change=change, uids=uids, origin=ORIGIN)
        pipeline.apply(actor=governed.manager, batch=batch)
    client = visit(governed.viewer)
    address = page("tasks_task_history", Task.objects.get().pk)
    first = client.get(address).context["timeline"]
    assert (len(first.rows), first.has_next) == (PER_PAGE, True)
    assert first.rows[-1].differences[-1].new == "Reason 0"
    second = client.get(address, {"p": 2}).context["timeline"]
    assert (len(second.rows), second.has_next) == (2, False)


@pytest.mark.parametrize("key", ["abc", "0", "99999999999999999999", "999999", "1%20OR%201"])
def test_what_does_not_exist_has_no_history(governed: Governed, key: str) -> None:
    for user in (governed.admin, auditor(), governed.viewer):
        response = visit(user).get(page("tasks_task_history", 1).replace("/1/", f"/{key}/"))
        assert response.status_code == 404


def test_there_is_no_page_that_saves_an_old_row_again() -> None:
    with pytest.raises(NoReverseMatch):
        page("tasks_task_simple_history", 1, 1)
