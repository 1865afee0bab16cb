"""The forms in which one task's changes are written down; they decide nothing.

Secrets have fields of their own: what stands in the text may be shown again, a secret never is.
"""

import json
from collections.abc import Iterator, Mapping
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from unfold.widgets import (
    UnfoldAdminPasswordWidget,
    UnfoldAdminTextareaWidget,
    UnfoldBooleanWidget,
)

from tasks.admin.shown import schema_of
from tasks.batch.errors import Malformed
from tasks.merge import patch_between
from tasks.models import Task
from tasks.schemas import Pointer, json_pointer
from tasks.strict_json import parse_object


class SettingsForm(forms.Form):
    """What shall change: a merge patch or, with `whole`, what the settings shall be; and secrets."""

    text = forms.CharField(strip=False, widget=UnfoldAdminTextareaWidget(attrs={"rows": 16}))
    version = forms.IntegerField(widget=forms.HiddenInput)

    def __init__(self, data: Any = None, *, task: Task, whole: bool) -> None:
        self._task, self._whole = task, whole
        self._secrets = sorted(schema_of(task.task_type).secrets)
        self._open = _without(task.settings, self._secrets)
        text = json.dumps(self._open, indent=2, ensure_ascii=False) if whole else "{}"
        super().__init__(data, initial={"text": text, "version": task.version}, label_suffix="")
        self.fields["text"].label = "Settings" if whole else "JSON merge patch"
        self.fields["text"].help_text = _WHOLE_HELP if whole else _PATCH_HELP
        for number in range(len(self._secrets)):
            self.fields[f"secret_{number}"] = forms.CharField(
                required=False, strip=False, widget=UnfoldAdminPasswordWidget(attrs=_NO_FILL)
            )
            self.fields[f"remove_{number}"] = forms.BooleanField(
                required=False, widget=UnfoldBooleanWidget()
            )

    def secret_fields(self) -> Iterator[Mapping[str, Any]]:
        """Yield, for each secret that the type knows, its place, its two fields and whether it is set."""
        for number, place in enumerate(self._secrets):
            yield {
                "place": json_pointer(place),
                "value": self[f"secret_{number}"],
                "remove": self[f"remove_{number}"],
                "is_set": _at(self._task.settings, place) is not None,
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

    def clean_version(self) -> int:
        """Refuse whole settings written over others than those that were shown."""
        version = int(self.cleaned_data["version"])
        if self._whole and version != self._task.version:
            raise ValidationError("The task was changed since you opened this page: load it again.")
        return version

    def patch(self) -> dict[str, Any]:
        """Return the merge patch that a valid form asks for."""
        given = self.cleaned_data["text"]
        patch = patch_between(self._open, given) if self._whole else given
        for number, place in enumerate(self._secrets):
            if self.cleaned_data[f"remove_{number}"]:
                patch = _with(patch, place, None)
            elif value := self.cleaned_data[f"secret_{number}"]:
                patch = _with(patch, place, value)
        return dict(patch)


class DisableForm(forms.Form):
    """Why a task is disabled."""

    reason = forms.CharField(
        max_length=500,
        label="Why it is disabled",
        help_text="Whoever finds the task disabled reads this.",
        widget=UnfoldAdminTextareaWidget(attrs={"rows": 3}),
    )


_NO_FILL = {"autocomplete": "new-password"}
_PATCH_HELP = (
    "Only what you write changes: objects merge, null removes, all else replaces (RFC 7396)."
)
_WHOLE_HELP = "What you take out is removed. Secrets are not shown; they stay unless changed below."


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


def _without(document: Any, places: list[Pointer]) -> Any:
    """Return the document without the places."""
    if not isinstance(document, dict):
        return document
    inside: dict[str, list[Pointer]] = {}
    for step, *rest in places:
        inside.setdefault(step, []).append(tuple(rest))
    return {
        key: _without(value, [place for place in inside.get(key, []) if place])
        for key, value in document.items()
        if () not in inside.get(key, [])
    }
