"""What governs a task before a change and after it, and whether the actor may bring that about.

Targets that start from the same matrix end in the same one, so a batch is judged per distinct
(project, matrix, own matrix, rights held), however many tasks share it.
"""

import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import NamedTuple

from django.contrib.auth.models import User
from django.db import connection

from audit.differences import ABSENT, Difference
from audit.models import Operation
from audit.recorder import record_update
from permissions import queries
from permissions.flags import ALL, BY_CODENAME, BY_VENDOR_NAME, NONE, flags_in, vendor_names
from permissions.matrix import Grant, Interned, Rows, digest_of, intern_matrices, read_matrices
from permissions.models import TaskPermission
from permissions.roles import ADMINISTRATOR, MAY_CHANGE_CREATOR, TASK_CREATOR
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
    name: str
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


# The flags to set, by role and by the vendor's names; what is absent stays as it is.
FlagsOfRoles = Mapping[int, Mapping[str, bool]]


class Step(NamedTuple):
    """From what governs a target to what shall; targets in one situation share it."""

    project_id: int
    now: State
    then: State


class Refused(Exception):
    """A target cannot be changed so; carries the outcome's kind, reason and detail."""

    def __init__(self, kind: OutcomeKind, reason: Reason, detail: str) -> None:
        super().__init__(detail)
        self.kind, self.reason, self.detail = kind, reason, detail


def read_projects(*, actor: User, project_ids: Iterable[int]) -> dict[int, ProjectRoles]:
    """Return each project's matrix and roles, and which the actor holds (a superuser all of them)."""
    with connection.cursor() as cursor:
        cursor.execute(queries.READ_PROJECTS, {"actor": actor.pk, "ids": list(project_ids)})
        return {
            project_id: ProjectRoles(
                uid,
                matrix_id,
                {
                    code: RoleOfProject(*role)
                    for code, *role in zip(codes, ids, external_ids, names, held, strict=True)
                },
            )
            for project_id, uid, matrix_id, ids, codes, external_ids, names, held in cursor.fetchall()
        }


class Reader:
    """Reads, once for all rows, the projects and matrices that they and `also` name."""

    def __init__(
        self,
        *,
        actor: User,
        rows: Sequence[GovernedRow],
        also: Iterable[int | None] = (),
    ) -> None:
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
        changed=[each.place for each in state_differences(before=now, after=then)],
        write=Step(situation.project_id, now, then),
    )


def check_roles(*, flags: FlagsOfRoles, situation: Situation) -> None:
    """Refuse flags of roles that the project does not have, and to lower its administrators.

    Raises:
        Refused: naming the roles.
    """
    if unknown := sorted(flags.keys() - situation.project.roles.keys()):
        detail = f"the project has no role {', '.join(map(str, unknown))}"
        raise Refused(OutcomeKind.INVALID, Reason.UNKNOWN_ROLE, detail)
    if not all(flags.get(ADMINISTRATOR, {}).values()):
        detail = f"role {ADMINISTRATOR} (project administrator) always holds every flag"
        raise Refused(OutcomeKind.DENIED, Reason.LOCKED_ROLE, detail)


def with_flags(start: Wanted, *, flags: FlagsOfRoles, situation: Situation) -> Wanted:
    """Return the matrix with these flags set.

    Raises:
        Refused: the task creator's row would change, and is locked to the actor.
    """
    rows = dict(start.rows)
    for code, values in flags.items():
        before = rows.get(code, Grant(situation.project.roles[code].id, NONE))
        after = Grant(before.role_id, _set(before.flags, values))
        # A role without a row holds nothing: to say so is no difference.
        if after != before:
            rows[code] = after
    if rows.get(TASK_CREATOR) != start.rows.get(TASK_CREATOR):
        check_may_change_creator(situation)
    return Wanted(rows)


