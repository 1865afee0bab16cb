"""The schema of a task type in the admin: errors at their place, and the tasks that it would break."""

import json
from typing import Any

import pytest
from django.test import Client

from audit.models import Operation
from tasks.models import Task, TaskType
from tests.conftest import GIT_SCHEMA, Governed
from tests.visitors import page, save, text_of, visit


NARROW: dict[str, Any] = {
    **GIT_SCHEMA,
    "properties": {
        **GIT_SCHEMA["properties"],
        "notifications": {
            "type": "object",
            "properties": {"enabled": {"const": True}},
        },
    },
}


def send(client: Client, task_type: TaskType, schema: Any, **more: Any) -> Any:
    text = schema if isinstance(schema, str) else json.dumps(schema, indent=1)
    form = {"name": task_type.name, "description": "", "schema": text, **more}
    return save(client, page("tasks_tasktype_change", task_type.pk), form)


@pytest.mark.parametrize(
    ("schema", "told"),
    [
        ('{\n "type": "object",\n "type": "object"\n}', "Line 3, /type: the key stands here more"),
        ('{\n "type": "object"\n "x": 1}', "Line 3 column 2: not JSON"),
        (
            '{"type": "object",\n"properties": {"a": {"type": "strin"},\n"b": {"minLength": -1}}}',
            "Line 2, /properties/a/type: must be one of array, boolean",
        ),
        (
            '{"type": "object", "properties":\n{"a":\n{"type": "string", "pattern": "(?=x)"}}}',
            "Line 3, /properties/a/pattern:",
        ),
        (
            '{"type": "object",\n"allOf": [\n{"$ref": "http://x/"}]}',
            "Line 3, /allOf/0/$ref: a $ref",
        ),
        ('{"type": "array"}', "Line 1, the whole: a task type's schema must be an object"),
    ],
)
def test_what_is_wrong_with_a_schema_is_told_with_its_line(
    governed: Governed, schema: str, told: str
) -> None:
    answer = send(visit(governed.admin), governed.task_type, schema)
    errors = answer.context["adminform"].form.errors["schema"]
    assert any(error.startswith(told) for error in errors), errors
    assert not Operation.objects.filter(kind="change_tasktype").exists()


def test_a_schema_that_breaks_tasks_is_saved_only_after_they_were_shown(
    governed: Governed,
) -> None:
    governed.add_tasks(3)
    fine = Task.objects.order_by("pk")[0]
    Task.objects.filter(pk=fine.pk).update(settings={})
    client = visit(governed.admin)
    answer = send(client, governed.task_type, NARROW)
    shown = answer.context["adminform"].form.shown
    assert "2 of 3 tasks of this type would no longer satisfy the schema" in text_of(answer)
    assert fine.pk not in [task.key for task in shown.tasks]
    assert shown.tasks[0].problems[0].startswith("/notifications/enabled: ")
    assert TaskType.objects.get().schema == GIT_SCHEMA
    answer = send(client, governed.task_type, NARROW, seen=shown.impact.fingerprint)
    assert answer.status_code == 302
    assert TaskType.objects.get().schema == NARROW
    operation = Operation.objects.get(kind="change_tasktype")
    assert operation.parameters == {"task type": "Git of payments", "tasks_broken": 2}


@pytest.mark.parametrize("meanwhile", ["another task", "another schema", "another version"])
def test_what_was_shown_is_what_is_saved(governed: Governed, meanwhile: str) -> None:
    governed.add_tasks(1)
    client = visit(governed.admin)
    shown = send(client, governed.task_type, NARROW).context["adminform"].form.shown
    schema = NARROW
    if meanwhile == "another task":
        governed.add_tasks(1)
    elif meanwhile == "another schema":
        schema = {**NARROW, "description": "narrow"}
    else:
        TaskType.objects.update(version=2)
    answer = send(client, governed.task_type, schema, seen=shown.impact.fingerprint)
    assert answer.status_code == 200
    assert TaskType.objects.get().schema == GIT_SCHEMA


def test_the_broken_tasks_are_shown_page_by_page(governed: Governed) -> None:
    governed.add_tasks(51)
    client = visit(governed.admin)
    first = send(client, governed.task_type, NARROW).context["adminform"].form.shown
    answer = send(
        client, governed.task_type, NARROW, seen=first.impact.fingerprint, page=str(first.following)
    )
    second = answer.context["adminform"].form.shown
    assert (len(first.tasks), len(second.tasks)) == (50, 1)
    assert (second.number, second.pages, second.following) == (2, 2, 0)
    assert TaskType.objects.get().schema == GIT_SCHEMA


def test_a_schema_that_breaks_nothing_is_saved_at_once_and_told_so(governed: Governed) -> None:
    governed.add_tasks(2)
    wider = {**GIT_SCHEMA, "additionalProperties": True}
    client = visit(governed.admin)
    assert send(client, governed.task_type, wider).status_code == 302
    assert "2 task(s) satisfy the new schema" in text_of(client.get("/admin/tasks/tasktype/"))


def test_tasks_that_were_broken_before_and_those_in_the_bin_do_not_stand_in_the_way(
    governed: Governed,
) -> None:
    governed.add_tasks(2)
    broken, recycled = Task.objects.order_by("pk")
    Task.objects.filter(pk=broken.pk).update(settings={"notifications": {"enabled": "perhaps"}})
    Task.objects.filter(pk=recycled.pk).update(recycled_at=recycled.created_at)
    assert send(visit(governed.admin), governed.task_type, NARROW).status_code == 302
