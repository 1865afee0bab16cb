"""The change of a project's own matrix, in place, and its undo.

They are no batches: their target is one project, though what they do holds at once for every task that
follows it. `permissions.project_pipeline` previews and applies them.
"""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar, Self
from uuid import UUID

from django.db import connection

from audit.titles import name_kind
from permissions import project_queries
from permissions.flags import NONE, Flag
from permissions.states import (
    FlagsOfRoles,
    Refused,
    Situation,
    State,
    check_roles,
    with_flags,
)
from tasks.batch.plan import OutcomeKind, Reason


@dataclass(frozen=True, kw_only=True)
class MatrixChange(ABC):
    """What a project's own matrix shall become."""

    kind: ClassVar[str]
    title: ClassVar[str]

    project_uid: str

    def __init_subclass__(cls, **kwargs: Any) -> None:
        """Say what operations of the kind are called."""
        super().__init_subclass__(**kwargs)
        name_kind(kind=cls.kind, title=cls.title)

    @property
    def reverts(self) -> UUID | None:
        """The operation that the change undoes, if it is an undo."""
        return None

    @classmethod
    @abstractmethod
    def from_parameters(cls, parameters: Mapping[str, Any]) -> Self:
        """Return the change that `parameters()` described."""

    @abstractmethod
    def parameters(self) -> dict[str, Any]:
        """Return what it takes to make this change again."""

    @abstractmethod
    def wanted(self, situation: Situation) -> State:
        """Return the matrix that the project shall have.

        Raises:
            Refused: the roles are not the project's, are locked, or were changed since.
        """


@dataclass(frozen=True, kw_only=True)
class SetProjectMatrix(MatrixChange):
    """Sets flags of roles in a project's own matrix; what is not named stays as it is."""

    kind: ClassVar[str] = "set_project_matrix"
    title: ClassVar[str] = "Change a project's permissions"

    flags: FlagsOfRoles = field(default_factory=dict)

    @classmethod
    def from_parameters(cls, parameters: Mapping[str, Any]) -> Self:
        """Return the change that `parameters()` described."""
        flags = {int(code): flags for code, flags in parameters["flags"].items()}
        return cls(project_uid=parameters["project"], flags=flags)

    def parameters(self) -> dict[str, Any]:
        """Return the project and the flags to set, by role code."""
        flags = {str(code): dict(flags) for code, flags in sorted(self.flags.items())}
        return {"project": self.project_uid, "flags": flags}

    def wanted(self, situation: Situation) -> State:
        """Return the present matrix with the flags set."""
        check_roles(flags=self.flags, situation=situation)
        start = situation.now.effective
        return State(with_flags(start, flags=self.flags, situation=situation), None, follows=True)


@dataclass(frozen=True, kw_only=True)
class RestoreProjectMatrix(MatrixChange):
    """Gives roles the flags back that they had before an operation, where they are as it left them.

    Roles changed since are in conflict: refused by default, left alone with `skip_conflicts`, and given
    back all the same with `overwrite`.
    """

    kind: ClassVar[str] = "restore_project_matrix"
    title: ClassVar[str] = "Undo a change of a project's permissions"

    operation_id: str
    skip_conflicts: bool = False
    overwrite: bool = False

    @property
    def reverts(self) -> UUID:
        """The operation that the change undoes."""
        return UUID(self.operation_id)

    @classmethod
    def from_parameters(cls, parameters: Mapping[str, Any]) -> Self:
        """Return the change that `parameters()` described."""
        return cls(
            project_uid=parameters["project"],
            operation_id=parameters["operation"],
            skip_conflicts=parameters["skip_conflicts"],
            overwrite=parameters["overwrite"],
        )

    def parameters(self) -> dict[str, Any]:
        """Return the project, the operation to undo and what to do about conflicts."""
        return {
            "project": self.project_uid,
            "operation": self.operation_id,
            "skip_conflicts": self.skip_conflicts,
            "overwrite": self.overwrite,
        }

    def wanted(self, situation: Situation) -> State:
        """Return the present matrix with the former rows in it."""
        rows = situation.now.effective.rows
        former: dict[int, dict[str, bool]] = {}
        changed_since: list[int] = []
        with connection.cursor() as cursor:
            cursor.execute(
                project_queries.READ_ROWS_BEFORE_OPERATION, {"operation": self.operation_id}
            )
            for code, before, after in cursor.fetchall():
                now = rows[code].flags if code in rows else NONE
                if now == after or (self.overwrite and now != before):
                    former[code] = {flag.vendor_name: bool(before & flag.bit) for flag in Flag}
                elif now != before:
                    changed_since.append(code)
        if changed_since and not self.skip_conflicts:
            roles = ", ".join(map(str, sorted(changed_since)))
            detail = f"changed since the operation that is to be undone: role {roles}"
            raise Refused(OutcomeKind.CONFLICT, Reason.CHANGED_SINCE, detail)
        return SetProjectMatrix(project_uid=self.project_uid, flags=former).wanted(situation)
