"""The rich forms of bulk changes, by mouse and keyboard, and without scripts."""

from playwright.sync_api import Locator, Page, expect

from tasks.models import Draft, Task
from tests.conftest import Governed
from tests.journeys.admin.axe import barriers
from tests.journeys.admin.chromium import NARROW, Windows
from tests.permissions.governance import VIEWER, change, governance_of
from tests.visitors import page as address


def open_form(page: Page, governed: Governed, action: str, uids: list[str]) -> None:
    """Freeze the tasks into a draft and open its form."""
    draft = Draft.objects.create(
        actor=governed.manager, action=action, uids=uids, expires_at="2100-01-01T00:00Z"
    )
    page.goto(address("tasks_task_draft", draft.pk))


def cell(page: Page, role: str, flag: str) -> Locator:
    """Return the button of a cell of the grid."""
    return page.get_by_role("button", name=f"{role}: {flag}, now on")


def test_a_mixed_cell_cycles_by_keyboard_and_is_applied(
    windows: Windows, governed: Governed
) -> None:
    uids = governed.add_tasks(2)
    change(governed.manager, uids[:1], flags={VIEWER: {"is_execute": True}})
    page = windows.open(governed.manager)
    open_form(page, governed, "change_permissions", uids)
    execute = cell(page, "Viewer", "Execute")
    expect(execute).to_contain_text("1/2")
    cell(page, "Viewer", "View").press("Enter")
    cell(page, "Viewer", "View").press("Enter")
    cell(page, "Viewer", "Delete").press("ArrowRight")
    expect(execute).to_be_focused()
    execute.press("Space")
    expect(execute).to_have_accessible_name("Viewer: Execute, now on 1 of 2: to grant")
    assert barriers(page) == set()
    page.get_by_role("button", name="Preview").click()
    page.get_by_role("button", name="Apply to all 2").click()
    page.wait_for_url("**/audit/operation/**")
    assert [governance_of(uid).held for uid in uids] == [{"is_execute"}] * 2


def test_the_head_of_a_row_and_of_a_column_set_what_may_be_set(
    windows: Windows, governed: Governed
) -> None:
    page = windows.open(governed.manager, size=NARROW)
    open_form(page, governed, "change_permissions", governed.add_tasks(1))
    page.get_by_role("button", name="Copy: set for all roles").click()
    page.get_by_role("button", name="Tester 6: set for all flags").press("Enter")
    expect(page.locator('[data-wish="grant"]')).to_have_count(11 + 7 - 1)
    expect(page.locator("[data-cells-said]")).to_have_text("Tester 6: to grant")
    page.get_by_role("button", name="Tester 6: set for all flags").press("Enter")
    expect(page.locator('[data-wish="revoke"]')).to_have_count(7)


def test_a_patch_is_checked_as_one_types_and_leads_to_the_line(
    windows: Windows, governed: Governed
) -> None:
    page = windows.open(governed.manager)
    open_form(page, governed, "change_settings", governed.add_tasks(2))
    page.get_by_text("JSON merge patch").first.click()
    text = page.get_by_label("JSON merge patch").last
    text.fill('{\n  "repository": {\n    "colour": "red"\n  }\n}')
    problem = page.get_by_role("button", name="Line 3, column 5: there is no such setting")
    expect(problem).to_be_visible()
    expect(page.locator(".bh-wrong")).to_have_text("3")
    assert barriers(page) == set()
    problem.click()
    assert text.evaluate("text => text.selectionStart") == 24
    text.fill('{"repository": {"branch": "main"}}')
    expect(problem).to_be_hidden()
    page.get_by_role("button", name="Preview").click()
    expect(page.get_by_text("/repository/branch").first).to_be_visible()


def test_both_forms_work_without_scripts(windows: Windows, governed: Governed) -> None:
    uids = governed.add_tasks(2)
    page = windows.open(governed.manager, java_script_enabled=False)
    open_form(page, governed, "change_settings", uids)
    branch = page.get_by_role("radiogroup", name="Branch")
    branch.get_by_role("radio", name="Set").check()
    page.get_by_label("Branch: new value").fill("main")
    page.get_by_role("radiogroup", name="Enabled").get_by_role("radio", name="On").check()
    page.get_by_role("button", name="Preview").click()
    page.get_by_role("button", name="Apply to all 2").click()
    page.wait_for_url("**/audit/operation/**")
    for task in Task.objects.filter(uid__in=uids):
        assert task.settings["repository"]["branch"] == "main"
        assert task.settings["notifications"] == {"enabled": True}
    open_form(page, governed, "change_permissions", uids)
    page.get_by_label("Viewer: Copy, now on 0 of 2").select_option("grant")
    page.get_by_role("button", name="Preview").click()
    expect(page.get_by_text("Viewer · copy").first).to_be_visible()
