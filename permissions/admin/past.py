"""What was so at a moment: a task's settings, and who could do what and why; or what differs at another.

Answered from history (`tasks.past`, `permissions.past`). Whoever reads a task's history reads its
settings; who could do what is for auditors and for those who manage the task. The same of a person is
`permissions.admin.past_person`.
"""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, NamedTuple
from urllib.parse import urlencode

from django import forms
from django.contrib.auth.models import User
from django.http import Http404, HttpRequest, HttpResponse
from django.urls import reverse
from django.utils import timezone
from unfold.widgets import UnfoldAdminTextInputWidget

from audit.admin.base import BaseAdmin
from audit.admin.described import Difference, in_words
from audit.admin.documents import DocumentRow, document_rows
from audit.admin.panels import FurtherPage, Panel, register_page, register_panel
from audit.admin.requests import actor_of, is_key
from audit.archived import history_begins
from audit.masking import MASK
from audit.visibility import may_audit
from permissions.admin.grids import FLAG_LABELS
from permissions.flags import Flag
from permissions.past.holders import (
    Holder,
    Moment,
    Way,
    task_then,
    task_to_ask_about,
    who_could,
)
from tasks.models import Task
from tasks.past import TaskState, TaskUnknown, compare_states, state_then


# So many people, and tasks, are named.
LISTED = 200
_FORM = "%Y-%m-%dT%H:%M:%S"
# Rounds of a clock: who asks about now must not be told that it has not come yet.
_AHEAD = timedelta(seconds=5)


def _moment(label: str, *, required: bool) -> forms.DateTimeField:
    widget = UnfoldAdminTextInputWidget(attrs={"type": "datetime-local", "step": "1"})
    return forms.DateTimeField(label=label, required=required, widget=widget)


class PastForm(forms.Form):
    """Which moment is asked about, and with which other one it is compared."""

    at = _moment("At (UTC)", required=True)
    compared_with = _moment("Compared with (UTC)", required=False)

    def clean(self) -> dict[str, Any]:
        """Refuse what has not come yet, and what the database has no history of any more."""
        cleaned = super().clean() or {}
        begins = history_begins()
        for name, moment in list(cleaned.items()):
            if moment and moment > timezone.now() + _AHEAD:
                self.add_error(name, "This moment has not come yet.")
            elif moment and begins and moment < begins:
                told = f"History from before {begins:%-d %B %Y, %H:%M} UTC is in archives."
                self.add_error(name, told)
        return cleaned


class HolderRow(NamedTuple):
    """Somebody, for each flag whether they held it, and in which ways."""

    name: str
    held: Sequence[bool]
    ways: Sequence[str]


class Shown(NamedTuple):
    """What was so at a moment; without a state the task did not exist.

    The first holders are shown; where two moments are compared, everybody is, by the keys of accounts.
    """

    at: datetime
    state: TaskState | None
    settings: Sequence[DocumentRow]
    holders: Sequence[HolderRow] | None
    everybody: Mapping[int, HolderRow]


def past_of_task(page: BaseAdmin, request: HttpRequest, object_id: str) -> HttpResponse:
    """Show what was so.

    Raises:
        Http404: there is no such task, or the visitor may not know of it.
    """
    actor = actor_of(request)
    shown = page.get_object(request, object_id)
    task = shown
    if task is None and is_key(object_id) and may_audit(actor=actor):
        task = _as_it_was_last(int(object_id))
    if not isinstance(task, Task):
        raise Http404
    form = asked_form(request)
    context = {
        "original": shown,
        "title": f"The past of {task.name}",
        "question": question_of(form, reverse("admin:tasks_task_past", args=[task.pk])),
        "flags": FLAG_LABELS,
        "listed": LISTED,
        "may_audit": may_audit(actor=actor),
    }
    if form.is_bound and form.is_valid():
        asks = _may_ask(actor, task)
        asked = [form.cleaned_data["at"], form.cleaned_data["compared_with"]]
        moments = [
            Moment(at=at, limit=None if form.cleaned_data["compared_with"] else LISTED)
            for at in asked
            if at
        ]
        context["moments"] = answers = [_shown(task, moment, asks=asks) for moment in moments]
        if len(answers) > 1:
            context |= _comparison(*answers)
    return page.render(request, "admin/past.html", context)


