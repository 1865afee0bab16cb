"""Every page of the admin that writes leaves a record, and no other page changes anything.

The pages are those that the site serves: one that is neither walked nor known to write nothing fails.
"""

import json
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import models
from django.forms import BaseForm
from django.test import Client

from audit.models import Operation, State
from permissions import project_pipeline
from permissions.changes import SetProjectMatrix
from permissions.sign_ins import setting_password
from tests.admin_world import addresses, pages, populate
from tests.audit.walked import Estate, assert_recorded, unrecorded
from tests.conftest import GIT_SCHEMA, ORIGIN, Governed
from tests.permissions.admin.test_project_permissions import confirmed, preview
from tests.visitors import choose, confirm, draft_at, page, visit, write_down


Walk = Callable[[Client, Estate], Any]

NO_MEMBERS = {
    "members-TOTAL_FORMS": 0,
    "members-INITIAL_FORMS": 0,
    "members-MIN_NUM_FORMS": 0,
    "members-MAX_NUM_FORMS": 1000,
}
PASSWORD = {"usable_password": "true", "password1": "a long phrase", "password2": "a long phrase"}


def saved(of: Callable[[Estate], models.Model], **typed: str) -> Walk:
    """Return the walk that saves the page of an object, with something else typed into it."""

    def save(client: Client, estate: Estate) -> Any:
        meta, key = of(estate)._meta, of(estate).pk
        address = page(f"{meta.app_label}_{meta.model_name}_change", key)
        return client.post(address, {**sent_by(client.get(address)), **typed})

    return save


def sent_by(response: Any) -> dict[str, Any]:
    """Return what a browser would send if the visitor changed nothing in the form."""
    forms: list[BaseForm] = [response.context["adminform"].form]
    for inline in response.context["inline_admin_formsets"]:
        forms += [inline.formset.management_form, *inline.formset.forms]
    return {name: value for form in forms for name, value in _values(form)}


def _values(form: BaseForm) -> Iterator[tuple[str, Any]]:
    for bound in form:
        value = bound.value()
        if isinstance(value, bool):
            value = "on" if value else None
        elif isinstance(value, list | models.QuerySet):
            value = [getattr(each, "pk", each) for each in value]
        elif isinstance(value, dict):
            value = json.dumps(value)
        if value is not None:
            yield bound.html_name, value


def sent(page_name: str, of: Callable[[Estate], Any] | None = None, /, **form: Any) -> Walk:
    """Return the walk that sends a form to a page, about an object if it is about one."""
    return lambda client, estate: client.post(
        page(page_name, *([of(estate).pk] if of else [])), form
    )


def add_role(client: Client, estate: Estate) -> Any:
    form = {"project": estate.governed.project.pk, "name": "Captain", "code": "", **NO_MEMBERS}
    return client.post(page("permissions_role_add"), form)


def change_own_password(client: Client, estate: Estate) -> Any:
    admin = User.objects.get(pk=estate.governed.admin.pk)
    admin.set_password("the former phrase")
    with setting_password():
        admin.save()
    client.force_login(admin)
    form = {"old_password": "the former phrase"}
    form |= {"new_password1": "another phrase", "new_password2": "another phrase"}
    return client.post(page("password_change"), form)


def permit_in_project(client: Client, estate: Estate) -> Any:
    return confirmed(client, preview(estate.governed.project, grant="8.is_execute"))


def undo_in_project(client: Client, estate: Estate) -> Any:
    change = Operation.objects.get(kind="set_project_matrix")
    return confirmed(client, page("audit_operation_undo_permissions", change.pk))


def disable(client: Client, estate: Estate) -> Any:
    draft = choose(client, "disable", estate.uids)
    write_down(client, draft, {"reason": "frozen"})
    return confirm(client, draft)


def undo(client: Client, estate: Estate) -> Any:
    return confirm(client, draft_at(client.post(page("audit_operation_undo", estate.applied.pk))))


def import_tasks(client: Client, estate: Estate) -> Any:
    governed = estate.governed
    row = f"built,{governed.project.name},{governed.task_type.key}\n"
    file = SimpleUploadedFile("tasks.csv", f"name,project,type\n{row}".encode())
    looked = client.post(page("tasks_task_import_file"), {"import_file": file})
    address = looked.headers["Location"]
    mark = client.get(address).context["told"].mark
    return client.post(address, {"mark": mark})


