"""What pages look like on the way: refused, drifted, wrong, running, asked about the past.

An address alone leads to none of these. Each function leads a window there; what happened before, it does
past the browser.
"""

import json
from collections.abc import Callable
from datetime import timedelta
from typing import NamedTuple

from django.core.files.uploadedfile import SimpleUploadedFile
from django.utils import timezone
from playwright.sync_api import Page, expect

from audit.models import Operation, Progress, Stage, State
from audit.recorder import administrative_operation, new_operation
from permissions import project_pipeline
from permissions.changes import SetPermissions, SetProjectMatrix
from tasks.admin.drafts import new_draft, preview_draft
from tasks.batch.change import Change
from tasks.changes import UpdateSettings
from tasks.models import Draft, Task
from tests.batches import apply, reasons
from tests.conftest import GIT_SCHEMA, ORIGIN, Governed
from tests.journeys.admin import steps
from tests.permissions.governance import set_in_project
from tests.visitors import confirm, draft_at, visit
from tests.visitors import page as address


Lead = Callable[[Page, Governed], None]


class Reached(NamedTuple):
    """Who is led there, and how; an empty name is nobody."""

    who: str
    lead: Lead


STATES: dict[str, Reached] = {}


def of(who: str) -> Callable[[Lead], Lead]:
    """Note how somebody is led to a state."""

    def note(lead: Lead) -> Lead:
        STATES[lead.__name__] = Reached(who, lead)
        return lead

    return note


def _uids(world: Governed) -> list[str]:
    found = Task.objects.filter(project=world.project).order_by("pk")
    return list(found.values_list("uid", flat=True))


def _set(branch: str) -> UpdateSettings:
    return UpdateSettings(patch={"repository": {"branch": branch}})


def _previewed(world: Governed, action: str, change: Change, uids: list[str]) -> Draft:  # type: ignore[type-arg]
    draft = new_draft(actor=world.manager, action=action, uids=uids)
    preview_draft(actor=world.manager, draft=draft, change=change, origin=ORIGIN)
    return draft


@of("")
def a_password_that_was_wrong(page: Page, world: Governed) -> None:
    page.goto("/admin/login/")
    page.get_by_label("Username").fill(world.outsider.username)
    page.get_by_label("Password").fill("wrong")
    page.keyboard.press("Enter")
    expect(page.get_by_text("Please enter the correct username")).to_be_visible()


@of("viewer")
def what_one_may_not_do(page: Page, world: Governed) -> None:
    page.goto(address("tasks_project_change_permissions", world.project.pk))
    expect(page.get_by_role("heading", name="You may not do this")).to_be_visible()


@of("viewer")
def what_is_not_there(page: Page, world: Governed) -> None:
    page.goto(address("tasks_task_history", 0))
    expect(page.get_by_role("heading", name="There is nothing here")).to_be_visible()


@of("manager")
def all_that_match(page: Page, world: Governed) -> None:
    page.goto(f"{address('tasks_task_choose')}?matching=1")
    expect(page.get_by_role("heading", name="what shall be done with them?")).to_be_visible()


@of("manager")
def no_choice(page: Page, world: Governed) -> None:
    page.goto(address("tasks_task_choose"))
    page.get_by_role("button", name="Choose these tasks").click()
    expect(page.get_by_role("alert")).to_be_visible()


@of("manager")
def no_file(page: Page, world: Governed) -> None:
    page.goto(address("tasks_task_import_file"))
    page.get_by_role("button", name="Preview").click()
    expect(page.get_by_role("alert")).to_be_visible()


@of("manager")
def a_file_with_rows_that_are_wrong(page: Page, world: Governed) -> None:
    row = f"{world.project.name},{world.task_type.key}"
    text = f"name,project,type\nfine,{row}\n{'x' * 300},{row}\n"
    file = SimpleUploadedFile("tasks.csv", text.encode())
    sent = visit(world.manager).post(address("tasks_task_import_file"), {"import_file": file})
    page.goto(sent.headers["Location"])
    expect(page.get_by_role("region", name="Rows that cannot become tasks")).to_be_visible()
    expect(page.get_by_role("button", name="Add 1 task")).to_be_visible()


