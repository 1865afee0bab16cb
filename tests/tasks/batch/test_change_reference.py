"""The reference of changes says what the code does."""

import re
from typing import Any

import pytest
from django.conf import settings
from django.db import connection
from django.test.utils import CaptureQueriesContext

from permissions.changes import (
    CopyTasks,
    RecycleCopies,
    RestorePermissions,
    RestoreProjectMatrix,
    SetPermissions,
    SetProjectMatrix,
)
from permissions.changes.project_matrix import MatrixChange
from tasks.batch.change import Change
from tasks.batch.plan import WarningCode
from tasks.changes import (
    RecycleTasks,
    RestoreEnabled,
    RestoreSettings,
    RestoreTasks,
    SetEnabled,
    UpdateSettings,
)


SOME = "01a20111-0000-7000-8000-000000000000"
REFERENCE = settings.BASE_DIR / "docs/reference/changes.md"

# Each change as somebody would ask for it.
EXAMPLES: list[Change[Any]] = [
    UpdateSettings(patch={}),
    RestoreSettings(operation_id=SOME),
    SetEnabled(enabled=True),
    RestoreEnabled(operation_id=SOME),
    RecycleTasks(),
    RestoreTasks(),
    CopyTasks(),
    RecycleCopies(operation_id=SOME),
    SetPermissions(),
    RestorePermissions(operation_id=SOME),
]
OF_PROJECTS: list[MatrixChange] = [
    SetProjectMatrix(project_uid=""),
    RestoreProjectMatrix(project_uid="", operation_id=SOME),
]
LOCKS = {
    "FOR NO KEY UPDATE OF tasks_task": "task",
    "FOR NO KEY UPDATE OF task": "task",
    "FOR NO KEY UPDATE OF governed": "permissions",
    "FOR SHARE OF task, governed": "task (shared), permissions (shared)",
    "FOR NO KEY UPDATE": "names",
}


def rows_of(change: str) -> list[str]:
    """Return the cells of the table's row about a kind of change."""
    (row,) = re.findall(rf"^\| (`{change}` .*) \|$", REFERENCE.read_text(), flags=re.MULTILINE)
    return [cell.strip() for cell in row.split("|")]


def names(parameters: dict[str, Any]) -> str:
    return ", ".join(f"`{name}`" for name in parameters) or "none"


def locks_of(change: Change[Any]) -> str:
    """Return what the change locks, in the words of the table."""
    with CaptureQueriesContext(connection) as captured:
        change.read(uids=[], lock=True)
    found = [re.search(r"FOR [A-Z ]+[a-z_, ]*$", query["sql"].strip()) for query in captured]
    return ", ".join(LOCKS[each.group().strip()] for each in found if each)


def test_every_change_of_the_product_has_an_example_here() -> None:
    apps = ("tasks.", "permissions.")
    known = {each for each in Change.kinds().values() if each.__module__.startswith(apps)}
    assert {type(example) for example in EXAMPLES} == known
    assert {type(example) for example in OF_PROJECTS} == set(MatrixChange.__subclasses__())


@pytest.mark.django_db
@pytest.mark.parametrize("example", EXAMPLES, ids=lambda example: example.kind)
def test_the_table_says_what_the_change_is(example: Change[Any]) -> None:
    assert example.inverse is not None
    assert rows_of(example.kind) == [
        f"`{example.kind}`",
        f"`{type(example).__name__}`",
        f"`{example.right}`",
        names(example.parameters()),
        locks_of(example),
        f"`{example.inverse.kind}`",
    ]


@pytest.mark.parametrize("example", OF_PROJECTS, ids=lambda example: example.kind)
def test_the_table_of_projects_matrices_says_what_the_change_is(example: MatrixChange) -> None:
    assert rows_of(example.kind) == [
        f"`{example.kind}`",
        f"`{type(example).__name__}`",
        names(example.parameters()),
        f"`{RestoreProjectMatrix.kind}`",
    ]


@pytest.mark.parametrize("code", list(WarningCode))
def test_every_warning_is_explained(code: WarningCode) -> None:
    assert rows_of(str(code))[0] == f"`{code}`"
