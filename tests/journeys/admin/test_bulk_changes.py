"""From a choice in the list to a change, and back."""

from collections import Counter

import httpx
from playwright.sync_api import expect

from permissions.changes import SetPermissions
from tasks.changes import UpdateSettings
from tasks.models import Task
from tests.batches import apply as apply_change
from tests.conftest import Governed
from tests.journeys.admin import steps
from tests.journeys.admin.chromium import Windows
from tests.journeys.live import Process
from tests.tasks.api.caller import SETTINGS_TASKS, update
from tests.tokens import issue


def branches(governed: Governed) -> Counter[str]:
    """Return how many of the project's tasks have which branch."""
    tasks = Task.objects.filter(project=governed.project)
    return Counter(tasks.values_list("settings__repository__branch", flat=True))


def test_settings_drift_and_undo(windows: Windows, governed: Governed) -> None:
    first, *_ = governed.add_tasks(60)
    page = windows.open(governed.manager)
    steps.choose_all(page, "Change settings", count=60)
    steps.set_branch(page, "release/5")
    expect(page.get_by_text("60 tasks in 1 project would change.")).to_be_visible()

    another = UpdateSettings(patch={"repository": {"branch": "hotfix"}})
    apply_change(governed.developer, another, [first])
    steps.apply(page)
    expect(page.get_by_role("alert")).to_contain_text("1 task changed since the preview.")
    expect(page.get_by_text("changed since the preview", exact=True)).to_have_count(1)
    assert branches(governed) == {"develop": 59, "hotfix": 1}

    page.get_by_role("button", name="Preview again").click()
    steps.apply(page)
    expect(page.get_by_role("status")).to_have_text("All 60 tasks were changed.")
    assert branches(governed) == {"release/5": 60}

    page.get_by_role("button", name="Undo", exact=True).click()
    expect(page.get_by_text("60 tasks in 1 project would change.")).to_be_visible()
    steps.apply(page)
    expect(page.get_by_role("status")).to_have_text("All 60 tasks were changed.")
    assert branches(governed) == {"develop": 59, "hotfix": 1}


def test_granted_rights_hold_in_the_api_at_once(
    windows: Windows, governed: Governed, server: Process
) -> None:
    first, *others = governed.add_tasks(3)
    apply_change(governed.manager, SetPermissions(flags={8: {"is_modify": True}}), [first])
    page = windows.open(governed.manager)
    program = {"Authorization": f"Bearer {issue(governed.viewer).secret}"}
    with httpx.Client(base_url=server.url, headers=program) as client:
        assert client.post(SETTINGS_TASKS, json=update(others)).status_code == 403
        steps.choose(page, "Change permissions", count=3)
        cell = page.get_by_role("button", name="Viewer: modify, now on 1 of 3")
        expect(cell).to_have_text("1/3")
        cell.press("Enter")
        expect(page.locator("[data-cells-said]")).to_contain_text("to grant")
        page.get_by_role("button", name="Preview").click()
        expect(page.get_by_text("2 tasks in 1 project would change.")).to_be_visible()
        steps.apply(page)
        expect(page.get_by_role("status")).to_contain_text("2 of 3 tasks were changed")
        assert client.post(SETTINGS_TASKS, json=update(others)).status_code == 200


def test_everything_works_without_scripts(windows: Windows, governed: Governed) -> None:
    uids = governed.add_tasks(2)
    page = windows.open(governed.manager, java_script_enabled=False)
    page.goto(steps.LIST)
    page.get_by_role("link", name="Choose by id").click()
    page.get_by_role("textbox", name="Ids").fill(" ".join(uids))
    page.locator("select[name=action]").select_option(label="Change settings")
    page.get_by_role("button", name="Choose these tasks").click()
    steps.set_branch(page, "release/5")
    steps.apply(page)
    expect(page.get_by_role("status")).to_have_text("All 2 tasks were changed.")
    assert branches(governed) == {"release/5": 2}