def asked_form(request: HttpRequest) -> PastForm:
    """Return the form of the question, as it was asked."""
    return PastForm(
        request.GET if "at" in request.GET else None,
        initial={"at": timezone.now().strftime(_FORM)},
    )


def _may_ask(actor: User, task: Task) -> bool:
    try:
        task_to_ask_about(actor=actor, uid=task.uid)
    except TaskUnknown:
        return False
    return True


def _as_it_was_last(key: int) -> Task | None:
    """Return the task, also one that is gone, as its newest history says."""
    newest = Task.history.filter(id=key).order_by("-history_id").first()
    task: Task | None = newest.instance if newest else None
    return task


def _shown(task: Task, moment: Moment, *, asks: bool) -> Shown:
    at = moment.at
    state = state_then(task_id=task.pk, at=at)
    settings = document_rows(state.shown_settings(mask=MASK)) if state else []
    then = task_then(task_id=task.pk, at=at) if asks else None
    found = who_could(task=then, moment=moment) if then else []
    everybody = {holder.user_id: _holder_row(holder) for holder in found}
    holders = list(everybody.values())[:LISTED]
    return Shown(at, state, settings, holders if asks else None, everybody)


def _holder_row(holder: Holder) -> HolderRow:
    return HolderRow(
        holder.username, flags_held(holder.flags), list(map(way_in_words, holder.ways))
    )


def flags_held(flags: int) -> list[bool]:
    """Return for each flag whether it is held."""
    return [bool(flags & flag.bit) for flag in Flag]


def way_in_words(way: Way) -> str:
    """Return a way of holding flags in words."""
    if way.role_name is None:
        return way.via
    through = f"through the group {way.group}" if way.group else f"as {way.via}"
    return f"{way.role_name}, {through}"


def _comparison(before: Shown, after: Shown) -> dict[str, Any]:
    return {
        "is_compared": True,
        "is_missing": before.state is None or after.state is None,
        "changes_of_settings": list(_changes_of_settings(before.state, after.state)),
        "changes_of_rights": list(_changes_of_rights(before.everybody, after.everybody)),
    }


def _changes_of_settings(before: TaskState | None, after: TaskState | None) -> Iterator[Difference]:
    if before is None or after is None:
        return
    for difference in compare_states(before=before, after=after):
        yield in_words(difference, what=difference.place)


def _changes_of_rights(
    before: Mapping[int, HolderRow], after: Mapping[int, HolderRow]
) -> Iterator[Difference]:
    nothing = [False] * len(Flag)
    for key in sorted(before.keys() | after.keys()):
        was, became = (side[key].held if key in side else nothing for side in (before, after))
        if was != became:
            name = (after.get(key) or before[key]).name
            yield Difference(name, labels_of(was), labels_of(became))


def labels_of(held: Sequence[bool]) -> str:
    """Return the flags that are held, in words."""
    labels = [label for label, is_held in zip(FLAG_LABELS, held, strict=True) if is_held]
    return ", ".join(labels) or "nothing"


def _panel(request: HttpRequest, task: Task) -> dict[str, Any]:
    return question_of(asked_form(request), reverse("admin:tasks_task_past", args=[task.pk]))


def question_of(form: PastForm, address: str) -> dict[str, Any]:
    """Return what the panel of the question shows; of one moment, also where it is compared with now."""
    compare = ""
    if form.is_bound and form.is_valid() and not form.cleaned_data["compared_with"]:
        # A field has whole seconds: what was done in this one is part of it.
        now = timezone.now() + timedelta(seconds=1)
        moments = {"at": form["at"].value(), "compared_with": now.strftime(_FORM)}
        compare = f"{address}?{urlencode(moments)}"
    return {"form": form, "address": address, "compare": compare}


register_page(Task, FurtherPage("past", past_of_task, "What was so at a moment?"))
register_panel(
    Task, Panel("What was so at a moment?", "admin/panels/past.html", _panel, at_end=True)
)
