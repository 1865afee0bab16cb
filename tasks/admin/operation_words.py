"""What operations on tasks were asked for, in words, and how an import is taken back."""

from collections.abc import Iterator, Mapping
from typing import Any

from django.http import HttpRequest
from django.urls import reverse

from audit.admin.asked import say_in_words
from audit.admin.buttons import Button, register_buttons
from audit.admin.requests import actor_of
from audit.admin.result import Wording, word_results
from audit.models import Operation, State
from tasks.admin.filters import LastOperationFilter
from tasks.admin.import_drafts import ACTION
from tasks.batch.change import Change, Restore
from tasks.batch.operations import is_own


def undo_in_words(asked: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return what an undo was asked for."""
    since = ""
    if asked.get("skip_conflicts"):
        since = "left alone"
    if asked.get("overwrite"):
        since = "undone as well"
    return {"Operation to undo": asked.get("operation"), "What was changed since": since}


def _import_in_words(asked: Mapping[str, Any]) -> Mapping[str, Any]:
    return {
        "File": asked.get("file"),
        "Project of rows that name none": asked.get("project"),
        "Task type of rows that name none": asked.get("type"),
        "Creators that rows name": "passed over" if asked.get("ignore_creators") else "",
        "Rows that could not become tasks": _left_out(asked),
    }


def _left_out(asked: Mapping[str, Any]) -> str:
    if skipped := asked.get("skipped"):
        return f"{skipped:,} left out"
    return "left out, if there were any" if asked.get("skip_bad") else ""


def _buttons(request: HttpRequest, operation: Operation) -> Iterator[Button]:
    """Lead from an import to the tasks that it added: that is how it is taken back."""
    if operation.kind != ACTION or not is_own(actor=actor_of(request), operation=operation):
        return
    if operation.state == State.APPLIED and operation.changed:
        query = {LastOperationFilter.parameter_name: str(operation.pk)}
        address = reverse("admin:tasks_task_changelist", query=query)
        yield Button("See the tasks that it added", address, does=False)


for _kind, _change in Change.kinds().items():
    if issubclass(_change, Restore):
        say_in_words(kind=_kind, words=undo_in_words)
say_in_words(kind=ACTION, words=_import_in_words)
word_results(
    kind=ACTION,
    wording=Wording(
        done="added",
        applied="An import has no Undo: what it added may be in use. To take it back, move the tasks that"
        " it added to the recycle bin; those that were changed since are not among them.",
    ),
)
register_buttons(Operation, _buttons)
