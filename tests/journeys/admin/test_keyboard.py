"""One whole journey with the keyboard alone."""

from playwright.sync_api import Locator, Page, expect

from tasks.models import Task
from tests.conftest import Governed
from tests.journeys.admin.chromium import Windows


# More stations than any page has before what the journey wants.
MOST = 80


def tab_to(page: Page, wanted: Locator) -> None:
    """Press Tab until the wanted control has the focus."""
    for _ in range(MOST):
        page.keyboard.press("Tab")
        if wanted.evaluate("element => element === document.activeElement"):
            return
    raise AssertionError(f"Tab does not lead to {wanted}")


def test_a_change_is_made_and_undone_by_keyboard_alone(
    windows: Windows, governed: Governed
) -> None:
    governed.add_tasks(2)
    page = windows.open(governed.manager)
    page.goto("/admin/")
    tab_to(page, page.get_by_role("link", name="Tasks", exact=True).first)
    page.keyboard.press("Enter")
    expect(page.locator("#action-toggle")).to_be_visible()
    tab_to(page, page.locator("#action-toggle"))
    page.keyboard.press("Space")
    tab_to(page, page.get_by_label("Select action to run"))
    page.keyboard.type("Disable")
    tab_to(page, page.get_by_role("button", name="Run", exact=True))
    page.keyboard.press("Enter")
    tab_to(page, page.get_by_label("Why they are disabled"))
    page.keyboard.type("the year ends")
    tab_to(page, page.get_by_role("button", name="Preview"))
    page.keyboard.press("Enter")
    for leads_to in ("Undo", "Done"):
        expect(page.get_by_text("2 tasks in 1 project would change.")).to_be_visible()
        tab_to(page, page.get_by_role("button", name="Apply"))
        page.keyboard.press("Enter")
        expect(page.get_by_role("status")).to_have_text("All 2 tasks were changed.")
        if leads_to == "Undo":
            assert Task.objects.filter(project=governed.project, enabled=False).count() == 2
            tab_to(page, page.get_by_role("button", name="Undo", exact=True))
            page.keyboard.press("Enter")
    assert Task.objects.filter(project=governed.project, enabled=True).count() == 2
