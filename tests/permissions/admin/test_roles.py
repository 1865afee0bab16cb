"""Roles and their members in the admin."""

from typing import Any

import pytest
from django.contrib.auth.models import Group

from audit.models import Operation
from audit.recorder import administrative_operation
from permissions.models import PermissionMatrix, Role, RoleMember
from tasks.models import Task
from tests.conftest import ORIGIN, Governed
from tests.permissions.governance import set_in_project
from tests.visitors import auditor, page, persona, save, text_of, visit


def members_form(fields: dict[str, Any] | None = None, *, existing: int = 0) -> dict[str, Any]:
    """Return what the form of a role's members sends."""
    fields = fields or {}
    total = existing + ("members-0-user" in fields or "members-0-group" in fields)
    return {
        "members-TOTAL_FORMS": total,
        "members-INITIAL_FORMS": existing,
        "members-MIN_NUM_FORMS": 0,
        "members-MAX_NUM_FORMS": 1000,
        **fields,
    }


def test_a_superuser_adds_a_member_who_then_sees_the_tasks(governed: Governed) -> None:
    governed.add_tasks(1)
    role = governed.role(5)
    form = members_form({"members-0-user": governed.outsider.pk, "members-0-role": role.pk})
    save(visit(governed.admin), page("permissions_role_change", role.pk), form)
    member = RoleMember.objects.get(role=role)
    assert member.user == governed.outsider
    operation = Operation.objects.get(kind="change_role")
    assert member.history.get().operation == operation
    assert governed.outsider.has_perm("tasks.view_task", Task.objects.get())


def test_a_group_can_be_a_member(governed: Governed) -> None:
    group = Group.objects.create(name="platform")
    role = governed.role(5)
    form = members_form({"members-0-group": group.pk})
    save(visit(governed.admin), page("permissions_role_change", role.pk), form)
    assert RoleMember.objects.get(role=role).group == group


def test_who_became_a_member_meanwhile_is_not_added_again(governed: Governed) -> None:
    role = governed.role(5)
    form = members_form({"members-0-user": governed.outsider.pk, "members-0-role": role.pk})
    client, address = visit(governed.admin), page("permissions_role_change", role.pk)
    assert [save(client, address, form).status_code for _ in range(2)] == [302, 200]
    assert "is a member already" in text_of(save(client, address, form))
    assert RoleMember.objects.filter(role=role).count() == 1


@pytest.mark.parametrize("both", [True, False])
def test_a_member_is_a_user_or_a_group_and_not_both(governed: Governed, both: bool) -> None:
    group = Group.objects.create(name="platform")
    chosen = [governed.outsider.pk, group.pk] if both else ["", ""]
    form = members_form({"members-0-user": chosen[0], "members-0-group": chosen[1]})
    # A row that is empty and unchanged would be left out.
    form |= {"members-0-id": "", "members-0-role": governed.role(5).pk}
    answer = save(visit(governed.admin), page("permissions_role_change", governed.role(5).pk), form)
    assert not RoleMember.objects.filter(role__code=5).exists()
    assert not both or "Choose a user or a group" in text_of(answer)


def test_a_member_who_is_removed_stays_in_the_history(governed: Governed) -> None:
    role = governed.role(8)
    member = role.members.get()
    form = members_form({"members-0-id": member.pk, "members-0-DELETE": "on"}, existing=1) | {
        "members-TOTAL_FORMS": 1
    }
    address = page("permissions_role_change", role.pk)
    save(visit(governed.admin), address, form)
    assert not role.members.exists()
    last = RoleMember.history.latest()
    assert (last.history_type, last.operation.kind) == ("-", "change_role")
    history = text_of(visit(governed.admin).get(page("permissions_role_history", role.pk)))
    assert "payments-viewer as Viewer" in history


def test_a_member_cannot_be_changed_into_another(governed: Governed) -> None:
    role = governed.role(8)
    member = role.members.get()
    form = members_form(
        {"members-0-id": member.pk, "members-0-user": governed.outsider.pk}, existing=1
    ) | {"members-TOTAL_FORMS": 1}
    save(visit(governed.admin), page("permissions_role_change", role.pk), form)
    assert role.members.get().user == governed.viewer


