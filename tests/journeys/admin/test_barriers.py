"""axe-core finds nothing serious on any page: wide and narrow, light and dark."""

import tomllib
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tasks.admin.bulk_actions import bulk_actions
from tasks.admin.drafts import new_draft
from tasks.models import Task
from tests.admin_world import addresses, populate
from tests.conftest import Governed, build_governed
from tests.journeys.admin.axe import COLOURS, barriers
from tests.journeys.admin.chromium import NARROW, Windows
from tests.visitors import page as address
from tests.visitors import persona


# What is no page by itself, and pages that show the same as another.
NO_PAGES = {
    "autocomplete": "an answer for a list",
    "search": "a part of a page",
    "audit_operation_progress": "a part of a page",
    "tasks_project_preview_permissions": "a part of a page",
    "audit_operation_export_csv": "a file",
    "audit_operation_export_jsonl": "a file",
    "tasks_task_draft_csv": "a file",
    "tasks_task_why_people": "an answer for a list",
}
BUDGETS = tomllib.loads((Path(__file__).parents[2] / "admin_budgets.toml").read_text())
# Who opens the page: the first of these to whom it is not refused.
WHO = {
    name: "superuser" if answers[0].startswith("200") else "manager"
    for name, answers in BUDGETS.items()
    if answers[0].startswith("200") or answers[1].startswith("200")
}


@pytest.fixture(scope="module")
def world(transactional_db: None) -> Governed:
    """A project in which there is something on every page."""
    governed = build_governed("readable")
    populate(governed, tasks=3)
    return governed


def found_on(page: Page) -> list[str]:
    """Return what keeps people out of the page, at either width and in either theme."""
    found = barriers(page)
    page.evaluate("document.documentElement.classList.add('dark')")
    found |= barriers(page, only=COLOURS)
    page.set_viewport_size({"width": NARROW[0], "height": NARROW[1]})
    return sorted(found | barriers(page))


@pytest.mark.parametrize("name", sorted(WHO.keys() - NO_PAGES.keys()))
def test_nothing_keeps_anybody_out_of_a_page(windows: Windows, world: Governed, name: str) -> None:
    page = windows.open(persona(WHO[name], governed=world))
    page.goto(addresses(world)[name])
    assert found_on(page) == []
    filters = page.get_by_role("button", name="Filters")
    if filters.is_visible():
        filters.press("Enter")
        expect(page.locator("#changelist-filter :focus")).to_be_attached()
        assert barriers(page, inside="#changelist-filter") == set()


FORMS = sorted(action.name for action in bulk_actions() if action.form and action.form.asks)


@pytest.mark.parametrize("action", FORMS)
def test_nothing_keeps_anybody_out_of_a_form(
    windows: Windows, world: Governed, action: str
) -> None:
    uids = Task.objects.filter(project=world.project).values_list("uid", flat=True)
    draft = new_draft(actor=world.manager, action=action, uids=list(uids))
    page = windows.open(world.manager)
    page.goto(address("tasks_task_draft", draft.pk))
    assert found_on(page) == []


@pytest.mark.parametrize("who", ["outsider", "auditor"])
def test_nothing_keeps_anybody_out_of_home(windows: Windows, world: Governed, who: str) -> None:
    page = windows.open(persona(who, governed=world))
    page.goto("/admin/")
    assert found_on(page) == []
