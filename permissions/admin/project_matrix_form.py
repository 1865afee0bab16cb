"""A project's permissions as a grid of checkboxes; it decides nothing, it says what was toggled."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from django import forms
from django.core.exceptions import ValidationError
from unfold.widgets import UnfoldBooleanWidget

from permissions.admin.toggles import MOST
from permissions.flags import ALL, NONE, Flag
from permissions.models import Role
from permissions.roles import ADMINISTRATOR, TASK_CREATOR
from permissions.states import FlagsOfRoles, Situation


class Cell(NamedTuple):
    """A role's checkbox for a flag; a locked one cannot be ticked."""

    field: Any
    is_locked: bool


class GridRow(NamedTuple):
    """A role with its seven cells, why none of them can be changed if so, and what was shown."""

    code: int
    name: str
    locked: str
    cells: Sequence[Cell]
    shown: Any


class LockedField(forms.BooleanField):
    """A box that cannot be ticked shows what holds: browsers do not send it, ticked or not."""

    def bound_data(self, data: Any, initial: Any) -> Any:
        """Return what holds, whatever was sent."""
        del data
        return initial


class MatrixForm(forms.Form):
    """One checkbox per role and flag; what was shown comes along, so that only what was toggled changes."""

    def __init__(self, data: Any = None, *, situation: Situation, roles: Sequence[Role]) -> None:
        super().__init__(data)
        self._situation, self._roles = situation, roles
        for role in roles:
            held = self._held(role.code)
            self.fields[_shown(role.code)] = forms.IntegerField(
                required=False,
                initial=held,
                min_value=NONE,
                max_value=ALL,
                widget=forms.HiddenInput,
            )
            for flag in Flag:
                kind = LockedField if self._is_locked(role.code, flag) else forms.BooleanField
                self.fields[_name(role.code, flag)] = kind(
                    required=False,
                    initial=bool(held & flag.bit),
                    widget=UnfoldBooleanWidget(self._attributes(role, flag)),
                )

    def clean(self) -> dict[str, Any]:
        """Refuse more than fits a preview.

        Raises:
            ValidationError: saying how many are too many.
        """
        cleaned: dict[str, Any] = super().clean() or {}
        toggled = 0 if self.errors else sum(map(len, self.toggled().values()))
        if toggled > MOST:
            raise ValidationError(
                f"You changed {toggled} boxes; {MOST} at most can be previewed at a time. Nothing was"
                " changed: set some back, preview and apply the others, then go on."
            )
        return cleaned

    @property
    def has_not_held(self) -> bool:
        """Whether a cell is locked because the visitor does not hold the flag."""
        return any(cell.is_locked and not row.locked for row in self.grid() for cell in row.cells)

    def grid(self) -> Iterator[GridRow]:
        """Yield each role with its cells."""
        for role in self._roles:
            yield GridRow(
                role.code,
                role.name,
                self._lock_of_row(role.code),
                [
                    Cell(self[_name(role.code, flag)], self._is_locked(role.code, flag))
                    for flag in Flag
                ],
                self[_shown(role.code)],
            )

    def toggled(self) -> FlagsOfRoles:
        """Return the flags that differ from what was shown, by role."""
        toggled: dict[int, Mapping[str, bool]] = {}
        for role in self._roles:
            shown = self.cleaned_data[_shown(role.code)]
            shown = self._held(role.code) if shown is None else shown
            flags = {
                flag.vendor_name: wanted
                for flag in Flag
                if (wanted := self.cleaned_data[_name(role.code, flag)]) != bool(shown & flag.bit)
                # Browsers do not send what is locked, ticked or not.
                and (wanted or not self._is_locked(role.code, flag))
            }
            if flags:
                toggled[role.code] = flags
        return toggled

    def _attributes(self, role: Role, flag: Flag) -> dict[str, Any]:
        attributes: dict[str, Any] = {"aria-label": f"{role.name}: {flag.label}"}
        if self._is_locked(role.code, flag):
            attributes["disabled"] = True
            reason = f"lock-{role.code}" if self._lock_of_row(role.code) else "lock-not-held"
            attributes["aria-describedby"] = reason
        return attributes

    def _is_locked(self, code: int, flag: Flag) -> bool:
        given = self._held(code) & flag.bit
        return bool(self._lock_of_row(code)) or not (given or self._situation.held & flag.bit)

    def _lock_of_row(self, code: int) -> str:
        if code == ADMINISTRATOR:
            return "Always holds everything."
        if code == TASK_CREATOR and not self._situation.project.may_change_creator:
            return "Changed only by who created, administers or manages the project."
        return ""

    def _held(self, code: int) -> int:
        rows = self._situation.now.effective.rows
        return rows[code].flags if code in rows else NONE


def _name(code: int, flag: Flag) -> str:
    return f"role{code}_{flag.vendor_name}"


def _shown(code: int) -> str:
    return f"shown{code}"
