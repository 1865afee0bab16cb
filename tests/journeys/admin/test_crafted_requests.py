"""What the forms do not offer, sent all the same: refused, recorded, and without effect."""

from collections.abc import Sequence

from django.contrib.auth.models import User
from playwright.sync_api import Page, expect

from audit.models import Operation, State
from permissions.changes import SetPermissions
from permissions.models import RolePermission
from tasks.batch.plan import Reason
from tasks.models import Draft, Task
from tests.batches import apply as apply_change
from tests.conftest import Governed, build_governed
from tests.journeys.admin import steps
from tests.journeys.admin.chromium import Windows


NOBODYS = "0" * 64


def send(page: Page, form: str, **fields: str) -> None:
    """Send the form with fields that the page has not, as who edits the page can."""
    page.locator(form).evaluate(
        """(form, fields) => {
          for (const [name, value] of Object.entries(fields)) {
            form.append(Object.assign(document.createElement("input"), { name, value }));
          }
          HTMLFormElement.prototype.submit.call(form);
        }""",
        fields,
    )


def choose_by_id(page: Page, uids: Sequence[str]) -> None:
    """Choose these tasks for another branch, and preview it."""
    page.goto("/admin/tasks/task/drafts/")
    page.get_by_role("textbox", name="Ids").fill(" ".join(uids))
    page.locator("select[name=action]").select_option(label="Change settings")
    page.get_by_role("button", name="Choose these tasks").click()
    expect(page.get_by_role("button", name="Preview")).to_be_visible()


def refused(actor: User) -> tuple[str, list[str]]:
    """Return the kind of the actor's only recorded operation, which was refused, and the reasons."""
    operation = Operation.objects.get(actor=actor)
    assert operation.state == State.REFUSED
    return operation.kind, sorted({each["code"] for each in operation.refusals})


def test_tasks_of_another_project_stay_as_they_are(windows: Windows, governed: Governed) -> None:
    other = build_governed(f"{governed.project.name}-other")
    theirs = other.add_tasks(2)
    page = windows.open(governed.developer)
    choose_by_id(page, theirs)
    send(page, ".bh-form", way="patch", text='{"repository": {"branch": "mine"}}')
    expect(page.get_by_text("None of these tasks can be changed.")).to_be_visible()
    expect(page.get_by_role("button", name="Apply")).to_have_count(0)
    send(page, ".bh-confirm", apply=Draft.objects.get(actor=governed.developer).fingerprint)
    expect(page.get_by_text("Nothing was applied")).to_be_visible()
    assert refused(governed.developer) == ("update_settings", [Reason.NOT_FOUND])
    assert not Task.objects.filter(project=other.project, version__gt=1).exists()


def test_a_fingerprint_of_another_preview_applies_nothing(
    windows: Windows, governed: Governed
) -> None:
    uids = governed.add_tasks(2)
    page = windows.open(governed.developer)
    for chosen in (uids[:1], uids):
        choose_by_id(page, chosen)
        steps.set_branch(page, "release/5")
        expect(page.get_by_role("button", name="Apply")).to_be_visible()
    other = Draft.objects.filter(actor=governed.developer).earliest("created_at")
    send(page, ".bh-confirm", apply=other.fingerprint)
    expect(page.get_by_role("button", name="Preview again")).to_be_visible()
    assert refused(governed.developer) == ("update_settings", ["drifted"])
    assert not Task.objects.filter(project=governed.project, version__gt=1).exists()


def test_a_flag_that_one_does_not_hold_is_not_granted(windows: Windows, governed: Governed) -> None:
    first, _ = governed.add_tasks(2)
    apply_change(governed.admin, SetPermissions(flags={3: {"is_execute": False}}), [first])
    page = windows.open(governed.manager)
    steps.choose(page, "Change permissions", count=2)
    page.get_by_role("button", name="Viewer: execute").press("Enter")
    page.get_by_role("button", name="Preview").click()
    expect(page.get_by_role("button", name="Apply to the 1 that can")).to_be_visible()
    draft = Draft.objects.get(actor=governed.manager)
    send(page, ".bh-confirm", apply=draft.fingerprint, leave_others="on")
    expect(page.get_by_text("Nothing was applied")).to_be_visible()
    assert refused(governed.manager) == ("set_permissions", [Reason.NOT_HELD])
    viewers = RolePermission.objects.filter(role=governed.role(8), is_execute=True)
    assert not viewers.exists()


def test_a_selection_is_not_forged(windows: Windows, governed: Governed) -> None:
    other = build_governed(f"{governed.project.name}-other")
    (theirs,) = other.add_tasks(1)
    governed.add_tasks(1)
    page = windows.open(governed.developer)
    page.goto(steps.LIST)
    box = page.get_by_role("checkbox", name="Select record")
    box.evaluate("(box, key) => { box.value = key }", str(Task.objects.get(uid=theirs).pk))
    box.check()
    page.get_by_label("Select action to run").select_option(label="Enable")
    page.get_by_role("button", name="Run", exact=True).click()
    expect(page.get_by_text("None of these tasks is there any more")).to_be_visible()
    assert refused(governed.developer)[0] == "choose_tasks"