def write_states(*, outcomes: Sequence[Outcome], operation: Operation, at: datetime) -> int:
    """Intern the matrices that are not known to exist, then point each task at its own."""
    steps: dict[int, Step] = {id(outcome.write): outcome.write for outcome in outcomes}
    new = {
        Interned(step.project_id, digest_of(wanted.rows)): wanted.rows
        for step in steps.values()
        for wanted in (step.then.effective, step.then.aside)
        if wanted and wanted.matrix_id is None
    }
    interned = intern_matrices(new)

    def key_of(project_id: int, wanted: Wanted | None) -> int | None:
        if wanted is None or wanted.matrix_id is not None:
            return wanted and wanted.matrix_id
        return interned[Interned(project_id, digest_of(wanted.rows))]

    keys = {
        name: (key_of(project_id, then.effective), key_of(project_id, then.aside))
        for name, (project_id, _, then) in steps.items()
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


def state_differences(*, before: State, after: State) -> list[Difference]:
    """Return what differs, as previews and the trail tell it: the link, and each role's flags.

    Those in force and those kept aside, which at first start from what was in force.
    """
    found: list[Difference] = []
    if before.follows != after.follows:
        found.append(Difference("/follows_project", before.follows, after.follows))
    held = (before.effective.rows, before.aside.rows if before.aside else {})
    steps = zip(("roles", "own_roles"), held, _steps(before, after), strict=False)
    for name, told, (was, became) in steps:
        for code in sorted(was.keys() | became.keys()):
            one, other = _flags(was, code), _flags(became, code)
            for flag in flags_in(one ^ other):
                before_it = bool(one & flag.bit) if code in told else ABSENT
                after_it = bool(other & flag.bit) if code in became else ABSENT
                place = f"/{name}/{code}/{flag.vendor_name}"
                found.append(Difference(place, before_it, after_it))
    return found


def _check_grants(situation: Situation, then: State) -> None:
    """Refuse what would give a role a flag that the actor does not hold, or touch the creator's row.

    Rows kept aside count as well: somebody who holds more may put them in force later, unaware.
    """
    for before, after in _steps(situation.now, then):
        granted = 0
        for code, grant in after.items():
            granted |= grant.flags & ~_flags(before, code)
        if not_held := granted & ~situation.held:
            names = ", ".join(vendor_names(not_held))
            detail = f"the change grants {names}, which you do not hold yourself"
            raise Refused(OutcomeKind.DENIED, Reason.NOT_HELD, detail)
        if _flags(before, TASK_CREATOR) != _flags(after, TASK_CREATOR):
            check_may_change_creator(situation)


def _steps(now: State, then: State) -> Iterator[tuple[Rows, Rows]]:
    """Yield what is in force now and then, and what is kept aside and where that starts from."""
    yield now.effective.rows, then.effective.rows
    if then.aside:
        yield (now.aside or now.effective).rows, then.aside.rows


def _set(bits: int, flags: Mapping[str, bool]) -> int:
    for name, value in flags.items():
        bit = BY_VENDOR_NAME[name].bit
        bits = bits | bit if value else bits & (ALL ^ bit)
    return bits


def _flags(rows: Rows, code: int) -> int:
    return rows[code].flags if code in rows else NONE


def check_may_change_creator(situation: Situation) -> None:
    """Refuse to change the task creator's row to whom it is locked.

    Raises:
        Refused: the actor holds no role that may.
    """
    if not situation.project.may_change_creator:
        detail = (
            f"only the project's creator, its administrators and its managers"
            f" may change role {TASK_CREATOR} (task creator)"
        )
        raise Refused(OutcomeKind.DENIED, Reason.LOCKED_ROLE, detail)


def _digests(state: State) -> tuple[str, str, bool]:
    aside = digest_of(state.aside.rows) if state.aside else ""
    return digest_of(state.effective.rows), aside, state.follows


def _mark(state: State) -> str:
    effective, aside, follows = _digests(state)
    return f"{effective[:12]}{aside[:12]}{follows:d}"


def _as_json(state: State) -> str:
    document = {
        "follows_project": state.follows,
        "roles": _names_of_flags(state.effective.rows),
    }
    if state.aside:
        document["own_roles"] = _names_of_flags(state.aside.rows)
    return json.dumps(document)


def _names_of_flags(rows: Rows) -> dict[int, list[str]]:
    return {code: vendor_names(grant.flags) for code, grant in sorted(rows.items())}
