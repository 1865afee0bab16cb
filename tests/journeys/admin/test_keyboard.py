"""Whole journeys with the keyboard alone: nothing is clicked, and every control is reached by Tab."""

import re
from pathlib import Path
from threading import Event

from playwright.sync_api import FileChooser, Locator, Page, Route, expect

from permissions.models import ApiToken
from tasks.models import Task
from tests.conftest import Governed
from tests.journeys.admin import steps
from tests.journeys.admin.chromium import Windows
from tests.permissions.governance import governance_of
from tests.visitors import page as address


# More stations than any page has before what the journey wants.
MOST = 120


def tab_to(page: Page, wanted: Locator) -> None:
    """Press Tab until the wanted control has the focus."""
    expect(wanted).to_be_visible()
    for _ in range(MOST):
        page.keyboard.press("Tab")
        if wanted.evaluate("element => element === document.activeElement"):
            return
    raise AssertionError(f"Tab does not lead to {wanted}")


def press(page: Page, name: str) -> None:
    """Go to a button, and press it."""
    tab_to(page, page.get_by_role("button", name=name, exact=True))
    page.keyboard.press("Enter")


def choose_all(page: Page, action: str) -> None:
    """Choose the tasks of the list, and start the action."""
    page.goto(steps.LIST)
    tab_to(page, page.locator("#action-toggle"))
    page.keyboard.press("Space")
    tab_to(page, page.get_by_label("Select action to run"))
    page.keyboard.type(action)
    press(page, "Run")


def apply_all(page: Page) -> None:
    """Preview what was written down, and apply it to both tasks."""
    press(page, "Preview")
    expect(page.get_by_text("2 tasks in 1 project would change.")).to_be_visible()
    press(page, "Apply to all 2 or nothing")
    expect(page.get_by_role("status")).to_have_text("All 2 tasks were changed.")


def test_a_change_is_made_and_undone(windows: Windows, governed: Governed) -> None:
    governed.add_tasks(2)
    page = windows.open(governed.manager)
    page.goto("/admin/")
    tab_to(page, page.get_by_role("link", name="Tasks", exact=True).first)
    page.keyboard.press("Enter")
    expect(page.locator("#action-toggle")).to_be_visible()
    choose_all(page, "Disable")
    tab_to(page, page.get_by_label("Why they are disabled"))
    page.keyboard.type("the year ends")
    apply_all(page)
    assert Task.objects.filter(project=governed.project, enabled=False).count() == 2
    press(page, "Undo")
    expect(page.get_by_text("2 tasks in 1 project would change.")).to_be_visible()
    press(page, "Apply to all 2 or nothing")
    expect(page.get_by_role("status")).to_have_text("All 2 tasks were changed.")
    assert Task.objects.filter(project=governed.project, enabled=True).count() == 2


def test_the_forms_of_settings_and_of_permissions_are_filled(
    windows: Windows, governed: Governed
) -> None:
    uids = governed.add_tasks(2)
    page = windows.open(governed.manager)
    choose_all(page, "Change settings")
    branch = page.get_by_role("radiogroup", name="Branch")
    tab_to(page, branch.get_by_role("radio", name="Leave"))
    page.keyboard.press("ArrowRight")
    expect(branch.get_by_role("radio", name="Set")).to_be_checked()
    tab_to(page, page.get_by_label("Branch: new value"))
    page.keyboard.type("release/5")
    apply_all(page)
    of_project = Task.objects.filter(project=governed.project)
    assert of_project.filter(settings__repository__branch="release/5").count() == 2
    choose_all(page, "Change permissions")
    tab_to(page, page.get_by_role("button", name="Viewer: View, now on"))
    for _ in range(3):
        page.keyboard.press("ArrowRight")
    execute = page.get_by_role("button", name="Viewer: Execute, now on")
    expect(execute).to_be_focused()
    page.keyboard.press("Space")
    expect(execute).to_have_accessible_name("Viewer: Execute, now on 0 of 2: to grant")
    apply_all(page)
    assert [governance_of(uid).held for uid in uids] == [{"is_view", "is_execute"}] * 2


