"""The change of permissions and its undo.

Targets that start from the same matrix end in the same one, so a batch is judged per distinct
(project, matrix, own matrix, rights held), however many tasks share it.
"""

import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from typing import Any, ClassVar, NamedTuple, Self

from django.contrib.auth.models import User
from django.db import connection

from audit.models import Operation
from audit.recorder import record_update
from permissions import queries
from permissions.flags import ALL, BY_CODENAME, BY_VENDOR_NAME, NONE, flags_in
from permissions.matrix import Grant, Interned, Rows, digest_of, intern_matrices, read_matrices
from permissions.models import TaskPermission
from permissions.roles import ADMINISTRATOR, MAY_CHANGE_CREATOR, TASK_CREATOR
from tasks.batch.change import Change, Restore
from tasks.batch.plan import Outcome, OutcomeKind, Reason


class GovernedRow(NamedTuple):
    """A target and what governs it: the matrix in force, and its own one while it follows."""

    id: int
    uid: str
    project_id: int
    matrix_id: int
    own_matrix_id: int | None


class RoleOfProject(NamedTuple):
    """A role as the plan needs it."""

    id: int
    external_id: str
    held: bool


class ProjectRoles(NamedTuple):
    """A project's own matrix, its roles by code, and which of them the actor holds."""

    uid: str
    matrix_id: int
    roles: Mapping[int, RoleOfProject]

    @property
    def may_change_creator(self) -> bool:
        """Whether the actor holds a role that may change the task creator's row."""
        return any(self.roles[code].held for code in MAY_CHANGE_CREATOR if code in self.roles)


class Wanted(NamedTuple):
    """A matrix by its rows; `matrix_id` is its key if it is known to exist."""

    rows: Rows
    matrix_id: int | None = None


class State(NamedTuple):
    """What governs a task: the matrix in force, and the own one kept aside while it follows."""

    effective: Wanted
    aside: Wanted | None
    follows: bool


class Situation(NamedTuple):
    """Everything the judgement of a target depends on, shared by all targets that have it."""

    project_id: int
    project: ProjectRoles
    project_matrix: Wanted
    now: State
    held: int
    superuser: bool


class Refused(Exception):
    """A target cannot be changed so; carries the outcome's kind, reason and detail."""

    def __init__(self, kind: OutcomeKind, reason: Reason, detail: str) -> None:
        super().__init__(detail)
        self.kind, self.reason, self.detail = kind, reason, detail


def read_projects(*, actor: User, project_ids: Iterable[int]) -> dict[int, ProjectRoles]:
    """Return each project's matrix and roles, and which of these the actor holds, in one query."""
    with connection.cursor() as cursor:
        cursor.execute(queries.READ_PROJECTS, {"actor": actor.pk, "ids": list(project_ids)})
        return {
            project_id: ProjectRoles(
                uid,
                matrix_id,
                {
                    code: RoleOfProject(*role)
                    for code, *role in zip(codes, ids, external_ids, held, strict=True)
                },
            )
            for project_id, uid, matrix_id, ids, codes, external_ids, held in cursor.fetchall()
        }


