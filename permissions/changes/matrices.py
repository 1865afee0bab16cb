"""The change of permissions and its undo."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from typing import Any, ClassVar, NamedTuple, Self

from django.contrib.auth.models import User
from django.db import connection

from audit.models import Operation
from audit.trail.facets import permission_facets
from permissions import queries
from permissions.consequences import warnings_of
from permissions.states import (
    FlagsOfRoles,
    GovernedRow,
    Reader,
    Refused,
    Situation,
    State,
    check_roles,
    judge,
    with_flags,
    write_states,
)
from tasks.batch.change import Change, Restore
from tasks.batch.plan import Outcome, OutcomeKind, PlanWarning, Reason


_LINK_ALONE: Mapping[object, str] = {
    True: "Follow the project's permissions",
    False: "Use own permissions",
}


class NamedFlags(NamedTuple):
    """Flags to set where a project has a role of this code and name; elsewhere they say nothing."""

    code: int
    name: str
    flags: Mapping[str, bool]


@dataclass(frozen=True, kw_only=True)
class SetPermissions(Change[GovernedRow]):
    """Sets flags of roles on tasks, and whether the tasks follow their project's permissions.

    `flags` maps role codes to the flags to set, by the vendor's names; flags and roles that are absent
    stay as they are. Every task's project must have those roles; `named` are for roles that only some of
    the projects have, or have under another name. `follow` None leaves the link as it is, except that a
    following task to which rows are sent leaves its project, starting from the project's current matrix.
    """

    kind: ClassVar[str] = "set_permissions"
    title: ClassVar[str] = "Change permissions"
    right: ClassVar[str] = "manage_task"

    flags: FlagsOfRoles = field(default_factory=dict)
    named: Sequence[NamedFlags] = ()
    follow: bool | None = None
    project_uid: str = ""
    external_ids: Mapping[int, str] = field(default_factory=dict)

    @classmethod
    def told(cls, parameters: Mapping[str, Any]) -> str:
        """Return what it did where it only joined tasks to their projects' permissions, or parted them."""
        if parameters.get("flags") or parameters.get("named"):
            return cls.title
        return _LINK_ALONE.get(parameters.get("follow"), cls.title)

    @classmethod
    def from_parameters(cls, parameters: Mapping[str, Any]) -> Self:
        """Return the change that `parameters()` described."""
        return cls(
            flags={int(code): flags for code, flags in parameters["flags"].items()},
            named=tuple(NamedFlags(*each) for each in parameters["named"]),
            follow=parameters["follow"],
            project_uid=parameters["project"],
            external_ids={int(code): key for code, key in parameters["external_ids"].items()},
        )

    def parameters(self) -> dict[str, Any]:
        """Return the rows by role code, the switch, and what the caller said the project is."""
        return {
            "flags": {str(code): dict(flags) for code, flags in sorted(self.flags.items())},
            "named": [[code, name, dict(flags)] for code, name, flags in self.named],
            "follow": self.follow,
            "project": self.project_uid,
            "external_ids": {str(code): key for code, key in sorted(self.external_ids.items())},
        }

    def read(self, *, uids: Sequence[str], lock: bool) -> list[GovernedRow]:
        """Return the targets and what governs them; only the permission rows are locked."""
        statement = queries.READ_GOVERNED + (queries.LOCK_GOVERNED if lock else "")
        with connection.cursor() as cursor:
            cursor.execute(statement, {"uids": list(uids)})
            return [GovernedRow._make(row) for row in cursor.fetchall()]

    def plan(
        self, *, actor: User, rows: Sequence[tuple[GovernedRow, frozenset[str]]]
    ) -> Iterator[Outcome]:
        """Yield each task's permissions before and after, or the rule that forbids the change."""
        reader = Reader(actor=actor, rows=[row for row, _ in rows])
        judged: dict[tuple[Any, ...], Outcome] = {}
        for row, held in rows:
            key = (row.project_id, row.matrix_id, row.own_matrix_id, held)
            if (template := judged.get(key)) is None:
                situation = reader.situation(row=row, held=held)
                template = judged[key] = judge(situation=situation, wanted=self.wanted)
            yield template._replace(uid=row.uid, task_id=row.id)

    def wanted(self, situation: Situation) -> State:
        """Return what shall govern a task in this situation.

        Raises:
            Refused: the roles or the project are not what the caller says.
        """
        self._check_names(situation)
        flags = self._flags_in(situation)
        check_roles(flags=flags, situation=situation)
        sends_rows = any(flags.values())
        now = situation.now
        if self.follow:
            aside = now.aside if now.follows else now.effective
            if sends_rows:
                aside = with_flags(aside or now.effective, flags=flags, situation=situation)
            return State(situation.project_matrix, aside, follows=True)
        if self.follow is None and not sends_rows:
            return now
        start = now.effective
        if now.follows and self.follow is False and now.aside:
            start = now.aside
        return State(with_flags(start, flags=flags, situation=situation), None, follows=False)

    def warnings(self, *, outcomes: Sequence[Outcome]) -> list[PlanWarning]:
        """Return what the new permissions bring about."""
        return warnings_of(outcomes)

    def facets(self, places: Iterable[str]) -> Iterable[str]:
        """Return the roles and flags that were changed."""
        return permission_facets(places)

    def write(self, *, outcomes: Sequence[Outcome], operation: Operation, at: datetime) -> int:
        """Intern the matrices that are new, point the tasks at theirs, and record it."""
        return write_states(outcomes=outcomes, operation=operation, at=at)

    def _flags_in(self, situation: Situation) -> FlagsOfRoles:
        """Return the flags that are meant for the project, those of its roles of a name among them."""
        roles = situation.project.roles
        named = {
            code: flags
            for code, name, flags in self.named
            if code in roles and roles[code].name == name
        }
        return {**self.flags, **named}

    def _check_names(self, situation: Situation) -> None:
        project = situation.project
        if self.project_uid and self.project_uid != project.uid:
            detail = f"the task is not in project {self.project_uid}"
            raise Refused(OutcomeKind.INVALID, Reason.OTHER_PROJECT, detail)
        named = {role.external_id: code for code, role in project.roles.items() if role.external_id}
        for code, key in sorted(self.external_ids.items()):
            role = project.roles.get(code)
            if role and (role.external_id not in {"", key} or named.get(key, code) != code):
                detail = f"role {code} is not the role with devuc_role_id {key}"
                raise Refused(OutcomeKind.INVALID, Reason.UNKNOWN_ROLE, detail)


