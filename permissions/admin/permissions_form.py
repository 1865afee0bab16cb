"""The form in which a change of the permissions of many tasks is written down: a grid of roles and flags.

Roles of several projects are one row if they have the same code and name. What the actor may not say has
no choice here; whoever sends it all the same is refused, and would be by the pipeline.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, NamedTuple

from django import forms
from django.core.exceptions import ValidationError

from permissions.admin.grids import FLAG_LABELS
from permissions.changes import NamedFlags, SetPermissions
from permissions.flags import Flag
from permissions.present_permissions import PresentRole, read_present_permissions
from permissions.roles import ADMINISTRATOR, TASK_CREATOR
from tasks.admin.change_forms import ChangeForm, Crafted
from tasks.batch.plan import Reason
from tasks.batch.seen import seen_targets


LEAVE, GRANT, REVOKE = "leave", "grant", "revoke"

# Seven fields each: a request has a thousand at most.
_MOST_ROLES = 120
_MOST_TOLD = 20

_CHANGED_ROLES = "The roles changed since you opened this form: look at it, then send it again."


@dataclass(frozen=True, kw_only=True)
class Cell:
    """A role's flag: the field, on how many of the role's tasks it is held, and what locks it if so."""

    field: Any
    label: str
    held: int
    tasks: int
    lock: str

    @property
    def state(self) -> str:
        """Whether the role holds the flag on all of its tasks, on none, or on some."""
        if not self.held:
            return "none"
        return "all" if self.held == self.tasks else "some"

    @property
    def is_locked(self) -> bool:
        """Whether it can only be left."""
        return len(self.field.field.choices) == 1


class PermissionsRow(NamedTuple):
    """A role with its seven cells, in how many of the projects it is, and what locks all of it if so."""

    role: PresentRole
    cells: Sequence[Cell]
    lock: str


class PermissionsForm(ChangeForm):
    """A choice per role and flag: leave it, grant it, revoke it."""

    template = "admin/drafts/permissions.html"
    flags: ClassVar[Sequence[str]] = FLAG_LABELS

    def prepare(self) -> None:
        """Make the fields from the chosen tasks."""
        seen = seen_targets(actor=self.chosen.actor, uids=self.chosen.uids)
        mine = [task for task in seen if SetPermissions.right in task.held]
        self.seen = len(seen)
        self.may_change = len(mine)
        self._held = {flag: sum(flag.codename in task.held for task in mine) for flag in Flag}
        self.present = read_present_permissions(
            actor=self.chosen.actor, task_ids=[task.id for task in seen]
        )
        self.roles = self.present.roles[:_MOST_ROLES]
        for role in self.roles:
            for flag in Flag:
                self.fields[_name(role, flag)] = self._field(role, flag)

    @property
    def left_out(self) -> int:
        """How many roles have no row."""
        return len(self.present.roles) - len(self.roles)

    def not_held(self) -> list[str]:
        """Return the flags that the actor can grant on none of the tasks, by their labels."""
        return [flag.label for flag in Flag if self.may_change and not self._held[flag]]

    def partly_held(self) -> list[tuple[str, int]]:
        """Return the flags that the actor can grant on some of the tasks only, and on how many."""
        return [
            (flag.label, count) for flag, count in self._held.items() if 0 < count < self.may_change
        ]

    def grid(self) -> Iterator[PermissionsRow]:
        """Yield each role with its cells."""
        for role in self.roles:
            cells = [
                Cell(
                    field=self[_name(role, flag)],
                    label=f"{role.name}: {flag.label}",
                    held=role.holding[flag],
                    tasks=role.tasks,
                    lock=self._lock(role, flag),
                )
                for flag in Flag
            ]
            yield PermissionsRow(role, cells, self._lock_of_row(role))

    def clean(self) -> dict[str, Any]:
        """Refuse a form that leaves everything, and one made from other roles than there are."""
        cleaned: dict[str, Any] = super().clean() or {}
        wanted = {name for name, value in self.data.items() if value in {GRANT, REVOKE}}
        if wanted - self.fields.keys():
            raise ValidationError(_CHANGED_ROLES)
        if not (wanted or self.errors):
            raise ValidationError("Nothing would change: grant or revoke something.")
        return cleaned

    def change(self) -> SetPermissions:
        """Return the chosen cells as a change; a role that not all projects have goes by its name."""
        flags: dict[int, Mapping[str, bool]] = {}
        named = []
        for role in self.roles:
            chosen = {
                flag.vendor_name: value == GRANT
                for flag in Flag
                if (value := self.cleaned_data[_name(role, flag)]) in {GRANT, REVOKE}
            }
            if chosen and role.projects == self.present.projects:
                flags[role.code] = chosen
            elif chosen:
                named.append(NamedFlags(role.code, role.name, chosen))
        return SetPermissions(flags=flags, named=tuple(named))

    def crafted(self) -> Sequence[Crafted]:
        """Return the locked cells that were sent all the same, the first twenty if there are more."""
        locked = [
            Crafted(
                self._code_of_lock(role), f"{role.name}: {flag.label}: {self._lock(role, flag)}"
            )
            for role in self.roles
            for flag in Flag
            if _name(role, flag) in self.errors and self._lock(role, flag)
        ]
        return locked[:_MOST_TOLD]

    def _field(self, role: PresentRole, flag: Flag) -> forms.ChoiceField:
        choices = [(LEAVE, "leave")]
        if not self._lock_of_row(role):
            if self._held[flag]:
                choices.append((GRANT, "grant"))
            # What nobody holds cannot be taken away.
            if self._held[flag] or role.holding[flag]:
                choices.append((REVOKE, "revoke"))
        refused = f"{role.name}: {flag.label}: {self._lock(role, flag) or 'choose one of the list'}"
        label = f"{role.name}: {flag.label}, now on {role.holding[flag]} of {role.tasks}"
        return forms.ChoiceField(
            choices=choices,
            initial=LEAVE,
            required=False,
            widget=forms.Select(attrs={"aria-label": label, "class": "bh-cell"}),
            error_messages={"invalid_choice": refused},
        )

    def _lock(self, role: PresentRole, flag: Flag) -> str:
        if lock := self._lock_of_row(role):
            return lock
        if not self._held[flag]:
            return "You do not hold it on these tasks yourself, so you cannot give it to others."
        return ""

    def _code_of_lock(self, role: PresentRole) -> str:
        if not self.may_change:
            return Reason.NO_RIGHT
        return Reason.LOCKED_ROLE if self._lock_of_row(role) else Reason.NOT_HELD

    def _lock_of_row(self, role: PresentRole) -> str:
        if not self.may_change:
            return "You may change the permissions of none of these tasks."
        if role.code == ADMINISTRATOR:
            return "Always holds everything."
        if role.code == TASK_CREATOR and not self.present.creator_changeable:
            return "Changed only by who created, administers or manages the project."
        return ""


def _name(role: PresentRole, flag: Flag) -> str:
    return f"{flag.vendor_name} {role.code} {role.name}"
