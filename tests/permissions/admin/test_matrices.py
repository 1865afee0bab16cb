"""Matrices in the admin: a project's own is a grid of checkboxes, others are read."""

from typing import Any

import pytest

from audit.models import Operation
from permissions.changes import SetPermissions
from permissions.models import PermissionMatrix, RolePermission
from permissions.project_matrix import MatrixDrifted, MatrixLocked, set_project_matrix
from tasks.batch import pipeline
from tasks.batch.pipeline import Batch
from tasks.models import Task
from tests.conftest import ORIGIN, Governed
from tests.visitors import page, persona, text_of, visit


def own_matrix(governed: Governed) -> PermissionMatrix:
    return PermissionMatrix.objects.get(project=governed.project, digest=None)


def grid_form(client: Any, address: str) -> dict[str, str]:
    """Return what the grid sends when nothing is changed."""
    form = client.get(address).context["adminform"].form
    ticked = {name: "on" for name in form.fields if form[name].value() is True}
    return {**ticked, "expected": form["expected"].value()}


def test_a_change_of_the_grid_is_one_operation_and_holds_at_once(governed: Governed) -> None:
    task = Task.objects.get(uid=governed.add_tasks(1)[0])
    address = page("permissions_permissionmatrix_change", own_matrix(governed).pk)
    client = visit(governed.admin)
    form = grid_form(client, address)
    del form["role4_is_delete"], form["role8_is_view"]
    assert client.post(address, {**form, "role5_is_execute": "on"}).status_code == 302
    operation = Operation.objects.get(kind="change_permissionmatrix")
    rows = RolePermission.history.filter(operation=operation)
    assert sorted(rows.values_list("role_code", flat=True)) == [4, 5, 8]
    assert not governed.developer.has_perm("tasks.delete_task", task)
    assert not governed.viewer.has_perm("tasks.view_task", task)
    history = client.get(page("permissions_permissionmatrix_history", own_matrix(governed).pk))
    assert "what role Developer (4) of payments may do" in text_of(history)


def test_a_grid_saved_as_it_is_records_nothing(governed: Governed) -> None:
    address = page("permissions_permissionmatrix_change", own_matrix(governed).pk)
    client = visit(governed.admin)
    client.post(address, grid_form(client, address))
    assert not Operation.objects.filter(kind="change_permissionmatrix").exists()


def test_project_administrators_keep_everything_whatever_is_sent(governed: Governed) -> None:
    address = page("permissions_permissionmatrix_change", own_matrix(governed).pk)
    client = visit(governed.admin)
    form = grid_form(client, address)
    kept = {name: value for name, value in form.items() if not name.startswith("role-1_")}
    client.post(address, {**kept, "role6_is_view": "on"})
    flags = dict(own_matrix(governed).rows.values_list("role_code", "flags"))
    assert (flags[-1], flags[6]) == (127, 1)


def test_a_grid_that_was_opened_before_another_change_is_refused(governed: Governed) -> None:
    address = page("permissions_permissionmatrix_change", own_matrix(governed).pk)
    client = visit(governed.admin)
    stale = grid_form(client, address)
    client.post(address, {**stale, "role6_is_view": "on"})
    answer = client.post(address, {**stale, "role7_is_view": "on"})
    assert "was changed since you opened this page" in text_of(answer)
    flags = dict(own_matrix(governed).rows.values_list("role_code", "flags"))
    assert (flags[6], flags[7]) == (1, 0)


def test_the_change_itself_refuses_drift_and_locked_rows(governed: Governed) -> None:
    matrix = own_matrix(governed)
    operation = Operation()
    with pytest.raises(MatrixDrifted):
        set_project_matrix(operation=operation, matrix=matrix, flags={6: 1}, expected="another")
    with pytest.raises(MatrixLocked):
        set_project_matrix(operation=operation, matrix=matrix, flags={-1: 1}, expected="")


def test_a_matrix_of_tasks_is_for_reading_alone(governed: Governed) -> None:
    uids = governed.add_tasks(1)
    change = SetPermissions(flags={8: {"is_execute": True}})
    batch = Batch(change=change, uids=uids, origin=ORIGIN)
    pipeline.apply(actor=governed.admin, batch=batch)
    matrix = PermissionMatrix.objects.get(digest__isnull=False)
    address = page("permissions_permissionmatrix_change", matrix.pk)
    client = visit(governed.admin)
    assert "exactly these permissions" in text_of(client.get(address))
    assert client.post(address, {"role8_is_manager": "on"}).status_code == 403
    assert matrix.rows.get(role_code=8).flags == 9
    listed = client.get(page("permissions_permissionmatrix_changelist"), {"kind": "tasks"})
    assert [each.pk for each in listed.context["cl"].result_list] == [matrix.pk]


@pytest.mark.parametrize("name", ["manager", "viewer", "outsider", "auditor"])
def test_nobody_but_superusers_changes_a_grid(governed: Governed, name: str) -> None:
    address = page("permissions_permissionmatrix_change", own_matrix(governed).pk)
    form = grid_form(visit(governed.admin), address)
    client = visit(persona(name, governed=governed))
    answer = client.post(address, {**form, "role8_is_manager": "on"})
    assert answer.status_code in {302, 403}
    assert own_matrix(governed).rows.get(role_code=8).flags == 1


def test_a_member_reads_the_grid_without_checkboxes(governed: Governed) -> None:
    address = page("permissions_permissionmatrix_change", own_matrix(governed).pk)
    shown = text_of(visit(governed.viewer).get(address))
    assert "Project administrator" in shown
    assert 'type="checkbox"' not in shown
