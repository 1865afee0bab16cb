"""The form in which a change of settings is written down; it decides nothing.

Secrets have fields of their own: what stands in the text may be shown again, a secret never is.
"""

from collections.abc import Iterator, Mapping
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from unfold.widgets import (
    UnfoldAdminPasswordWidget,
    UnfoldAdminTextareaWidget,
    UnfoldBooleanWidget,
)

from tasks.admin.change_forms import ChangeForm, ChosenTasks
from tasks.admin.shown import schema_of
from tasks.arrays import EqualsAny
from tasks.batch.errors import Malformed
from tasks.changes import UpdateSettings
from tasks.models import TaskType
from tasks.schemas import Pointer, json_pointer
from tasks.strict_json import parse_object
from tasks.visibility import visible_tasks


class SettingsForm(ChangeForm):
    """A merge patch, and a field of its own for each secret that a chosen task's type knows."""

    template = "admin/drafts/settings.html"

    text = forms.CharField(
        strip=False,
        label="JSON merge patch",
        help_text="Only what you write changes: objects merge, null removes, all else replaces (RFC 7396).",
        widget=UnfoldAdminTextareaWidget(attrs={"rows": 16}),
        initial="{}",
    )

    def __init__(self, data: Any = None, files: Any = None, *, chosen: ChosenTasks) -> None:
        super().__init__(data, files, chosen=chosen)
        self._secrets = _secrets_of(chosen)
        for number in range(len(self._secrets)):
            self.fields[f"secret_{number}"] = forms.CharField(
                required=False, strip=False, widget=UnfoldAdminPasswordWidget(attrs=_NO_FILL)
            )
            self.fields[f"remove_{number}"] = forms.BooleanField(
                required=False, widget=UnfoldBooleanWidget()
            )

    def secret_fields(self) -> Iterator[Mapping[str, Any]]:
        """Yield, for each secret, its place and its two fields."""
        for number, place in enumerate(self._secrets):
            yield {
                "place": json_pointer(place),
                "value": self[f"secret_{number}"],
                "remove": self[f"remove_{number}"],
            }

    def clean_text(self) -> dict[str, Any]:
        """Return the object that the text is."""
        try:
            given = parse_object(self.cleaned_data["text"].encode(errors="surrogatepass"))
        except Malformed as error:
            raise ValidationError(str(error)) from error
        for place in self._secrets:
            if _at(given, place) is not None:
                pointer = json_pointer(place)
                raise ValidationError(f"{pointer} is secret: it has a field of its own below.")
        return given

    def change(self) -> UpdateSettings:
        """Return the merge patch as a change."""
        patch = self.cleaned_data["text"]
        for number, place in enumerate(self._secrets):
            if self.cleaned_data[f"remove_{number}"]:
                patch = _with(patch, place, None)
            elif value := self.cleaned_data[f"secret_{number}"]:
                patch = _with(patch, place, value)
        return UpdateSettings(patch=patch)


_NO_FILL = {"autocomplete": "new-password"}


def _secrets_of(chosen: ChosenTasks) -> list[Pointer]:
    """Return the places of the secrets of the chosen tasks' types, in one query."""
    tasks = visible_tasks(actor=chosen.actor).filter(EqualsAny("uid", chosen.uids))
    types = TaskType.objects.filter(pk__in=tasks.values("task_type"))
    return sorted({place for each in types for place in schema_of(each).secrets})


def _at(document: Any, place: Pointer) -> Any:
    for step in place:
        if not isinstance(document, dict):
            return None
        document = document.get(step)
    return document


def _with(document: Any, place: Pointer, value: Any) -> dict[str, Any]:
    step, *rest = place
    held = document if isinstance(document, dict) else {}
    inner = _with(held.get(step), tuple(rest), value) if rest else value
    return {**held, step: inner}
