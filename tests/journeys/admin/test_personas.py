"""What those see who may little: nothing, all without changing any, or all that happened."""

import pytest
from playwright.sync_api import Page, expect

from audit.models import Operation, State
from permissions.models import ApiToken, Role, RolePermission
from tasks.admin.drafts import new_draft
from tasks.changes import UpdateSettings
from tasks.models import Task, TaskType
from tests.batches import apply as apply_change
from tests.conftest import Governed
from tests.journeys.admin import steps
from tests.journeys.admin.chromium import Windows
from tests.tokens import issue
from tests.visitors import auditor, persona
from tests.visitors import page as address


MAIN = UpdateSettings(patch={"repository": {"branch": "main"}})


def test_the_outsider_sees_nothing(windows: Windows, governed: Governed) -> None:
    uids = governed.add_tasks(1)
    operation = apply_change(governed.manager, MAIN, uids).operation
    page = windows.open(governed.outsider)
    page.goto("/admin/")
    expect(page.get_by_text("You hold no role in any project yet")).to_be_visible()
    page.goto(steps.LIST)
    expect(page.get_by_text("So far there are none")).to_be_visible()
    hidden = (
        address("tasks_task_change", Task.objects.get(uid=uids[0]).pk),
        address("tasks_project_change", governed.project.pk),
        address("audit_operation_change", operation.pk),
    )
    for each in hidden:
        page.goto(each)
        expect(page).to_have_url(f"{windows.url}/admin/")
        expect(page.get_by_text("or you may not see it")).to_be_visible()
    page.goto(address("tasks_task_choose"))
    expect(page.get_by_role("heading", name="You may not do this")).to_be_visible()


def test_the_viewer_changes_nothing(windows: Windows, governed: Governed) -> None:
    (uid,) = governed.add_tasks(1)
    task = Task.objects.get(uid=uid)
    page = windows.open(governed.viewer)
    page.goto(steps.LIST)
    page.locator("#action-toggle").check()
    offered = page.get_by_label("Select action to run").get_by_role("option")
    assert offered.all_inner_texts() == ["Select action", "Export"]
    page.goto(address("tasks_task_change", task.pk))
    expect(page.get_by_role("heading", name="Permissions")).to_be_visible()
    buttons = page.locator("#content form[method=post]").get_by_role("button")
    expect(buttons).to_have_count(1)
    expect(buttons).to_contain_text("Export")
    page.goto(address("tasks_project_change_permissions", governed.project.pk))
    expect(page.get_by_role("heading", name="You may not do this")).to_be_visible()


def test_the_auditor_reads_what_happened_and_changes_nothing(
    windows: Windows, governed: Governed
) -> None:
    (uid,) = governed.add_tasks(1)
    operation = apply_change(governed.manager, MAIN, [uid]).operation
    page = windows.open(auditor())
    page.goto("/admin/")
    expect(page.get_by_text("You read everything that happened")).to_be_visible()
    page.goto(address("audit_operation_change", operation.pk))
    expect(page.get_by_text(governed.manager.username).first).to_be_visible()
    page.get_by_role("link", name=f"task {uid}").click()
    expect(page.get_by_text("develop").first).to_be_visible()
    page.goto(address("audit_operation_change", operation.pk))
    expect(page.get_by_role("button", name="Undo", exact=True)).to_have_count(0)
    page.goto(steps.LIST)
    expect(page.locator("#action-toggle")).to_have_count(0)


def post(page: Page, path: str, **fields: str) -> int:
    """Send a form that no page has, from the page that is open; return how it is answered."""
    with page.expect_navigation() as answered:
        page.evaluate(
            """([action, fields]) => {
              const form = Object.assign(document.createElement("form"), { method: "post", action });
              for (const [name, value] of Object.entries(fields)) {
                form.append(Object.assign(document.createElement("input"), { name, value }));
              }
              document.body.append(form);
              form.submit();
            }""",
            [path, fields],
        )
    answer = answered.value
    assert answer is not None
    return answer.status


def what_is(governed: Governed) -> list[object]:
    """Return all that the crafted requests are about, as it stands."""
    return [
        list(Task.objects.filter(project=governed.project).values()),
        list(Role.objects.filter(project=governed.project).order_by("pk").values()),
        list(RolePermission.objects.filter(matrix__project=governed.project).values()),
        list(TaskType.objects.filter(pk=governed.task_type.pk).values()),
        list(ApiToken.objects.filter(owner=governed.manager).values()),
        list(
            Operation.objects.exclude(state=State.REFUSED).values_list(
                "kind", "state", "actor_name"
            )
        ),
    ]


@pytest.mark.parametrize("name", ["viewer", "auditor", "outsider"])
def test_what_is_sent_past_the_pages_is_refused(
    windows: Windows, governed: Governed, name: str
) -> None:
    (uid,) = governed.add_tasks(1)
    made = apply_change(governed.manager, MAIN, [uid]).operation
    token = issue(governed.manager).token
    draft = new_draft(actor=governed.manager, action="disable", uids=[uid])
    toggled = f"{address('tasks_project_preview_permissions', governed.project.pk)}?grant=8.is_copy"
    crafted = {
        address("tasks_task_choose"): {"action": "disable", "uids": uid},
        address("tasks_task_draft", draft.pk): {"reason": "mine"},
        address("tasks_task_draft_preview", draft.pk): {"apply": "0" * 64},
        address("tasks_task_import_file"): {"format": "0"},
        toggled: {"fingerprint": "0" * 64},
        address("tasks_tasktype_change", governed.task_type.pk): {"name": "mine", "schema": "{}"},
        address("permissions_role_change", governed.role(8).pk): {"name": "mine"},
        address("permissions_apitoken_revoke", token.pk): {},
        address("audit_operation_undo", made.pk): {},
        address("audit_operation_cancel", made.pk): {},
    }
    user = persona(name, governed=governed)
    page = windows.open(user)
    before = what_is(governed)
    page.goto("/admin/")
    own = {"csrfmiddlewaretoken": page.locator("[name=csrfmiddlewaretoken]").first.input_value()}
    answers = {path: post(page, path, **own, **fields) for path, fields in crafted.items()}
    # A viewer gets as far as pages that say so.
    said = {toggled, address("tasks_task_choose")} if name == "viewer" else set()
    assert {path for path, status in answers.items() if status < 400} == said
    assert what_is(governed) == before
    refused = Operation.objects.filter(
        actor=user, state=State.REFUSED, created_at__gt=made.created_at
    )
    assert {"choose_tasks", "use_draft"} <= set(refused.values_list("kind", flat=True))