TOKEN = {"name": "made", "scopes": ["tasks:read"], "days": 30, "networks": ""}
TYPE = {"key": "deploy", "name": "Deploy", "description": "", "schema": json.dumps(GIT_SCHEMA)}
WALKED: Mapping[str, Walk] = {
    "audit_operation_cancel": sent("audit_operation_cancel", lambda estate: estate.waiting),
    "audit_operation_undo": undo,
    "audit_operation_undo_permissions": undo_in_project,
    "auth_group_add": sent("auth_group_add", name="masters"),
    "auth_group_change": saved(lambda estate: estate.group, name="masters"),
    "auth_user_add": sent("auth_user_add", username="newcomer", is_staff="on", **PASSWORD),
    "auth_user_change": saved(lambda estate: estate.governed.outsider, is_staff="on"),
    "auth_user_password_change": sent(
        "auth_user_password_change", lambda estate: estate.governed.viewer, **PASSWORD
    ),
    "password_change": change_own_password,
    "permissions_apitoken_add": sent("permissions_apitoken_add", **TOKEN),
    "permissions_apitoken_revoke": sent("permissions_apitoken_revoke", lambda estate: estate.token),
    "permissions_role_add": add_role,
    "permissions_role_change": saved(lambda estate: estate.role, name="Engineer"),
    "tasks_project_add": sent("tasks_project_add", name="Ledger", uid="f" * 32),
    "tasks_project_change": saved(lambda estate: estate.governed.project, description="another"),
    "tasks_project_preview_permissions": permit_in_project,
    "tasks_task_draft_preview": disable,
    "tasks_task_import_preview": import_tasks,
    "tasks_tasktype_add": sent("tasks_tasktype_add", **TYPE),
    "tasks_tasktype_change": saved(lambda estate: estate.governed.task_type, description="another"),
}
# They change nothing that has a history: a password, and the end of an operation that waits.
WITHOUT_ROWS = {"audit_operation_cancel", "auth_user_password_change", "password_change"}
# Lists, histories, answers, forms that lead on to a preview, and what is open to nobody.
WRITING_NOTHING = {
    *("app_list", "autocomplete", "index", "search", "password_change_done"),
    *("audit_operation_export_csv", "audit_operation_export_jsonl"),
    *("auth_user_operations", "audit_operation_find", "audit_operation_checkpoint"),
    *("audit_operation_progress", "audit_operation_again", "audit_operation_select"),
    "auth_user_past",
    *("audit_operation_add", "permissions_permissionmatrix_add", "tasks_task_add"),
    *("audit_operation_change", "permissions_apitoken_change", "tasks_task_change"),
    *("permissions_permissionmatrix_change", "tasks_project_change_permissions"),
    *("tasks_task_check_patch", "tasks_task_choose", "tasks_task_draft", "tasks_task_draft_csv"),
    *("tasks_task_draft_export", "tasks_task_export_list", "tasks_task_import_file"),
    *("tasks_task_past", "tasks_task_why", "tasks_task_why_people"),
}
OF_EVERY_MODEL = ("_changelist", "_delete", "_history")


def test_every_page_is_walked_or_known_to_write_nothing() -> None:
    particular = {each.name for each in pages() if not each.name.endswith(OF_EVERY_MODEL)}
    assert particular == WALKED.keys() | WRITING_NOTHING
    assert not WALKED.keys() & WRITING_NOTHING


@pytest.mark.parametrize("name", WALKED)
def test_a_page_that_writes_leaves_a_record(governed: Governed, name: str) -> None:
    estate = Estate(governed)
    grant = SetProjectMatrix(project_uid=governed.project.uid, flags={8: {"is_copy": True}})
    project_pipeline.apply(actor=governed.admin, change=grant, origin=ORIGIN)
    client = visit(governed.admin)

    def walk(_: Estate) -> None:
        answer = WALKED[name](client, estate)
        shown = 200 if name == "permissions_apitoken_add" else 302
        assert answer.status_code == shown, answer.content.decode()

    rows = name not in WITHOUT_ROWS
    assert_recorded(estate, walk, operations=name != "audit_operation_cancel", rows=rows)


def test_no_other_page_writes_when_something_is_sent_to_it(governed: Governed) -> None:
    populate(governed, tasks=2)
    client = visit(governed.admin)
    differing, operations = unrecorded(), set(Operation.objects.values_list("pk", flat=True))
    tried = {name: at for name, at in addresses(governed).items() if name not in WALKED}
    for address in tried.values():
        client.post(address, {"name": "sent", "post": "yes", "is_active": "on"}).getvalue()
    assert unrecorded() == differing
    added = Operation.objects.exclude(pk__in=operations).filter(state=State.APPLIED)
    assert {operation.kind for operation in added} <= {"export_trail", "export_trail_finished"}
