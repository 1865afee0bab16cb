"""What those see who may little: nothing, all without changing any, or all that happened."""

from playwright.sync_api import expect

from tasks.changes import UpdateSettings
from tasks.models import Task
from tests.batches import apply as apply_change
from tests.conftest import Governed
from tests.journeys.admin import steps
from tests.journeys.admin.chromium import Windows
from tests.visitors import auditor
from tests.visitors import page as address


MAIN = UpdateSettings(patch={"repository": {"branch": "main"}})


def test_the_outsider_sees_nothing(windows: Windows, governed: Governed) -> None:
    uids = governed.add_tasks(1)
    operation = apply_change(governed.manager, MAIN, uids).operation
    page = windows.open(governed.outsider)
    page.goto("/admin/")
    expect(page.get_by_text("You hold no role in any project yet")).to_be_visible()
    page.goto(steps.LIST)
    expect(page.get_by_text("So far there are none")).to_be_visible()
    hidden = (
        address("tasks_task_change", Task.objects.get(uid=uids[0]).pk),
        address("tasks_project_change", governed.project.pk),
        address("audit_operation_change", operation.pk),
    )
    for each in hidden:
        page.goto(each)
        expect(page).to_have_url(f"{windows.url}/admin/")
        expect(page.get_by_text("or you may not see it")).to_be_visible()
    page.goto(address("tasks_task_choose"))
    expect(page.get_by_role("heading", name="You may not do this")).to_be_visible()


def test_the_viewer_changes_nothing(windows: Windows, governed: Governed) -> None:
    (uid,) = governed.add_tasks(1)
    task = Task.objects.get(uid=uid)
    page = windows.open(governed.viewer)
    page.goto(steps.LIST)
    page.locator("#action-toggle").check()
    offered = page.get_by_label("Select action to run").get_by_role("option")
    assert offered.all_inner_texts() == ["Select action", "Export"]
    page.goto(address("tasks_task_change", task.pk))
    expect(page.get_by_role("heading", name="Permissions")).to_be_visible()
    buttons = page.locator("#content form[method=post]").get_by_role("button")
    expect(buttons).to_have_count(1)
    expect(buttons).to_contain_text("Export")
    page.goto(address("tasks_project_change_permissions", governed.project.pk))
    expect(page.get_by_role("heading", name="You may not do this")).to_be_visible()


def test_the_auditor_reads_what_happened_and_changes_nothing(
    windows: Windows, governed: Governed
) -> None:
    (uid,) = governed.add_tasks(1)
    operation = apply_change(governed.manager, MAIN, [uid]).operation
    page = windows.open(auditor())
    page.goto("/admin/")
    expect(page.get_by_text("You read everything that happened")).to_be_visible()
    page.goto(address("audit_operation_change", operation.pk))
    expect(page.get_by_text(governed.manager.username).first).to_be_visible()
    page.get_by_role("link", name=f"task {uid}").click()
    expect(page.get_by_text("develop").first).to_be_visible()
    page.goto(address("audit_operation_change", operation.pk))
    expect(page.get_by_role("button", name="Undo", exact=True)).to_have_count(0)
    page.goto(steps.LIST)
    expect(page.locator("#action-toggle")).to_have_count(0)
