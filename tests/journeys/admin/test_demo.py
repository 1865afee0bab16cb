"""Through the demo as `make run` serves it; BULKHEAD_IMAGES may name a folder for pictures of it."""

import base64
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.journeys.admin import steps
from tests.journeys.admin.chromium import NARROW, Windows
from tests.journeys.live import ROOT, on_its_own_database, web_server


SIZE = (1280, 800)
LARGEST = 150_000


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, str]]:
    """The address of the demo on a database of its own, and its accounts' password."""
    data = tmp_path_factory.mktemp("demo")
    environment = on_its_own_database(data)
    prepare = [sys.executable, "manage.py", "prepare_demo"]
    subprocess.run(prepare, cwd=ROOT, env=environment, check=True, stdout=subprocess.DEVNULL)
    with web_server(environment=environment) as server:
        yield server.url, (data / "demo_password").read_text()


@pytest.fixture
def demo_windows(browser: Browser, demo: tuple[str, str]) -> Iterator[Windows]:
    """Windows on the demo."""
    windows = Windows(browser, demo[0])
    yield windows
    windows.close()
    assert windows.troubles == []


def take(page: Page, name: str) -> None:
    """Take a picture of what the window shows, if pictures are wanted."""
    folder = os.environ.get("BULKHEAD_IMAGES")
    if not folder:
        return
    page.mouse.move(0, 0)
    session = page.context.new_cdp_session(page)
    taken = session.send("Page.captureScreenshot", {"format": "webp", "quality": 82})
    image = base64.b64decode(taken["data"])
    assert len(image) <= LARGEST, f"{name} has {len(image)} bytes"
    Path(ROOT, folder).mkdir(parents=True, exist_ok=True)
    Path(ROOT, folder, f"{name}.webp").write_bytes(image)


def sign_in(page: Page, password: str) -> None:
    """Sign in as the demo's manager."""
    page.goto("/admin/login/")
    page.get_by_label("Username").fill("manager")
    page.get_by_label("Password").fill(password)
    page.keyboard.press("Enter")
    expect(page.get_by_text("Recent operations")).to_be_visible()


def test_the_demo_leads_from_the_list_to_the_result(
    demo: tuple[str, str], demo_windows: Windows
) -> None:
    page = demo_windows.open(size=SIZE)
    sign_in(page, demo[1])
    take(page, "home")
    page.goto(f"{steps.LIST}?q=tickets")
    page.locator("#action-toggle").check()
    take(page, "tasks")
    page.get_by_label("Select action to run").select_option(label="Change settings")
    page.get_by_role("button", name="Run", exact=True).click()
    page.get_by_role("radiogroup", name="Branch").get_by_label("Set").check()
    page.locator("[name='value/repository/branch']").fill("release/5.0")
    take(page, "settings")
    page.get_by_role("button", name="Preview").click()
    expect(page.get_by_role("heading", name="Task by task")).to_be_visible()
    take(page, "preview")
    page.get_by_label("Leave the").check()
    page.get_by_label("Why").fill("Release 5 is out")
    page.get_by_role("button", name="Apply").click()
    expect(page.get_by_role("status")).to_contain_text("changed")
    take(page, "operation")


def test_the_demo_shows_permissions_and_explains_them(
    demo: tuple[str, str], demo_windows: Windows
) -> None:
    page = demo_windows.open(size=SIZE, theme="dark")
    sign_in(page, demo[1])
    page.goto(f"{steps.LIST}?q=tickets")
    page.locator("#action-toggle").check()
    page.get_by_label("Select action to run").select_option(label="Change permissions")
    page.get_by_role("button", name="Run", exact=True).click()
    page.get_by_role("button", name=re.compile("Viewer: Execute")).click()
    take(page, "permissions")
    page.goto(f"{steps.LIST}?q=tickets")
    page.locator("#result_list").get_by_role("link").nth(1).click()
    take(page, "task")


def test_the_demo_fits_a_telephone(demo: tuple[str, str], demo_windows: Windows) -> None:
    page = demo_windows.open(size=NARROW)
    sign_in(page, demo[1])
    take(page, "home-narrow")
    for address in ("/admin/", steps.LIST, "/admin/audit/operation/"):
        page.goto(address)
        width = page.evaluate("document.documentElement.scrollWidth")
        assert width <= NARROW[0], f"{address} is {width} wide"