@of("manager")
def settings_that_are_wrong(page: Page, world: Governed) -> None:
    draft = new_draft(actor=world.manager, action="change_settings", uids=_uids(world))
    page.goto(address("tasks_task_draft", draft.pk))
    steps.set_branch(page, "")
    expect(page.get_by_text("This cannot be previewed yet")).to_be_visible()


@of("manager")
def warnings_and_what_stands_in_the_way(page: Page, world: Governed) -> None:
    change = SetPermissions(flags={8: {"is_delete": True}})
    uids = [*_uids(world), "0" * 24]
    draft = _previewed(world, "change_permissions", change, uids)
    page.goto(address("tasks_task_draft_preview", draft.pk))
    expect(page.get_by_role("region", name="Warnings")).to_be_visible()
    expect(page.get_by_text("1 cannot be changed.")).to_be_visible()


@of("manager")
def nothing_that_can_be_changed(page: Page, world: Governed) -> None:
    draft = _previewed(world, "change_settings", _set("main"), ["0" * 24])
    page.goto(address("tasks_task_draft_preview", draft.pk))
    expect(page.get_by_text("None of these tasks can be changed.")).to_be_visible()


@of("manager")
def drift(page: Page, world: Governed) -> None:
    draft = _previewed(world, "change_settings", _set("drifting"), _uids(world))
    shown = visit(world.manager)
    apply(world.developer, _set("meanwhile"), _uids(world)[:1])
    confirm(shown, draft)
    page.goto(address("tasks_task_draft_preview", draft.pk))
    expect(page.get_by_role("alert")).to_contain_text("1 task changed since the preview.")


@of("manager")
def an_undo_with_conflicts(page: Page, world: Governed) -> None:
    applied = apply(world.manager, _set("undone"), _uids(world))
    apply(world.developer, _set("since"), _uids(world)[:1])
    undo = address("audit_operation_undo", applied.operation.pk)
    draft = draft_at(visit(world.manager).post(undo))
    page.goto(address("tasks_task_draft_preview", draft.pk))
    expect(page.get_by_role("button", name="Also undo the 1 changed since")).to_be_visible()


@of("manager")
def a_draft_that_is_gone(page: Page, world: Governed) -> None:
    page.goto(address("tasks_task_draft", "0" * 8 + "-0000-0000-0000-" + "0" * 12))
    expect(page.get_by_text("There is no such draft.")).to_be_visible()


@of("manager")
def an_operation_that_runs(page: Page, world: Governed) -> None:
    running = new_operation(
        actor=world.manager, kind="update_settings", origin=ORIGIN, at=timezone.now()
    )
    running.state, running.targets, running.started_at = State.RUNNING, 3, running.created_at
    running.save(force_insert=True)
    Progress.objects.create(
        operation=running, stage=Stage.JUDGING, done=1, total=3, updated_at=timezone.now()
    )
    page.goto(address("audit_operation_change", running.pk))
    expect(page.get_by_role("progressbar", name="Progress")).to_be_visible()


@of("viewer")
def an_operation_that_was_refused(page: Page, world: Governed) -> None:
    reasons(world.viewer, _set("forbidden"), _uids(world))
    refused = Operation.objects.filter(actor=world.viewer, state=State.REFUSED)
    page.goto(address("audit_operation_change", refused.latest("created_at").pk))
    expect(page.get_by_role("status")).to_have_text("Refused: nothing was changed.")


@of("manager")
def an_undo_of_a_projects_permissions(page: Page, world: Governed) -> None:
    change = SetProjectMatrix(project_uid=world.project.uid, flags={8: {"is_copy": True}})
    done = project_pipeline.apply(actor=world.manager, change=change, origin=ORIGIN).operation
    undo = address("audit_operation_undo_permissions", done.pk)
    page.goto(undo)
    expect(page.get_by_role("button", name="Apply")).to_be_visible()
    set_in_project(world, 8, is_execute=True)
    page.goto(undo)
    expect(page.get_by_role("alert")).to_be_visible()


@of("manager")
def a_token_that_cannot_be(page: Page, world: Governed) -> None:
    page.goto(address("permissions_apitoken_add"))
    page.get_by_role("button", name="Make the token").click()
    expect(page.get_by_text("This field is required.").first).to_be_visible()


