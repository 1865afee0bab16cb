"""What visitors do on several journeys."""

from django.utils import timezone
from playwright.sync_api import Page, expect

from tasks.models import Task


LIST = "/admin/tasks/task/"


def button(page: Page, name: str) -> None:
    """Press a button by keyboard."""
    page.get_by_role("button", name=name, exact=True).press("Enter")


def choose_all(page: Page, action: str, *, count: int) -> None:
    """Choose every task that the list shows, on all of its pages, and start the action."""
    page.goto(LIST)
    page.locator("#action-toggle").check()
    page.get_by_role("link", name=f"Select all {count} tasks").click()
    start(page, action, count=count)


def choose(page: Page, action: str, *, count: int) -> None:
    """Choose every task on the page of the list, and start the action."""
    page.goto(LIST)
    page.locator("#action-toggle").check()
    start(page, action, count=count)


def start(page: Page, action: str, *, count: int) -> None:
    """Start the action for the tasks that are chosen in the list."""
    page.get_by_label("Select action to run").select_option(label=action)
    page.get_by_role("button", name="Run", exact=True).click()
    expect(page.get_by_role("heading", name=f"{action}: {count:,} task")).to_be_visible()


def set_branch(page: Page, branch: str) -> None:
    """Write down another branch, and preview it."""
    page.get_by_role("radiogroup", name="Branch").get_by_label("Set").check()
    page.locator("[name='value/repository/branch']").fill(branch)
    page.get_by_role("button", name="Preview").click()


def apply(page: Page) -> None:
    """Apply what is previewed."""
    page.get_by_role("button", name="Apply").click()


def moments_of(task: Task) -> tuple[str, str]:
    """Return when the task was made, and now, as a form takes moments."""
    made = task.history.earliest("history_id").operation.finished_at
    first, now = (f"{at:%Y-%m-%dT%H:%M:%S.%f}" for at in (made, timezone.now()))
    return first, now