def test_nobody_is_made_a_member_of_the_task_creators(governed: Governed) -> None:
    role = governed.role(-3)
    form = members_form({"members-0-user": governed.outsider.pk})
    save(visit(governed.admin), page("permissions_role_change", role.pk), form)
    assert not role.members.exists()


def test_a_new_role_gets_the_next_code_and_a_row_in_the_matrix(governed: Governed) -> None:
    client = visit(governed.admin)
    for name in ("Release captain", "Night watch"):
        form = members_form({"project": governed.project.pk, "name": name, "code": ""})
        client.post(page("permissions_role_add"), form)
    codes = dict(Role.objects.filter(built_in=False).values_list("name", "code"))
    assert codes == {"Release captain": 500, "Night watch": 501}
    role = Role.objects.get(code=500)
    assert (role.permissions.get().flags, role.permissions.get().matrix.digest) == (0, None)
    assert Operation.objects.filter(kind="add_role").count() == 2


@pytest.mark.parametrize("code", ["4", "499", "-1"])
def test_a_custom_role_takes_no_built_in_code(governed: Governed, code: str) -> None:
    form = members_form({"project": governed.project.pk, "name": "Own", "code": code})
    answer = visit(governed.admin).post(page("permissions_role_add"), form)
    assert answer.status_code == 200
    assert not Role.objects.filter(built_in=False).exists()


def test_a_built_in_role_keeps_its_name(governed: Governed) -> None:
    role = governed.role(4)
    form = members_form({"name": "King", "external_id": "x"})
    save(visit(governed.admin), page("permissions_role_change", role.pk), form)
    role.refresh_from_db()
    assert role.name == "Developer"


@pytest.mark.parametrize("name", ["manager", "viewer", "outsider", "auditor"])
def test_nobody_but_superusers_changes_members(governed: Governed, name: str) -> None:
    user = persona(name, governed=governed)
    form = members_form({"members-0-user": user.pk, "name": "King"})
    client = visit(user)
    client.post(page("permissions_role_change", governed.role(3).pk), form)
    client.post(page("permissions_role_add"), form | {"project": governed.project.pk})
    assert governed.role(3).members.get().user == governed.manager
    assert not Role.objects.filter(name="King").exists()


def test_what_is_told_of_the_past_has_the_names_of_then(governed: Governed) -> None:
    role, viewer = governed.role(8), governed.viewer
    set_in_project(governed, 8, is_execute=True)
    with administrative_operation(actor=governed.admin, kind="staff", origin=ORIGIN):
        group = Group.objects.create(name="night watch")
        RoleMember.objects.create(role=role, group=group)
        viewer.groups.add(group)
    with administrative_operation(actor=governed.admin, kind="rename", origin=ORIGIN):
        for renamed in (role, governed.project, group):
            renamed.name = f"another {renamed.name}"
            renamed.save()
        RoleMember.objects.filter(user=viewer).delete()
        viewer.delete()
    client = visit(auditor())

    def told(name: str, key: int) -> list[str]:
        rows = client.get(page(name, key)).context["timeline"].rows
        return [row.what for row in rows]

    matrix = PermissionMatrix.objects.get(project=governed.project, digest=None)
    of_role = told("permissions_role_history", role.pk)
    assert {"role another Viewer of another payments", "role Viewer of payments"} <= {*of_role}
    assert "group night watch as Viewer of payments" in of_role
    assert "payments-viewer as Viewer of payments" in of_role
    assert "payments-viewer as another Viewer of another payments" in of_role
    assert "what role Viewer of payments may do" in of_role
    of_matrix = told("permissions_permissionmatrix_history", matrix.pk)
    assert of_matrix[0] == "what role Viewer of payments may do"
    added = client.get(page("permissions_permissionmatrix_history", matrix.pk)).context["timeline"]
    assert ("may", "–", "View") in {tuple(each) for row in added.rows for each in row.differences}
    of_group = told("auth_group_history", group.pk)
    assert "membership of payments-viewer in group night watch" in of_group