@dataclass(frozen=True, kw_only=True)
class SetPermissions(Change[GovernedRow]):
    """Sets flags of roles on tasks, and whether the tasks follow their project's permissions.

    `flags` maps role codes to the flags to set, by the vendor's names; flags and roles that are absent
    stay as they are. `follow` None leaves the link as it is, except that a following task to which rows
    are sent leaves its project, starting from the project's current matrix.
    """

    kind: ClassVar[str] = "set_permissions"
    title: ClassVar[str] = "Change permissions"
    right: ClassVar[str] = "manage_task"

    flags: Mapping[int, Mapping[str, bool]] = field(default_factory=dict)
    follow: bool | None = None
    project_uid: str = ""
    external_ids: Mapping[int, str] = field(default_factory=dict)

    @classmethod
    def from_parameters(cls, parameters: Mapping[str, Any]) -> Self:
        """Return the change that `parameters()` described."""
        return cls(
            flags={int(code): flags for code, flags in parameters["flags"].items()},
            follow=parameters["follow"],
            project_uid=parameters["project"],
            external_ids={int(code): key for code, key in parameters["external_ids"].items()},
        )

    def parameters(self) -> dict[str, Any]:
        """Return the rows by role code, the switch, and what the caller said the project is."""
        return {
            "flags": {str(code): dict(flags) for code, flags in sorted(self.flags.items())},
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
        reader = _Reader(actor=actor, rows=[row for row, _ in rows])
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
        self._check_roles(situation)
        now = situation.now
        if self.follow:
            own = now.aside if now.follows else now.effective
            aside = self._with_flags(own or now.effective, situation) if self.flags else own
            return State(situation.project_matrix, aside, follows=True)
        if self.follow is None and not self.flags:
            return now
        start = now.effective
        if now.follows and self.follow is False and now.aside:
            start = now.aside
        return State(self._with_flags(start, situation), None, follows=False)

    def write(self, *, outcomes: Sequence[Outcome], operation: Operation, at: datetime) -> int:
        """Intern the matrices that are new, point the tasks at theirs, and record it."""
        return write_states(outcomes=outcomes, operation=operation, at=at)

    def _check_roles(self, situation: Situation) -> None:
        project = situation.project
        if self.project_uid and self.project_uid != project.uid:
            detail = f"the task is not in project {self.project_uid}"
            raise Refused(OutcomeKind.INVALID, Reason.OTHER_PROJECT, detail)
        if unknown := sorted(self.flags.keys() - project.roles.keys()):
            detail = f"the task's project has no role {', '.join(map(str, unknown))}"
            raise Refused(OutcomeKind.INVALID, Reason.UNKNOWN_ROLE, detail)
        for code, key in sorted(self.external_ids.items()):
            known = project.roles[code].external_id
            if known and known != key:
                detail = f"role {code} is not the role with devuc_role_id {key}"
                raise Refused(OutcomeKind.INVALID, Reason.UNKNOWN_ROLE, detail)
        if not all(self.flags.get(ADMINISTRATOR, {}).values()):
            detail = f"role {ADMINISTRATOR} (project administrator) always holds every flag"
            raise Refused(OutcomeKind.DENIED, Reason.LOCKED_ROLE, detail)

    def _with_flags(self, start: Wanted, situation: Situation) -> Wanted:
        rows = dict(start.rows)
        for code, flags in self.flags.items():
            role = situation.project.roles[code]
            before = rows.get(code, Grant(role.id, NONE))
            rows[code] = Grant(before.role_id, _set(before.flags, flags))
        if rows.get(TASK_CREATOR) != start.rows.get(TASK_CREATOR):
            _check_may_change_creator(situation)
        return Wanted(rows)


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
        reader = _Reader(actor=actor, rows=governed, also=former)
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
            yield outcome if untouched else self.changed_since(outcome)

    def write(self, *, outcomes: Sequence[Outcome], operation: Operation, at: datetime) -> int:
        """Point the tasks at their former matrices and record it."""
        return write_states(outcomes=outcomes, operation=operation, at=at)


SetPermissions.inverse = RestorePermissions.inverse = RestorePermissions


class _Reader:
    """Reads, once for all rows, the projects and matrices that they and `also` name."""

    def __init__(
        self,
        *,
        actor: User,
        rows: Sequence[GovernedRow],
        also: Iterable[int | None] = (),
    ) -> None:
        self._superuser = actor.is_superuser
        self._projects = read_projects(actor=actor, project_ids={row.project_id for row in rows})
        named = {key for row in rows for key in (row.matrix_id, row.own_matrix_id)} | set(also)
        named |= {project.matrix_id for project in self._projects.values()}
        self._matrices = read_matrices(key for key in named if key is not None)

    def situation(self, *, row: GovernedRow, held: frozenset[str]) -> Situation:
        """Return what the judgement of this row depends on."""
        project = self._projects[row.project_id]
        return Situation(
            project_id=row.project_id,
            project=project,
            project_matrix=Wanted(self._matrices[project.matrix_id], project.matrix_id),
            now=self.state(project, row.matrix_id, row.own_matrix_id),
            held=sum(BY_CODENAME[codename].bit for codename in held),
            superuser=self._superuser,
        )

    def former_state(self, situation: Situation, *, matrices: tuple[int, int | None]) -> State:
        """Return the state in which these matrices governed the target."""
        return self.state(situation.project, *matrices)

    def state(self, project: ProjectRoles, matrix_id: int, own_matrix_id: int | None) -> State:
        """Return the state in which these matrices govern a task of the project."""
        aside = Wanted(self._matrices[own_matrix_id], own_matrix_id) if own_matrix_id else None
        effective = Wanted(self._matrices[matrix_id], matrix_id)
        return State(effective, aside, follows=matrix_id == project.matrix_id)


def judge(*, situation: Situation, wanted: Callable[[Situation], State]) -> Outcome:
    """Return the outcome that every target in this situation has; uid and key are still to be filled in."""
    now = situation.now
    outcome = Outcome(
        "", OutcomeKind.UNCHANGED, mark=_mark(now), before=_as_json(now), after=_as_json(now)
    )
    try:
        then = wanted(situation)
        _check_grants(situation, then)
    except Refused as refused:
        return outcome._replace(
            kind=refused.kind, reason=refused.reason, detail=refused.detail, after=""
        )
    if _digests(now) == _digests(then):
        return outcome
    return outcome._replace(
        kind=OutcomeKind.CHANGE,
        mark=f"{_mark(now)}.{_mark(then)}",
        after=_as_json(then),
        changed=_changed(now, then),
        write=(situation.project_id, then),
    )


def write_states(*, outcomes: Sequence[Outcome], operation: Operation, at: datetime) -> int:
    """Intern the matrices that are not known to exist, then point each task at its own."""
    states = {id(outcome.write): outcome.write for outcome in outcomes}
    new = {
        Interned(project_id, digest_of(wanted.rows)): wanted.rows
        for project_id, state in states.values()
        for wanted in (state.effective, state.aside)
        if wanted and wanted.matrix_id is None
    }
    interned = intern_matrices(new)

    def key_of(project_id: int, wanted: Wanted | None) -> int | None:
        if wanted is None or wanted.matrix_id is not None:
            return wanted and wanted.matrix_id
        return interned[Interned(project_id, digest_of(wanted.rows))]

    keys = {
        name: (key_of(project_id, state.effective), key_of(project_id, state.aside))
        for name, (project_id, state) in states.items()
    }
    return record_update(
        model=TaskPermission,
        operation=operation,
        at=at,
        keys=[outcome.task_id for outcome in outcomes if outcome.task_id is not None],
        columns={
            "matrix": [keys[id(outcome.write)][0] for outcome in outcomes],
            "own_matrix": [keys[id(outcome.write)][1] for outcome in outcomes],
        },
    )


def _check_grants(situation: Situation, then: State) -> None:
    """Refuse what would give a role a flag that the actor does not hold, or touch the creator's row."""
    before, after = situation.now.effective.rows, then.effective.rows
    granted = 0
    for code, grant in after.items():
        granted |= grant.flags & ~before.get(code, Grant(grant.role_id, NONE)).flags
    if not_held := granted & ~situation.held:
        names = ", ".join(flag.vendor_name for flag in flags_in(not_held))
        detail = f"the change grants {names}, which you do not hold on this task"
        raise Refused(OutcomeKind.DENIED, Reason.NOT_HELD, detail)
    if before.get(TASK_CREATOR) != after.get(TASK_CREATOR):
        _check_may_change_creator(situation)


def _check_may_change_creator(situation: Situation) -> None:
    if not (situation.superuser or situation.project.may_change_creator):
        detail = (
            f"only the project's creator, its administrators and its managers"
            f" may change role {TASK_CREATOR} (task creator)"
        )
        raise Refused(OutcomeKind.DENIED, Reason.LOCKED_ROLE, detail)


def _set(bits: int, flags: Mapping[str, bool]) -> int:
    for name, value in flags.items():
        bit = BY_VENDOR_NAME[name].bit
        bits = bits | bit if value else bits & (ALL ^ bit)
    return bits


def _digests(state: State) -> tuple[str, str, bool]:
    aside = digest_of(state.aside.rows) if state.aside else ""
    return digest_of(state.effective.rows), aside, state.follows


def _mark(state: State) -> str:
    effective, aside, follows = _digests(state)
    return f"{effective[:12]}{aside[:12]}{follows:d}"


def _as_json(state: State) -> str:
    return json.dumps(
        {
            "follows_project": state.follows,
            "roles": {
                code: [flag.vendor_name for flag in flags_in(grant.flags)]
                for code, grant in sorted(state.effective.rows.items())
            },
        }
    )


def _changed(now: State, then: State) -> list[str]:
    """Return the places that differ: the link, and each role's flag in force."""
    changed = [] if now.follows == then.follows else ["/follows_project"]
    before, after = now.effective.rows, then.effective.rows
    for code in sorted(before.keys() | after.keys()):
        old = before[code].flags if code in before else NONE
        new = after[code].flags if code in after else NONE
        changed += [f"/roles/{code}/{flag.vendor_name}" for flag in flags_in(old ^ new)]
    return changed
