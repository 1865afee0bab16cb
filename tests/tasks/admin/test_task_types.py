"""Task types in the admin."""

import json

import pytest

from audit.models import Operation
from tasks.models import TaskType
from tests.conftest import GIT_SCHEMA, Governed
from tests.visitors import page, save, text_of, visit


FORM = {"key": "deploy", "name": "Deploy", "description": "", "schema": json.dumps(GIT_SCHEMA)}


def test_a_superuser_adds_a_task_type_under_one_operation(governed: Governed) -> None:
    answer = visit(governed.admin).post(page("tasks_tasktype_add"), FORM)
    assert answer.status_code == 302
    task_type = TaskType.objects.get(key="deploy")
    assert task_type.schema == GIT_SCHEMA
    operation = Operation.objects.get(kind="add_tasktype")
    assert operation.parameters == {"task type": "Deploy"}
    assert task_type.history.get().operation == operation


def test_saving_without_a_change_records_nothing(governed: Governed) -> None:
    task_type = governed.task_type
    form = {"name": task_type.name, "description": "", "schema": json.dumps(GIT_SCHEMA)}
    address = page("tasks_tasktype_change", task_type.pk)
    assert save(visit(governed.admin), address, form).status_code == 302
    assert task_type.history.count() == 1
    assert not Operation.objects.filter(kind="change_tasktype").exists()


def test_a_changed_schema_counts_a_version_and_keeps_the_key(governed: Governed) -> None:
    form = {**FORM, "schema": json.dumps({"type": "object"})}
    address = page("tasks_tasktype_change", governed.task_type.pk)
    save(visit(governed.admin), address, form)
    task_type = TaskType.objects.get(pk=governed.task_type.pk)
    assert (task_type.version, task_type.key) == (2, "payments-git")
    assert task_type.history.count() == 2


@pytest.mark.parametrize("schema", ['{"type": "array"}', "{", '{"type": "object", "$ref": "x:y"}'])
def test_what_is_no_schema_is_refused(governed: Governed, schema: str) -> None:
    answer = visit(governed.admin).post(page("tasks_tasktype_add"), {**FORM, "schema": schema})
    assert answer.status_code == 200
    assert answer.context["adminform"].form.errors.keys() == {"schema"}
    assert not TaskType.objects.filter(key="deploy").exists()


def test_a_manager_reads_task_types_and_changes_none(governed: Governed) -> None:
    client = visit(governed.manager)
    address = page("tasks_tasktype_change", governed.task_type.pk)
    assert "writeOnly" in text_of(client.get(address))
    assert client.post(address, FORM).status_code == 403
    assert client.post(page("tasks_tasktype_add"), FORM).status_code == 403
    assert TaskType.objects.get().name == "Git of payments"
