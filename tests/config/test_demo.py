"""The demo: what a newcomer meets, and that the vendors' own examples work on it."""

import json
from pathlib import Path
from random import Random
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core.management import call_command
from django.db.models import QuerySet
from pytest_django.fixtures import Settings

from audit.models import Operation
from config.demo.estate import PLOTS, tasks_of
from permissions.models import PermissionMatrix, TaskPermission
from tasks.models import Project, Secret, Task
from tasks.schemas import compiled_schema
from tests.audit.walked import unrecorded
from tests.permissions.api.vendor_example import EXAMPLE
from tests.tasks.api.caller import caller_of


pytestmark = pytest.mark.django_db

OPSERA_EXAMPLE: dict[str, Any] = {
    "target": ["64d7c869b5760b001e46c1a2", "64d7c869b5760b001e46c1a3"],
    "settings": {
        "repository": {"url": "https://github.com/example/repo", "branch": "main"},
        "notifications": {"enabled": True},
    },
}


@pytest.fixture
def demo(settings: Settings, tmp_path: Path) -> None:
    """The demo, loaded for an administrator."""
    settings.DATA_DIR = tmp_path
    User.objects.create_superuser("admin", password="of the test")
    call_command("load_demo", verbosity=0)


def test_the_demo_has_tasks_projects_and_a_history_to_look_at(demo: None) -> None:
    assert Task.objects.count() == 2_020
    assert Project.objects.count() == 8
    assert Operation.objects.filter(actor__username="manager").count() >= 7
    assert TaskPermission.objects.exclude(matrix__digest=None).exists()
    assert Task.objects.filter(enabled=False).exists()
    assert Secret.objects.exists()
    # Of the group of auditors, which tests make unrecorded, and of nothing else, there is no history.
    differing = {table for table, rows in unrecorded().items() if rows}
    assert differing <= {"auth_group", "auth_group_permissions"}


def test_every_task_of_the_demo_satisfies_its_type(demo: None) -> None:
    for task in Task.objects.select_related("task_type"):
        schema = compiled_schema(json.dumps(task.task_type.schema))
        assert not schema.problems(task.settings), task


def test_the_demo_is_the_same_each_time() -> None:
    for plot in PLOTS:
        once, again = (list(tasks_of(plot, random=Random(7))) for _ in range(2))  # noqa: S311
        assert once == again


def test_an_operation_of_the_demo_was_undone_and_tasks_left_and_rejoined_their_project(
    demo: None,
) -> None:
    assert Operation.objects.filter(reverts__isnull=False).exists()
    left = TaskPermission.history.filter(matrix_id__in=_matrices_of_tasks())
    assert left.exists()
    back = TaskPermission.objects.filter(task_id__in=left.values("task_id"), matrix__digest=None)
    assert back.exists()


def _matrices_of_tasks() -> QuerySet[PermissionMatrix, int]:
    return PermissionMatrix.objects.exclude(digest=None).values_list("pk", flat=True)


def test_the_outsider_holds_nothing_and_the_auditor_may_read_all_operations(demo: None) -> None:
    outsider, auditor = (User.objects.get(username=name) for name in ("outsider", "auditor"))
    assert not outsider.get_all_permissions()
    assert auditor.has_perm("audit.view_operation")


def test_both_vendors_examples_work_on_the_demo_verbatim(demo: None) -> None:
    caller = caller_of(User.objects.get(username="manager"))
    settings_answer = caller.post("/api/v2/settings/tasks", OPSERA_EXAMPLE)
    assert settings_answer.json()["status"] == "success"
    permissions_answer = caller.post("/v1/job/permissions/batch", EXAMPLE)
    assert permissions_answer.json() == {"result": None, "error": None, "status": "success"}


def test_a_second_load_changes_nothing(demo: None, capsys: pytest.CaptureFixture[str]) -> None:
    before = Operation.objects.count()
    call_command("load_demo")
    assert Operation.objects.count() == before
    assert "empty database" in capsys.readouterr().out
