"""Disabling and enabling one task in the admin."""

from audit.models import Operation
from tasks.models import Task
from tests.conftest import Governed
from tests.visitors import draft_in, page, text_of, visit


def test_a_developer_disables_a_task_with_a_reason_and_enables_it_again(
    governed: Governed,
) -> None:
    task = Task.objects.get(uid=governed.add_tasks(1)[0])
    address = page("tasks_task_change_enabled", task.pk)
    client = visit(governed.developer)
    preview = client.post(address, {"reason": "Frozen for the release"})
    client.post(address, {"draft": draft_in(preview)})
    task.refresh_from_db()
    assert (task.enabled, task.disabled_reason) == (False, "Frozen for the release")
    preview = client.post(address)
    client.post(address, {"draft": draft_in(preview)})
    task.refresh_from_db()
    assert (task.enabled, task.disabled_reason) == (True, "")
    assert Operation.objects.filter(kind="set_enabled", changed=1).count() == 2


def test_disabling_without_a_reason_is_refused(governed: Governed) -> None:
    task = Task.objects.get(uid=governed.add_tasks(1)[0])
    address = page("tasks_task_change_enabled", task.pk)
    answer = visit(governed.developer).post(address, {"reason": "  "})
    assert "This field is required" in text_of(answer)


def test_a_viewer_can_do_neither(governed: Governed) -> None:
    task = Task.objects.get(uid=governed.add_tasks(1)[0])
    address = page("tasks_task_change_enabled", task.pk)
    client = visit(governed.viewer)
    assert client.get(address).status_code == 403
    assert client.post(address, {"reason": "Mine"}).status_code == 403
    assert Task.objects.get(pk=task.pk).enabled
