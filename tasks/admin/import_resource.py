"""Importing tasks, as django-import-export's resource: its two steps around the one import there is.

A dry run and the import itself are the same call; rows are judged and written by `tasks.importing`.
"""

from dataclasses import dataclass
from typing import Any

from django.contrib.auth.models import User
from django.core.exceptions import ValidationError
from import_export.resources import Resource
from import_export.results import Error, InvalidRow, Result, RowResult

from audit.context import Origin
from tasks.admin.import_formats import FileOfTasks
from tasks.importing.checking import Checked, Terms
from tasks.importing.records import FileUnreadable
from tasks.importing.writing import (
    Import,
    ImportDrifted,
    Imported,
    ImportRefused,
    Receipt,
    Watcher,
    import_tasks,
)
from tasks.models import Project, TaskType


@dataclass(frozen=True, kw_only=True)
class Wanted:
    """Who imports through what, on which terms; how many rows of each kind are listed, what is expected.

    With a `receipt` it is imported once.
    """

    actor: User
    origin: Origin
    file_name: str
    terms: Terms
    listed: int = 0
    skip_bad: bool = False
    expected: str = ""
    receipt: Receipt | None = None


class ResultOfTasks(Result):  # type: ignore[misc]  # the library has no types
    """What became of the rows: all are counted, and the first of each kind are listed."""

    imported: Imported | None = None
    drifted: bool = False

    def __init__(self, listed: int) -> None:
        super().__init__()
        self._listed = listed

    def note(self, row: Checked) -> None:
        """Count a row, and list what is to be told of it."""
        kind = RowResult.IMPORT_TYPE_INVALID if row.task is None else RowResult.IMPORT_TYPE_NEW
        if self.totals[kind] < self._listed:
            if row.task is None:
                problems = ValidationError(list(row.problems))
                self.invalid_rows.append(InvalidRow(row.place, problems, ()))
            else:
                told = RowResult()
                told.import_type, told.row_values, told.instance = kind, row.place, row.task
                self.append_row_result(told)
        self.totals[kind] += 1
        self.total_rows += 1

    @property
    def good(self) -> int:
        """How many rows become tasks."""
        return int(self.totals[RowResult.IMPORT_TYPE_NEW])

    @property
    def bad(self) -> int:
        """How many rows cannot."""
        return int(self.totals[RowResult.IMPORT_TYPE_INVALID])


class TaskResource(Resource):  # type: ignore[misc]  # the library has no types
    """Tasks from a file."""

    def __init__(self, wanted: Wanted) -> None:
        super().__init__()
        self._wanted = wanted

    @classmethod
    def get_display_name(cls) -> str:
        """Return what is imported; the library's forms name it."""
        return "Tasks"

    def import_data(
        self,
        dataset: FileOfTasks,
        dry_run: bool = False,  # noqa: FBT001, FBT002  # the library calls it so
        **_: Any,
    ) -> ResultOfTasks:
        """Add the tasks, or only find out what would become of each row."""
        wanted, terms = self._wanted, self._wanted.terms
        given = {"project": terms.project, "type": terms.task_type}
        result = ResultOfTasks(wanted.listed)
        try:
            result.imported = import_tasks(
                actor=wanted.actor,
                wanted=Import(
                    records=dataset.records(given=frozenset(filter(given.get, given))),
                    terms=terms,
                    origin=wanted.origin,
                    file_name=wanted.file_name,
                    skip_bad=wanted.skip_bad,
                    dry_run=dry_run,
                    expected=wanted.expected,
                ),
                watcher=Watcher(result.note, lambda: None),
                receipt=wanted.receipt,
            )
        except ImportDrifted:
            result.drifted = True
        except (FileUnreadable, ImportRefused) as error:
            result.append_base_error(Error(error))
        _name(result)
        return result


def _name(result: ResultOfTasks) -> None:
    """Write of each listed task what it is called, and in which project and of which type it is."""
    tasks = [row.instance for row in result.rows]
    projects = Project.objects.in_bulk({task.project_id for task in tasks})
    types = TaskType.objects.in_bulk({task.task_type_id for task in tasks})
    for row in result.rows:
        task = row.instance
        row.diff = [task.name, projects[task.project_id].name, types[task.task_type_id].name]
