"""What a form of a bulk action is: it is told the chosen tasks, and says which change is wanted."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, ClassVar, Final, NamedTuple

from django import forms
from django.contrib.auth.models import User

from tasks.batch.change import Change


NOTHING_WRITTEN: Final[Mapping[str, Any]] = MappingProxyType({})


@dataclass(frozen=True, kw_only=True)
class ChosenTasks:
    """The frozen selection: who chose, and the ids; some may name nothing that the actor may view."""

    actor: User
    uids: Sequence[str]


class Crafted(NamedTuple):
    """What was asked for though the page does not offer it to this actor: why it is refused."""

    code: str
    detail: str


class ChangeForm(forms.Form):
    """A form that becomes a change; one that asks nothing is previewed at once.

    `template` renders the fields inside the page; it knows the form as `form`.
    """

    template: ClassVar[str] = "admin/drafts/fields.html"
    asks: ClassVar[bool] = True

    def __init__(
        self,
        data: Any = None,
        files: Any = None,
        *,
        chosen: ChosenTasks,
        written: Mapping[str, Any] = NOTHING_WRITTEN,
    ) -> None:
        super().__init__(data, files, label_suffix="", initial=dict(written))
        self.chosen = chosen
        self.prepare()

    def prepare(self) -> None:
        """Make the fields that depend on the chosen tasks; most forms have none."""

    def written(self) -> dict[str, Any]:
        """Return what was written, so that the form can be shown again with it; never a secret."""
        sent = {name: self[name].data for name in self.fields}
        return {
            name: value
            for name, value in sent.items()
            if value and value != self.fields[name].initial
        }

    def change(self) -> Change[Any]:
        """Return the change that the valid form asks for."""
        raise NotImplementedError

    def crafted(self) -> Sequence[Crafted]:
        """Return what an invalid form asks for that the page does not offer."""
        return ()
