"""What a batch does, as a class: its right, what it reads, its plan, and what it writes."""

from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from types import MappingProxyType
from typing import Any, ClassVar, Generic, Protocol, Self, TypeVar

from django.contrib.auth.models import User

from audit.models import Operation
from audit.titles import name_kind
from tasks.batch.plan import Outcome, OutcomeKind, PlanWarning, Reason


class Row(Protocol):
    """What was read of one target; each change adds what it needs."""

    @property
    def id(self) -> int:
        """The task's key."""

    @property
    def uid(self) -> str:
        """The task's id as callers know it."""


RowT = TypeVar("RowT", bound=Row)


class Change(ABC, Generic[RowT]):
    """One kind of change; a subclass cannot exist without naming its kind and its right.

    A change is a frozen value: the parameters, and nothing of the targets. The pipeline calls, in this
    order: `read` (with a lock when it applies), `bind`, `plan`, and `write` for the outcomes to change.
    Whether a target's outcome depends on the others is said by `binds_by_type`, if what `bind` settles
    depends on which types the targets have, and by `companions` of a plan, if it depends on a few.
    """

    kind: ClassVar[str]
    title: ClassVar[str]
    right: ClassVar[str]
    binds_by_type: ClassVar[bool] = False
    inverse: ClassVar["type[Restore[Any]] | None"] = None

    _kinds: ClassVar[dict[str, "type[Change[Any]]"]] = {}

    def __init_subclass__(cls, **kwargs: Any) -> None:
        """Register the kind, so that the worker and undo can make the change again, and its title."""
        super().__init_subclass__(**kwargs)
        if "kind" in cls.__dict__:
            if cls.kind in Change._kinds:
                msg = f"two changes are of the kind {cls.kind!r}"
                raise TypeError(msg)
            Change._kinds[cls.kind] = cls
            name_kind(kind=cls.kind, title=cls.title, told=cls.told)

    @staticmethod
    def of_kind(kind: str) -> "type[Change[Any]] | None":
        """Return the class that makes changes of this kind, if any does."""
        return Change._kinds.get(kind)

    @staticmethod
    def kinds() -> "Mapping[str, type[Change[Any]]]":
        """Return every change by its kind."""
        return MappingProxyType(Change._kinds)

    @classmethod
    def told(cls, parameters: Mapping[str, Any]) -> str:
        """Return what an operation with these parameters is called: the title, unless they say more."""
        del parameters
        return cls.title

    @classmethod
    @abstractmethod
    def from_parameters(cls, parameters: Mapping[str, Any]) -> Self:
        """Return the change that `parameters()` described."""

    @abstractmethod
    def parameters(self) -> dict[str, Any]:
        """Return, without any secret, what it takes to make this change again."""

    def attempted_parameters(self) -> dict[str, Any]:
        """Return what a refused attempt keeps: the parameters, as far as they cannot hold a secret.

        Where a secret stands is known only once the change is bound to targets, which there may be none of.
        """
        return self.parameters()

    @property
    def weight(self) -> int:
        """How many bytes the change itself brings to each target."""
        return 0

    def identity(self) -> Mapping[str, Any]:
        """Return what distinguishes this change from others of its kind, secrets included."""
        return self.parameters()

    @abstractmethod
    def read(self, *, uids: Sequence[str], lock: bool) -> list[RowT]:
        """Return what exists of the targets, in key order, locked for the transaction if asked."""

    def bind(self, *, rows: Sequence[RowT]) -> Self:
        """Return the change with what depends on its targets settled."""
        del rows
        return self

    @abstractmethod
    def plan(
        self, *, actor: User, rows: Sequence[tuple[RowT, frozenset[str]]]
    ) -> Iterable[Outcome]:
        """Yield the outcome of each row that the actor has the right on, given the rights held."""

    def companions(self, *, outcomes: Sequence[Outcome]) -> list[str]:
        """Return those targets of a plan without which others of its outcomes would be others."""
        del outcomes
        return []

    def warnings(self, *, outcomes: Sequence[Outcome]) -> list[PlanWarning]:
        """Return what whoever confirms the outcomes to change should know."""
        del outcomes
        return []

    def facets(self, places: Iterable[str]) -> Iterable[str]:
        """Return what the operation is found by (`audit.trail.facets`), given the places it changed."""
        del places
        return ()

    def keep_secrets(self) -> None:
        """Store the secrets that the bound change carries, so that references name something."""
        return

    @abstractmethod
    def write(self, *, outcomes: Sequence[Outcome], operation: Operation, at: datetime) -> int:
        """Write the outcomes to change and their history; return how many were recorded."""


@dataclass(frozen=True, kw_only=True)
class Restore(Change[RowT]):
    """Takes targets back to what they were before an operation, as far as they are still as it left them.

    A target changed since is in conflict: refused by default, left alone with `skip_conflicts`, and taken
    back all the same with `overwrite`, which loses what came after.
    """

    operation_id: str
    skip_conflicts: bool = False
    overwrite: bool = False

    @classmethod
    def from_parameters(cls, parameters: Mapping[str, Any]) -> Self:
        """Return the change that `parameters()` described."""
        return cls(
            operation_id=parameters["operation"],
            skip_conflicts=parameters["skip_conflicts"],
            overwrite=parameters["overwrite"],
        )

    def parameters(self) -> dict[str, Any]:
        """Return the operation to undo and what to do about conflicts."""
        return {
            "operation": self.operation_id,
            "skip_conflicts": self.skip_conflicts,
            "overwrite": self.overwrite,
        }

    @classmethod
    @abstractmethod
    def uids_of(cls, *, operation_id: str) -> list[str]:
        """Return the ids of the tasks that the operation changed."""

    def changed_since(self, outcome: Outcome, *, is_recycled: bool = False) -> Outcome:
        """Return the outcome for a target that has been changed since the operation."""
        if self.overwrite and not is_recycled:
            return outcome
        kind = OutcomeKind.UNCHANGED if self.skip_conflicts else OutcomeKind.CONFLICT
        return outcome._replace(
            kind=kind,
            after=outcome.before,
            changed=(),
            reason=Reason.CHANGED_SINCE,
            detail="changed since the operation that is to be undone",
            write=None,
        )
