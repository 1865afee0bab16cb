"""The theme's own parts, by mouse and by keyboard, under a policy that lets nothing be evaluated."""

import re

import pytest
from playwright.sync_api import Page, expect

from permissions.models import RoleMember
from tests.conftest import Governed, build_governed
from tests.journeys.admin.chromium import NARROW, Windows
from tests.visitors import page as address


def button(page: Page, name: str) -> None:
    """Press a button by keyboard."""
    page.get_by_role("button", name=name, exact=True).press("Enter")


def test_signing_in_and_out_by_keyboard(windows: Windows, governed: Governed) -> None:
    governed.manager.is_staff = True
    governed.manager.first_name = "Mina"
    governed.manager.set_password("a long passphrase")
    governed.manager.save()
    page = windows.open()
    page.goto("/admin/tasks/task/")
    page.get_by_label("Username").press_sequentially(governed.manager.username)
    page.keyboard.press("Tab")
    page.keyboard.type("a wrong passphrase")
    page.keyboard.press("Enter")
    expect(page.get_by_text("Please enter the correct username and password")).to_be_visible()
    page.get_by_label("Password").fill("a long passphrase")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="Tasks", exact=True)).to_be_visible()
    button(page, "M Mina")
    button(page, "Log out")
    expect(page.get_by_text("Logged out")).to_be_visible()


def test_the_chosen_theme_is_kept_from_page_to_page(windows: Windows, governed: Governed) -> None:
    page = windows.open(governed.manager)
    page.goto("/admin/")
    dark = re.compile(r"\bdark\b")
    expect(page.locator("html")).not_to_have_class(dark)
    page.locator("#nav-sidebar [x-on\\:click*=openUserLinks]").press("Enter")
    button(page, "Dark")
    expect(page.locator("html")).to_have_class(dark)
    page.goto("/admin/tasks/project/")
    expect(page.locator("html")).to_have_class(dark)


@pytest.mark.parametrize("size", [(1280, 900), NARROW])
def test_the_menu_opens_and_closes(
    windows: Windows, governed: Governed, size: tuple[int, int]
) -> None:
    page = windows.open(governed.manager, size=size)
    page.goto("/admin/")
    projects = page.get_by_role("link", name="Projects", exact=True).first
    expect(projects).to_be_visible(visible=size != NARROW)
    button(page, "Menu")
    expect(projects).to_be_visible(visible=size == NARROW)


def test_filters_narrow_a_list(windows: Windows, governed: Governed) -> None:
    governed.add_tasks(3)
    build_governed(f"{governed.project.name}-other").add_tasks(2)
    page = windows.open(governed.admin)
    page.goto("/admin/tasks/task/")
    button(page, "Filters")
    project = page.get_by_role("combobox", name="By project")
    expect(project).to_be_focused()
    page.keyboard.press("Enter")
    page.get_by_role("searchbox", name="Search").press_sequentially(governed.project.name)
    expect(page.get_by_role("option")).to_have_count(2)
    page.keyboard.press("Enter")
    page.get_by_role("button", name="Apply Filters").press("Enter")
    expect(page.locator("#result_list").get_by_role("rowheader")).to_have_count(3)
    page.keyboard.press("/")
    expect(page.get_by_placeholder("Beginning of a name or an id")).to_be_focused()


def test_members_of_a_role_are_found_by_their_names(windows: Windows, governed: Governed) -> None:
    page = windows.open(governed.admin)
    page.goto(address("permissions_role_change", governed.role(8).pk))
    page.get_by_role("link", name="Add another").first.press("Enter")
    page.get_by_role("combobox", name="User").last.press("Enter")
    page.get_by_role("searchbox").press_sequentially(governed.outsider.username)
    page.get_by_role("option", name=governed.outsider.username).click()
    page.get_by_role("button", name="Save", exact=True).click()
    expect(page.get_by_text("was changed successfully")).to_be_visible()
    assert RoleMember.objects.filter(role=governed.role(8), user=governed.outsider).exists()