@of("manager")
def a_token_shown_once(page: Page, world: Governed) -> None:
    page.goto(address("permissions_apitoken_add"))
    page.get_by_label("Name").fill("shown once")
    page.get_by_label("tasks:read").check()
    page.get_by_role("button", name="Make the token").click()
    expect(page.get_by_role("button", name="Copy the token")).to_be_visible()


@of("manager")
def why_not(page: Page, world: Governed) -> None:
    task = Task.objects.filter(project=world.project).earliest("pk")
    asked = f"?user={world.viewer.username}&flag=delete_task"
    page.goto(f"{address('tasks_task_why', task.pk)}{asked}")
    expect(page.get_by_role("heading", name="No.")).to_be_visible()


def _save_schema(page: Page, world: Governed, text: str) -> None:
    page.goto(address("tasks_tasktype_change", world.task_type.pk))
    page.get_by_label("Schema").fill(text)
    page.get_by_role("button", name="Save", exact=True).click()


@of("superuser")
def a_schema_that_is_none(page: Page, world: Governed) -> None:
    _save_schema(page, world, "{")
    expect(page.get_by_text("not JSON")).to_be_visible()


@of("superuser")
def a_schema_that_breaks_tasks(page: Page, world: Governed) -> None:
    _save_schema(page, world, json.dumps({**GIT_SCHEMA, "required": ["owner"]}))
    expect(page.get_by_role("heading", name="Tasks that would no longer satisfy")).to_be_visible()


@of("superuser")
def what_another_has_changed_since(page: Page, world: Governed) -> None:
    page.goto(address("tasks_tasktype_change", world.task_type.pk))
    world.task_type.description = "changed meanwhile"
    with administrative_operation(actor=world.admin, kind="change_tasktype", origin=ORIGIN):
        world.task_type.save()
    page.get_by_role("button", name="Save", exact=True).click()
    expect(page.get_by_role("heading", name="What was changed since you opened")).to_be_visible()


@of("auditor")
def two_moments_of_a_task(page: Page, world: Governed) -> None:
    task = Task.objects.filter(project=world.project).earliest("pk")
    first, last = steps.moments_of(task)
    page.goto(f"{address('tasks_task_past', task.pk)}?at={first}&compared_with={last}")
    expect(page.get_by_role("heading", name="What differs in settings")).to_be_visible()


@of("auditor")
def what_somebody_could_do(page: Page, world: Governed) -> None:
    _, last = steps.moments_of(Task.objects.filter(project=world.project).earliest("pk"))
    page.goto(f"{address('auth_user_past', world.developer.pk)}?at={last}")
    expect(page.get_by_role("table")).to_be_visible()


@of("auditor")
def operations_found_by_filters(page: Page, world: Governed) -> None:
    asked = f"?project={world.project.uid}&role=8&flag=is_execute"
    page.goto(f"{address('audit_operation_changelist')}{asked}")
    title = Operation(kind="set_permissions").title
    expect(page.locator("#result_list").get_by_role("link", name=title)).to_be_visible()


@of("auditor")
def an_operation_with_diffs(page: Page, world: Governed) -> None:
    found = Operation.objects.filter(kind="set_permissions", state=State.APPLIED)
    page.goto(address("audit_operation_change", found.earliest("created_at").pk))
    expect(page.locator("#changed del").first).to_be_visible()


@of("auditor")
def when_operations_were_asked_for(page: Page, world: Governed) -> None:
    now = timezone.now()
    early = new_operation(
        actor=world.manager, kind="update_settings", origin=ORIGIN, at=now - timedelta(hours=3)
    )
    early.state, early.finished_at = State.REFUSED, now
    early.save(force_insert=True)
    page.goto(address("audit_operation_changelist"))
    chart = page.get_by_role("region", name="When, and by whom")
    expect(chart.locator("canvas")).to_be_visible()
    chart.get_by_text("As a table").press("Enter")
    expect(chart.get_by_role("columnheader", name="Refused")).to_be_visible()


@of("viewer")
def what_others_did_to_ones_tasks(page: Page, world: Governed) -> None:
    page.goto(address("tasks_task_changes"))
    expect(page.get_by_role("link", name="permissions of task").first).to_be_visible()
