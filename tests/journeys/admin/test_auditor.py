"""What an auditor reads: who changed what, all that is known of a task and of a person, then and now."""

import hashlib
import json
from datetime import UTC
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from django.contrib.auth.models import Group, User
from playwright.sync_api import Page, expect

from audit.models import Operation, State
from audit.visibility import AUDITORS
from tasks.changes import UpdateSettings
from tasks.models import Task
from tests.batches import apply
from tests.conftest import Governed
from tests.journeys.admin import steps
from tests.journeys.admin.chromium import Windows
from tests.permissions.governance import VIEWER, change
from tests.visitors import auditor
from tests.visitors import page as address


TOKYO = ZoneInfo("Asia/Tokyo")
OPERATIONS = "/admin/audit/operation/"


@pytest.fixture
def task(governed: Governed) -> Task:
    """A task whose settings and permissions were changed."""
    (uid,) = governed.add_tasks(1)
    apply(governed.developer, UpdateSettings(patch={"repository": {"branch": "main"}}), [uid])
    change(governed.manager, [uid], flags={VIEWER: {"is_execute": True}})
    return Task.objects.get(uid=uid)


def filter_by_flag_of_role(page: Page, governed: Governed) -> None:
    """Look for what gave or took execute of the viewers of the project."""
    page.goto(OPERATIONS)
    steps.button(page, "Filters")
    filters = page.locator("#changelist-filter")
    filters.get_by_label("By project (name or id)").fill(governed.project.name)
    filters.get_by_label("By role (name or code)").fill("Viewer")
    filters.get_by_role("combobox", name="By flag").press("Enter")
    page.get_by_role("searchbox", name="Search").press_sequentially("Execute")
    page.keyboard.press("Enter")
    filters.get_by_role("button", name="Apply Filters").press("Enter")
    expect(page.locator("#result_list").get_by_role("rowheader")).to_have_count(1)


def test_a_list_is_filtered_shared_and_exported_whole(
    windows: Windows, governed: Governed, task: Task, tmp_path: Path
) -> None:
    page = windows.open(auditor(), timezone_id=str(TOKYO), locale="en-GB")
    filter_by_flag_of_role(page, governed)
    operation = Operation.objects.get(kind="set_permissions", actor=governed.manager)
    when = page.locator("#result_list time")
    expect(when).to_contain_text(f"{operation.created_at.astimezone(TOKYO):%H:%M:%S}")
    utc = f"{operation.created_at.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC"
    expect(when).to_have_attribute("title", utc)
    colleague = User.objects.create_user(f"{governed.project.name}-colleague")
    colleague.groups.add(Group.objects.get(name=AUDITORS))
    shared = windows.open(colleague)
    shared.goto(page.url)
    # Who gets the link is told what the list was asked for.
    expect(shared.locator(".bh-only")).to_contain_text("role Viewer")
    row = shared.locator("#result_list").get_by_role("row", name=governed.manager.username)
    expect(row).to_have_count(1)
    with page.expect_download() as download:
        page.get_by_role("link", name="export as JSON Lines").press("Enter")
    file = tmp_path / download.value.suggested_filename
    download.value.save_as(file)
    *lines, last = file.read_bytes().splitlines(keepends=True)
    manifest = json.loads(last)["manifest"]
    assert {json.loads(line)["operation"]["id"] for line in lines} == {str(operation.pk)}
    assert manifest["rows"] == len(lines)
    assert manifest["sha256"] == hashlib.sha256(b"".join(lines)).hexdigest()
    assert manifest["asked"]["role"] == "Viewer"


def test_from_an_operation_to_the_history_of_the_task_and_of_who_did_it(
    windows: Windows, governed: Governed, task: Task
) -> None:
    operation = Operation.objects.get(kind="update_settings", actor=governed.developer)
    page = windows.open(auditor())
    page.goto(address("audit_operation_change", operation.pk))
    changed = page.locator("#changed")
    expect(changed.locator("del")).to_have_text("develop")
    expect(changed.locator("ins")).to_have_text("main")
    changed.get_by_role("link").first.press("Enter")
    expect(page.get_by_role("heading", name=f"History: task {task.name}")).to_be_visible()
    expect(page.locator(".bh-timeline > li")).to_have_count(4)
    page.go_back()
    page.get_by_role("link", name="history of the account").press("Enter")
    expect(page.get_by_text(f"user {governed.developer.username}").first).to_be_visible()
    about = page.get_by_role("navigation", name="About this person")
    about.get_by_role("link").nth(1).press("Enter")
    expect(page.get_by_role("link", name=operation.title)).to_be_visible()
    about.get_by_role("link").last.press("Enter")
    page.get_by_role("button", name="Show").press("Enter")
    could = page.get_by_role("region", name="What they could do, and why")
    could.get_by_role("link", name=governed.project.name).press("Enter")
    expect(could.get_by_role("rowheader", name=f"{task.name} in")).to_be_visible()


def test_two_moments_are_asked_about_and_compared(
    windows: Windows, governed: Governed, task: Task
) -> None:
    page = windows.open(auditor())
    page.goto("/admin/")
    page.get_by_role("searchbox", name="Find").press_sequentially(task.name)
    page.keyboard.press("Enter")
    page.get_by_role("link", name=f"history of {task.name}").press("Enter")
    page.get_by_role("link", name="What was so at a moment?").press("Enter")
    page.get_by_role("button", name="Show").press("Enter")
    then = page.get_by_role("region", name="Who could do what, and why")
    expect(then.get_by_role("rowheader", name=governed.viewer.username)).to_be_visible()
    made, now = steps.moments_of(task)
    # In one second, all of it happened; a link tells more of a moment than a field does.
    page.goto(f"{page.url.partition('?')[0]}?at={made}&compared_with={now}")
    settings = page.get_by_role("region", name="What differs in settings")
    branch = settings.get_by_role("row", name="/repository/branch")
    expect(branch.get_by_role("cell")).to_have_text(["develop", "main"])
    rights = page.get_by_role("region", name="Whose rights differ")
    expect(rights.get_by_role("row", name=governed.viewer.username)).to_contain_text("Execute")
    page.goto(f"{page.url.partition('?')[0]}?at={made}")
    page.get_by_role("link", name="Compare with now").press("Enter")
    expect(branch.get_by_role("cell")).to_have_text(["develop", "main"])
    assert not Operation.objects.filter(actor=auditor(), state=State.APPLIED).exclude(
        kind__startswith="export_trail"
    )
