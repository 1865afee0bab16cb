"""The form in which a change of the settings of many tasks is written down; it decides nothing.

It has two ways: fields, made from the schemas that the chosen tasks' types share, and the text of a merge
patch. Of both, only the one that is open counts. A secret is never in a text, and is never shown again.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from hashlib import sha256
from typing import Any

from django import forms
from django.core.exceptions import NON_FIELD_ERRORS, ValidationError
from django.forms import BoundField
from unfold.widgets import UnfoldAdminTextareaWidget

from tasks.admin.change_forms import ChangeForm
from tasks.admin.patch_problems import LineProblem, findings, read_patch
from tasks.admin.present_words import present_in_words
from tasks.admin.setting_fields import LEFT, SET, SettingFields, hint_of
from tasks.batch.seen import seen_targets
from tasks.changes import UpdateSettings
from tasks.present_settings import read_present, read_types
from tasks.schemas import Pointer
from tasks.setting_places import setting_at, with_value
from tasks.shared_properties import (
    Kind,
    LeftOut,
    Shared,
    SharedProperty,
    secret_properties,
    settable,
    shared_properties,
)


FIELDS, PATCH = "fields", "patch"

# Two fields each: a request has a thousand at most.
_MOST_SETTINGS, _MOST_SECRETS = 400, 80
_NO_ROOM = "the form has no room for it: write it in the patch"

_CHANGED_TYPES = (
    "The schema of a task type, or what you may see, changed since you opened this form:"
    " look at what you have written, and send it again."
)


@dataclass(kw_only=True)
class ShownSetting:
    """A property as the page shows it: what is there now, its two fields, and what is inside of it."""

    subject: SharedProperty
    number: int
    now: str
    how: BoundField | None
    value: BoundField | None
    inside: list["ShownSetting"] = field(default_factory=list)

    @property
    def hint(self) -> str:
        """How a value is written."""
        return hint_of(self.subject)

    @property
    def is_group(self) -> bool:
        """Whether there are settings inside, rather than a value."""
        return self.subject.kind is Kind.GROUP

    @property
    def is_choice(self) -> bool:
        """Whether one field says it all, as a list to choose from."""
        return self.subject.kind is Kind.CHOICE


class SettingsForm(ChangeForm):
    """A wish for each setting, or a merge patch."""

    template = "admin/drafts/settings.html"

    # Who sends no way, a program for example, sends a patch.
    way = forms.ChoiceField(
        choices=((FIELDS, "Setting by setting"), (PATCH, "JSON merge patch")),
        initial=FIELDS,
        required=False,
        widget=forms.RadioSelect,
    )
    known = forms.CharField(required=False, widget=forms.HiddenInput)
    text = forms.CharField(
        strip=False,
        required=False,
        label="JSON merge patch",
        help_text="Only what you write changes: objects merge, null removes, all else replaces (RFC 7396).",
        widget=UnfoldAdminTextareaWidget(
            attrs={"rows": 16, "spellcheck": "false", "aria-describedby": "patch-problems"}
        ),
        initial="{}",
    )

    def prepare(self) -> None:
        """Make the fields from the chosen tasks."""
        self._seen = seen_targets(actor=self.chosen.actor, uids=self.chosen.uids)
        self.types = read_types(type_ids=sorted({task.task_type_id for task in self._seen}))
        # Of other types than these it may mean something else by now.
        if self.initial.get("known") != self.known_types:
            self.initial = {}
        named = [each.named_schema for each in self.types]
        shared = shared_properties(named) if named else Shared([], [])
        settings = list(settable(shared.properties))
        self.left_out = [
            *shared.left_out,
            *(LeftOut(each.place, _NO_ROOM) for each in settings[_MOST_SETTINGS:]),
        ]
        self._settings = _with_fields(settings[:_MOST_SETTINGS], prefix="")
        self._secrets = _with_fields(secret_properties(named)[:_MOST_SECRETS], prefix="patch-")
        self.patch_problems: Sequence[LineProblem] = ()
        self._patch: Mapping[str, Any] = {}
        for each in (*self._settings, *self._secrets):
            self.fields.update(each.fields())

    @property
    def known_types(self) -> str:
        """What the form was made from, so that one made from something else is noticed."""
        return sha256(repr(self.types).encode()).hexdigest()[:16]

    @property
    def seen(self) -> int:
        """How many of the chosen tasks the form speaks of."""
        return len(self._seen)

    @property
    def may_change(self) -> int:
        """How many of them the actor may change."""
        return sum(UpdateSettings.right in task.held for task in self._seen)

    @property
    def wrong(self) -> int:
        """How many fields have errors of their own."""
        return len(self.errors.keys() - {NON_FIELD_ERRORS})

    def settings(self) -> list[ShownSetting]:
        """Return the settings to show, grouped as in the schema."""
        return self._shown(self._settings)

    def secrets(self) -> list[ShownSetting]:
        """Return the secrets that a patch's text must not hold, of all types."""
        return self._shown(self._secrets)

    @property
    def forgotten(self) -> list[str]:
        """The secrets that were written before and have to be written again, by their titles."""
        if not (self.is_bound or self.initial):
            return []
        fields = self._settings if self["way"].value() == FIELDS else self._secrets
        return [
            each.subject.title
            for each in fields
            if each.subject.kind is Kind.SECRET and self[each.how].value() == SET
        ]

    def written(self) -> dict[str, Any]:
        """Return what was written, of which types, and in which of the two ways."""
        secret = {
            each.value
            for each in (*self._settings, *self._secrets)
            if each.subject.kind is Kind.SECRET
        }
        kept = {name: value for name, value in super().written().items() if name not in secret}
        way = self.cleaned_data.get("way") or PATCH
        return {**kept, "way": way, "known": self.known_types}

    def clean(self) -> dict[str, Any]:
        """Make a patch of what is written; refuse what none of the types could take."""
        if self.cleaned_data.get("way") == FIELDS:
            self._read_settings()
        else:
            self._read_text()
        if not (self._patch or self.errors):
            raise ValidationError("Nothing would change: say what shall be set or removed.")
        return self.cleaned_data

    def change(self) -> UpdateSettings:
        """Return the merge patch as a change."""
        return UpdateSettings(patch=self._patch)

    def _read_settings(self) -> None:
        if self.cleaned_data.get("known") != self.known_types:
            self.add_error(None, _CHANGED_TYPES)
        self._patch = self._wishes(self._settings, {})
        own = {each.subject.place for each in self._settings if each.value in self.fields}
        for secret in self._secrets:
            place = secret.subject.place
            if place not in own and isinstance(setting_at(self._patch, place), str):
                message = f"{secret.pointer} is a secret: the other way has a field for it."
                self.add_error(self._field_at(secret.pointer), message)
        self._say_problems()

    def _read_text(self) -> None:
        read = read_patch(text=self.cleaned_data.get("text") or "{}", types=self.types)
        self.patch_problems = read.problems
        for problem in read.problems:
            if problem.blocks:
                self.add_error("text", str(problem))
        self._forget_secrets(read.patch or {})
        self._patch = self._wishes(self._secrets, read.patch or {})
        if read.patch is not None and not self.errors:
            self._say_problems()

    def _forget_secrets(self, patch: Mapping[str, Any]) -> None:
        """Keep what the text holds in the place of a secret from coming back with the page."""
        values = [setting_at(patch, each.subject.place) for each in self._secrets]
        held = [value for value in values if isinstance(value, str)]
        text = str(self.data.get("text"))
        for value in held:
            for written in {json.dumps(value), json.dumps(value, ensure_ascii=False)}:
                text = text.replace(written, '""')
        if held:
            sent: Any = self.data
            self.data = sent.copy()
            self.data["text"] = text  # type: ignore[index]  # of the copy

    def _wishes(
        self, fields: Sequence[SettingFields], patch: Mapping[str, Any]
    ) -> Mapping[str, Any]:
        """Return the patch with what the fields say; what is inside of a removed group counts not."""
        removed: list[Pointer] = []
        for each in fields:
            place = each.subject.place
            if any(place[: len(group)] == group for group in removed):
                continue
            if {each.how, each.value} & self.errors.keys():
                continue
            try:
                wish = each.wish(self.cleaned_data)
            except ValidationError as error:
                self.add_error(each.value, error)
                continue
            if wish is LEFT:
                continue
            if wish is None:
                removed.append(place)
            patch = with_value(patch, place, wish)
        return patch

    def _say_problems(self) -> None:
        for finding in findings(types=self.types, patch=self._patch):
            if finding.blocks:
                self.add_error(self._field_at(finding.pointer), f"{finding.message}.")

    def _field_at(self, pointer: str) -> str | None:
        """Return the field that a problem at the pointer belongs to; the innermost that there is."""
        fields = self._settings if self.cleaned_data.get("way") == FIELDS else self._secrets
        while pointer:
            for each in fields:
                if each.pointer == pointer:
                    return each.value if each.value in self.fields else each.how
            pointer = pointer.rpartition("/")[0]
        return None

    @cached_property
    def _now(self) -> Mapping[Pointer, str]:
        properties = {each.subject.place: each.subject for each in self._settings}
        properties |= {each.subject.place: each.subject for each in self._secrets}
        present = read_present(
            task_ids=[task.id for task in self._seen], properties=list(properties.values())
        )
        return {
            place: present_in_words(shared, present[place], tasks=self.seen)
            for place, shared in properties.items()
        }

    def _shown(self, fields: Sequence[SettingFields]) -> list[ShownSetting]:
        top: list[ShownSetting] = []
        groups: dict[Pointer, list[ShownSetting]] = {}
        for each in fields:
            place = each.subject.place
            shown = ShownSetting(
                subject=each.subject,
                number=each.number,
                now=self._now[place],
                how=self[each.how] if each.how in self.fields else None,
                value=self[each.value] if each.value in self.fields else None,
            )
            groups.get(place[:-1], top).append(shown)
            if shown.is_group:
                groups[place] = shown.inside
        return top


def _with_fields(properties: Sequence[SharedProperty], *, prefix: str) -> list[SettingFields]:
    return [
        SettingFields(subject=each, number=number, prefix=prefix)
        for number, each in enumerate(properties)
    ]