class RestorableRow(NamedTuple):
    """A target, what governs it, what did before an operation, and whether it is as that left it."""

    id: int
    uid: str
    project_id: int
    matrix_id: int
    own_matrix_id: int | None
    matrix_before: int
    own_matrix_before: int | None
    untouched: bool
    recycled: bool


@dataclass(frozen=True, kw_only=True)
class RestorePermissions(Restore[RestorableRow]):
    """Gives tasks the permissions back that they had before an operation, under the same rules."""

    kind: ClassVar[str] = "restore_permissions"
    title: ClassVar[str] = "Undo a change of permissions"
    right: ClassVar[str] = "manage_task"

    @classmethod
    def uids_of(cls, *, operation_id: str) -> list[str]:
        """Return the ids of the tasks that the operation changed."""
        with connection.cursor() as cursor:
            cursor.execute(queries.UIDS_OF_OPERATION, {"operation": operation_id})
            return [uid for (uid,) in cursor.fetchall()]

    def read(self, *, uids: Sequence[str], lock: bool) -> list[RestorableRow]:
        """Return the targets with what governs them and what did before the operation."""
        statement = queries.READ_GOVERNED_BEFORE_OPERATION + (queries.LOCK_GOVERNED if lock else "")
        with connection.cursor() as cursor:
            cursor.execute(statement, {"uids": list(uids), "operation": self.operation_id})
            return [RestorableRow._make(row) for row in cursor.fetchall()]

    def plan(
        self, *, actor: User, rows: Sequence[tuple[RestorableRow, frozenset[str]]]
    ) -> Iterator[Outcome]:
        """Yield each task's permissions now and as they were."""
        governed = [GovernedRow._make(row[:5]) for row, _ in rows]
        former = {key for row, _ in rows for key in (row.matrix_before, row.own_matrix_before)}
        reader = Reader(actor=actor, rows=governed, also=former)
        judged: dict[tuple[Any, ...], Outcome] = {}
        for (row, held), now in zip(rows, governed, strict=True):
            key = (*now[2:], row.matrix_before, row.own_matrix_before, held)
            if (template := judged.get(key)) is None:
                before = (row.matrix_before, row.own_matrix_before)
                template = judged[key] = judge(
                    situation=reader.situation(row=now, held=held),
                    wanted=partial(reader.former_state, matrices=before),
                )
            outcome = template._replace(uid=row.uid, task_id=row.id)
            untouched = row.untouched or outcome.kind is OutcomeKind.UNCHANGED
            yield (outcome if untouched else self.changed_since(outcome, is_recycled=row.recycled))

    def warnings(self, *, outcomes: Sequence[Outcome]) -> list[PlanWarning]:
        """Return what the new permissions bring about."""
        return warnings_of(outcomes)

    def facets(self, places: Iterable[str]) -> Iterable[str]:
        """Return the roles and flags that were changed."""
        return permission_facets(places)

    def write(self, *, outcomes: Sequence[Outcome], operation: Operation, at: datetime) -> int:
        """Point the tasks at their former matrices and record it."""
        return write_states(outcomes=outcomes, operation=operation, at=at)


SetPermissions.inverse = RestorePermissions.inverse = RestorePermissions