def test_a_file_is_imported(windows: Windows, governed: Governed, tmp_path: Path) -> None:
    file = tmp_path / "tasks.csv"
    row = f"nightly,{governed.project.name},{governed.task_type.key}"
    file.write_text(f"name,project,type\n{row}\n")
    page = windows.open(governed.manager)

    def choose(chooser: FileChooser) -> None:
        chooser.set_files(file)

    # From the start: a browser that has just been told to ask here may open its own window instead.
    page.on("filechooser", choose)
    page.goto(steps.LIST)
    tab_to(page, page.get_by_role("link", name="Import"))
    page.keyboard.press("Enter")
    tab_to(page, page.locator("#id_import_file"))
    page.keyboard.press("Enter")
    expect(page.locator("#id_import_file")).to_have_value(re.compile(r"tasks\.csv$"))
    press(page, "Preview")
    expect(page.get_by_text("1 row becomes a task.")).to_be_visible()
    press(page, "Add 1 task")
    expect(page.get_by_role("status")).to_be_visible()
    assert Task.objects.get(project=governed.project).name == "nightly"


def test_a_token_is_made_and_copied_and_pressed_twice_is_made_once(
    windows: Windows, governed: Governed
) -> None:
    page = windows.open(governed.viewer, permissions=["clipboard-read", "clipboard-write"])
    page.goto(address("permissions_apitoken_add"))
    tab_to(page, page.get_by_label("Name"))
    page.keyboard.type("nightly clean-up")
    tab_to(page, page.get_by_label("tasks:read"))
    page.keyboard.press("Space")
    tab_to(page, page.get_by_role("button", name="Make the token"))
    asked: list[Route] = []
    has_been_pressed_twice = Event()

    def hold(route: Route) -> None:
        asked.append(route)
        if has_been_pressed_twice.is_set():
            route.continue_()

    # The first answer does not come before the second press.
    page.route(f"**{page.url.removeprefix(windows.url)}", hold)
    for _ in range(2):
        page.keyboard.press("Enter")
    held = list(asked)
    has_been_pressed_twice.set()
    for route in held:
        route.continue_()
    secret = page.locator("#token-text").inner_text()
    assert len(asked) == 1
    press(page, "Copy the token")
    expect(page.get_by_role("button", name="Copied")).to_be_focused()
    assert page.evaluate("navigator.clipboard.readText()") == secret
    assert ApiToken.objects.get(owner=governed.viewer).hint == secret[-4:]


def test_why_is_asked_and_answered(windows: Windows, governed: Governed) -> None:
    task = Task.objects.get(uid=governed.add_tasks(1)[0])
    page = windows.open(governed.manager)
    page.goto(address("tasks_task_change", task.pk))
    tab_to(page, page.get_by_label("User", exact=True))
    page.keyboard.press("Control+A")
    page.keyboard.type(governed.viewer.username)
    tab_to(page, page.get_by_label("Flag", exact=True))
    page.keyboard.type("Delete")
    press(page, "Why?")
    answer = page.get_by_role("heading", name=f"No. {governed.viewer.username} may not delete")
    expect(answer).to_be_visible()


def test_the_menu_is_passed_by_two_keys(windows: Windows, governed: Governed) -> None:
    page = windows.open(governed.viewer)
    page.goto(address("tasks_task_changelist"))
    page.keyboard.press("Tab")
    skip = page.get_by_role("link", name="Skip to the content")
    expect(skip).to_be_focused()
    expect(skip).to_be_in_viewport()
    page.keyboard.press("Enter")
    expect(skip).not_to_be_in_viewport()
    page.keyboard.press("Tab")
    expect(page.locator("#content :focus")).to_be_visible()
