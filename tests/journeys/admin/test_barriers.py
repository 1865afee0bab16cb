"""axe-core finds nothing serious on any page: wide and narrow, light and dark."""

import tomllib
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from tasks.admin.bulk_actions import bulk_actions
from tasks.admin.drafts import new_draft
from tasks.models import Task
from tests.admin_world import addresses, populate
from tests.conftest import Governed, build_governed
from tests.journeys.admin.axe import COLOURS, barriers
from tests.journeys.admin.chromium import NARROW, WIDE, Windows
from tests.journeys.admin.states import STATES
from tests.journeys.live import Process
from tests.visitors import page as address
from tests.visitors import persona


# What is no page by itself, and pages that show the same as another.
NO_PAGES = {
    "autocomplete": "an answer for a list",
    "search": "a part of a page",
    "audit_operation_progress": "a part of a page",
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


Window = Callable[[str], Page]


@pytest.fixture(scope="module")
def world(transactional_db: None) -> Governed:
    """A project in which there is something on every page."""
    governed = build_governed("readable")
    populate(governed, tasks=3)
    return governed


@pytest.fixture(scope="module")
def opened(browser: Browser, server: Process, transactional_db: None) -> Iterator[Windows]:
    """Windows that stay open: what pages have in common is then loaded once."""
    windows = Windows(browser, server.url)
    yield windows
    windows.close()


@pytest.fixture
def window(opened: Windows, world: Governed) -> Iterator[Callable[[str], Page]]:
    """Return the window of a persona, or of nobody, as wide as at first."""

    def of(name: str) -> Page:
        if name not in opened.kept:
            opened.kept[name] = opened.open(persona(name, governed=world) if name else None)
        page = opened.kept[name]
        page.set_viewport_size({"width": WIDE[0], "height": WIDE[1]})
        return page

    yield of
    troubles, opened.troubles[:] = list(opened.troubles), []
    assert troubles == []


def found_on(page: Page, *, is_known: bool = False) -> list[str]:
    """Return what keeps people out of the page, at either width and in either theme.

    No page is wider than a telephone: what must be, scrolls inside it. Of a page that is known, what only
    wide windows show has been looked at in the dark.
    """
    found = barriers(page)
    page.evaluate("document.documentElement.classList.add('dark')")
    found |= set() if is_known else barriers(page, only=COLOURS)
    page.set_viewport_size({"width": NARROW[0], "height": NARROW[1]})
    found |= barriers(page)
    wide, room = page.evaluate("[document.documentElement.scrollWidth, window.innerWidth]")
    return sorted(found | ({f"wide: {wide} of {room}"} if wide > room else set()))


@pytest.mark.parametrize("name", sorted(WHO.keys() - NO_PAGES.keys()))
def test_nothing_keeps_anybody_out_of_a_page(window: Window, world: Governed, name: str) -> None:
    page = window(WHO[name])
    page.goto(addresses(world)[name])
    assert found_on(page) == []
    filters = page.get_by_role("button", name="Filters")
    if filters.is_visible():
        filters.press("Enter")
        expect(page.locator("#changelist-filter :focus")).to_be_attached()
        assert barriers(page, inside="#changelist-filter") == set()


FORMS = sorted(action.name for action in bulk_actions() if action.form and action.form.asks)


@pytest.mark.parametrize("action", FORMS)
def test_nothing_keeps_anybody_out_of_a_form(window: Window, world: Governed, action: str) -> None:
    uids = Task.objects.filter(project=world.project).values_list("uid", flat=True)
    draft = new_draft(actor=world.manager, action=action, uids=list(uids))
    page = window("manager")
    page.goto(address("tasks_task_draft", draft.pk))
    assert found_on(page, is_known=True) == []


@pytest.mark.parametrize("state", sorted(STATES))
def test_nothing_keeps_anybody_out_on_the_way(window: Window, world: Governed, state: str) -> None:
    reached = STATES[state]
    page = window(reached.who)
    reached.lead(page, world)
    assert found_on(page, is_known=True) == []


@pytest.mark.parametrize("who", ["outsider", "auditor"])
def test_nothing_keeps_anybody_out_of_home(window: Window, who: str) -> None:
    page = window(who)
    page.goto("/admin/")
    assert found_on(page) == []
