"""Projects in the admin."""

from typing import Any

import pytest
from django.test import Client

from audit.models import Channel, Operation
from permissions.changes import SetPermissions
from permissions.models import PermissionMatrix, Role
from permissions.roles import BUILT_IN_ROLES
from tasks.changes import UpdateSettings
from tasks.models import Project
from tests.batches import apply
from tests.conftest import Governed, build_governed
from tests.visitors import page, persona, save, text_of, visit


FORM = {"name": "Ledger", "uid": "f" * 32, "description": "The general ledger"}


def test_a_superuser_adds_a_project_with_its_roles_and_matrix_under_one_operation(
    governed: Governed,
) -> None:
    visit(governed.admin).post(page("tasks_project_add"), FORM)
    project = Project.objects.get(name="Ledger")
    assert project.created_by == governed.admin
    assert project.roles.count() == len(BUILT_IN_ROLES)
    assert PermissionMatrix.objects.get(project=project).rows.count() == len(BUILT_IN_ROLES)
    operation = Operation.objects.get(kind="add_project", channel=Channel.ADMIN)
    assert project.history.get().operation == operation
    assert Role.history.filter(operation=operation).count() == len(BUILT_IN_ROLES)


def test_a_project_keeps_its_id_and_its_creator(governed: Governed) -> None:
    address = page("tasks_project_change", governed.project.pk)
    save(visit(governed.admin), address, {**FORM, "created_by": governed.viewer.pk})
    project = Project.objects.get()
    assert (project.name, project.uid) == ("Ledger", governed.project.uid)
    assert project.created_by == governed.admin


@pytest.mark.parametrize("change", [{"name": "payments"}, {"uid": "F" * 32}, {"name": ""}])
def test_a_project_that_cannot_be_is_refused(governed: Governed, change: dict[str, str]) -> None:
    answer = visit(governed.admin).post(page("tasks_project_add"), {**FORM, **change})
    assert answer.status_code == 200
    assert Project.objects.count() == 1


@pytest.mark.parametrize("name", ["manager", "viewer", "outsider", "auditor"])
def test_nobody_but_superusers_changes_or_adds_projects(governed: Governed, name: str) -> None:
    client = visit(persona(name, governed=governed))
    assert client.post(page("tasks_project_add"), FORM).status_code == 403
    client.post(page("tasks_project_change", governed.project.pk), FORM)
    assert Project.objects.get().name == "payments"


@pytest.mark.parametrize(
    ("name", "sees"), [("superuser", 2), ("manager", 1), ("viewer", 1), ("outsider", 0)]
)
def test_projects_are_seen_by_those_who_are_in_them(
    governed: Governed, name: str, sees: int
) -> None:
    build_governed("ledger")
    listed = visit(persona(name, governed=governed)).get(page("tasks_project_changelist"))
    assert listed.context["cl"].result_count == sees


def test_the_page_names_roles_and_members(governed: Governed) -> None:
    address = page("tasks_project_change", governed.project.pk)
    response = visit(governed.viewer).get(address)
    rows = response.context["panels"][0]["data"].rows
    roles = {role.code: role.members for role in rows}
    assert roles[3] == ["payments-manager"]
    assert roles[-1] == ["payments-admin (created the project)"]
    assert "task of the project that has no permissions of its own" in text_of(response)


def latest(client: Client, governed: Governed) -> Any:
    """Return what the project's page says was changed last."""
    panels = client.get(page("tasks_project_change", governed.project.pk)).context["panels"]
    (found,) = (panel["data"] for panel in panels if panel["title"].startswith("What changed"))
    return found


def test_the_page_shows_what_changed_in_the_project_last_and_links_ones_own(
    governed: Governed,
) -> None:
    address = page("tasks_project_change", governed.project.pk)
    save(visit(governed.admin), address, {**FORM, "name": "Payments"})
    build_governed("ledger")
    operation = Operation.objects.get(kind="change_project")
    for user, has_link in ((governed.admin, True), (governed.viewer, False)):
        shown = latest(visit(user), governed)
        assert [row.title for row in shown.rows] == ["Change project", "Add project"]
        assert (str(operation.pk) in shown.rows[0].address) is has_link


def test_the_page_shows_what_was_done_to_those_tasks_that_the_visitor_views(
    governed: Governed,
) -> None:
    hidden, open_ = governed.add_tasks(2)
    apply(governed.manager, SetPermissions(flags={8: {"is_view": False}}), [hidden])
    patch = UpdateSettings(patch={"repository": {"branch": "main"}})
    apply(governed.developer, patch, [hidden])
    apply(governed.developer, patch, [open_])
    titles = {
        name: [row.title for row in latest(visit(persona(name, governed=governed)), governed).rows]
        for name in ("superuser", "viewer")
    }
    settings, permissions, tasks, project = (
        Operation(kind=kind).title
        for kind in ("update_settings", "set_permissions", "add_tasks", "add_project")
    )
    assert titles["superuser"] == [settings, settings, permissions, tasks, project]
    assert titles["viewer"] == [settings, tasks, project]


def test_superusers_find_where_members_are_added_and_roles_are_made(governed: Governed) -> None:
    address = page("tasks_project_change", governed.project.pk)
    adding = f"{page('permissions_role_add')}?project={governed.project.pk}"
    assert adding in text_of(visit(governed.admin).get(address))
    assert adding not in text_of(visit(governed.manager).get(address))
