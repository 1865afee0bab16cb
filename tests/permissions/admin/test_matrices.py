"""Matrices in the admin: for reading, whoever looks."""

import pytest

from permissions.changes import SetPermissions
from permissions.models import PermissionMatrix
from tasks.batch import pipeline
from tasks.batch.pipeline import Batch
from tests.conftest import ORIGIN, Governed
from tests.visitors import page, persona, text_of, visit


def own_matrix(governed: Governed) -> PermissionMatrix:
    return PermissionMatrix.objects.get(project=governed.project, digest=None)


def test_a_projects_matrix_says_how_many_tasks_follow_it_and_where_it_is_changed(
    governed: Governed,
) -> None:
    governed.add_tasks(3)
    address = page("permissions_permissionmatrix_change", own_matrix(governed).pk)
    shown = text_of(visit(governed.viewer).get(address))
    assert "3 task(s) follow these permissions" in shown
    assert page("tasks_project_change", governed.project.pk) in shown
    assert "Project administrator" in shown


def test_a_matrix_of_tasks_says_that_it_never_changes(governed: Governed) -> None:
    uids = governed.add_tasks(1)
    change = SetPermissions(flags={8: {"is_execute": True}})
    batch = Batch(change=change, uids=uids, origin=ORIGIN)
    pipeline.apply(actor=governed.admin, batch=batch)
    matrix = PermissionMatrix.objects.get(digest__isnull=False)
    client = visit(governed.admin)
    address = page("permissions_permissionmatrix_change", matrix.pk)
    assert "exactly these permissions" in text_of(client.get(address))
    listed = client.get(page("permissions_permissionmatrix_changelist"), {"kind": "tasks"})
    assert [each.pk for each in listed.context["cl"].result_list] == [matrix.pk]


@pytest.mark.parametrize("name", ["superuser", "manager", "viewer", "outsider", "auditor"])
def test_nobody_writes_a_matrix_on_its_own_page(governed: Governed, name: str) -> None:
    address = page("permissions_permissionmatrix_change", own_matrix(governed).pk)
    client = visit(persona(name, governed=governed))
    assert 'type="checkbox"' not in text_of(client.get(address))
    assert client.post(address, {"role8_is_manager": "on"}).status_code in {302, 403}
    assert own_matrix(governed).rows.get(role_code=8).flags == 1
