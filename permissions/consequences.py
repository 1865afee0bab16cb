"""What a change of permissions brings about that whoever confirms it should know.

Nothing here forbids anything, and nothing is asked when a change is applied: warnings are for previews.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from django.db import connection

from permissions import project_queries, queries
from permissions.flags import NONE, Flag, vendor_names
from permissions.matrix import Rows
from permissions.models import Role
from permissions.roles import ADMINISTRATOR, TASK_CREATOR
from permissions.states import State, Step
from tasks.arrays import EqualsAny
from tasks.batch.plan import Outcome, PlanWarning, WarningCode


# Outcomes by the step that they share.
_Groups = Sequence[tuple[Step, Sequence[Outcome]]]


class Managers(NamedTuple):
    """Who may manage a task besides its project's administrators: roles with members, its creator."""

    roles: frozenset[int]
    creator: bool

    def are_any(self, *, creator_is_active: bool) -> bool:
        """Return whether there is anybody."""
        return bool(self.roles) or (self.creator and creator_is_active)


class Reach(NamedTuple):
    """How far a project's matrix reaches: the tasks that follow it, and active users.

    `users` hold a role that gains or loses; `created` of the tasks have an active creator.
    """

    tasks: int = 0
    created: int = 0
    users: int = 0


def warnings_of(outcomes: Sequence[Outcome]) -> list[PlanWarning]:
    """Return the warnings about outcomes that change permissions, in three statements at most."""
    changed: dict[int, list[Outcome]] = defaultdict(list)
    for outcome in outcomes:
        # Targets in one situation share what is to be written.
        changed[id(outcome.write)].append(outcome)
    groups = [(group[0].write, group) for group in changed.values()]
    return [*_last_managers_lost(groups), *_about_roles(groups), *_leaving(groups)]


def read_reach(*, step: Step, codes: Collection[int]) -> Reach:
    """Return how far the project's matrix reaches when these roles' rows change, in one statement."""
    arguments: dict[str, Any] = {
        "project": step.project_id,
        "matrix": step.now.effective.matrix_id,
        "codes": list(codes),
    }
    with connection.cursor() as cursor:
        cursor.execute(project_queries.READ_REACH, arguments)
        return Reach(*cursor.fetchone())


def warnings_of_project(*, step: Step, reach: Reach) -> list[PlanWarning]:
    """Return the warnings about a change of a project's own matrix; they name roles, not tasks."""
    warnings = []
    if lost := _count_last_managers_lost(step, reach):
        detail = f"nobody but the project's administrators may manage {lost} task(s) any more"
        warnings.append(PlanWarning(WarningCode.LAST_MANAGER_LOST, detail, ()))
    before, after = step.now.effective.rows, step.then.effective.rows
    for code in roles_gaining(Flag.DELETE, before=before, after=after):
        detail = f"role {code} gains {Flag.DELETE.vendor_name}"
        warnings.append(PlanWarning(WarningCode.DELETE_GAINED, detail, ()))
    for code, flags in roles_without_view(before=before, after=after).items():
        warnings.append(
            PlanWarning(WarningCode.HIDDEN_FROM_ROLE, _hidden_from(f"role {code}", flags), ())
        )
    return warnings


def _count_last_managers_lost(step: Step, reach: Reach) -> int:
    manned = read_manned([step.project_id])
    before, after = _managers(step.now, step, manned), _managers(step.then, step, manned)
    return sum(
        count
        for active, count in ((True, reach.created), (False, reach.tasks - reach.created))
        if before.are_any(creator_is_active=active) and not after.are_any(creator_is_active=active)
    )


def roles_gaining(flag: Flag, *, before: Rows, after: Rows) -> list[int]:
    """Return the codes of the roles that hold the flag after, and not before."""
    held = {code for code, grant in before.items() if grant.flags & flag.bit}
    return [code for code in sorted(after) if after[code].flags & flag.bit and code not in held]


def roles_without_view(*, before: Rows, after: Rows) -> dict[int, int]:
    """Return the flags that roles hold after without view, by code; of roles that newly do so."""
    return {
        code: idle for code in sorted(after) if (idle := _idle(after, code)) & ~_idle(before, code)
    }


def _idle(rows: Rows, code: int) -> int:
    """Return the flags that a role cannot use, for what its members cannot see they cannot name."""
    flags = rows[code].flags if code in rows else NONE
    return NONE if flags & Flag.VIEW.bit else flags


def managers(rows: Rows, *, manned: frozenset[int]) -> Managers:
    """Return who may manage a task under these rows, given the roles that have members."""
    holding = {code for code, grant in rows.items() if grant.flags & Flag.MANAGE.bit}
    return Managers(frozenset(holding & manned) - {ADMINISTRATOR}, TASK_CREATOR in holding)


def read_manned(project_ids: Iterable[int]) -> dict[int, frozenset[int]]:
    """Return for each project the codes of the roles that somebody active holds."""
    projects = set(project_ids)
    with connection.cursor() as cursor:
        cursor.execute(queries.READ_MANNED_ROLES, {"ids": list(projects)})
        manned = {project_id: frozenset(codes) for project_id, codes in cursor.fetchall()}
    return {project_id: manned.get(project_id, frozenset()) for project_id in projects}


def _last_managers_lost(groups: _Groups) -> Iterator[PlanWarning]:
    manned = read_manned(step.project_id for step, _ in groups) if groups else {}
    steps = [
        (_managers(step.now, step, manned), _managers(step.then, step, manned), group)
        for step, group in groups
    ]
    # Where roles go on managing, it makes no difference whether the creator does.
    open_steps = [(before, after, group) for before, after, group in steps if not after.roles]
    active = _read_active_creators(
        outcome.task_id
        for before, after, group in open_steps
        if before.creator or after.creator
        for outcome in group
    )
    lost = [
        outcome.uid
        for before, after, group in open_steps
        for outcome in group
        if before.are_any(creator_is_active=outcome.task_id in active)
        and not after.are_any(creator_is_active=outcome.task_id in active)
    ]
    if lost:
        detail = "nobody but the project's administrators may manage the task any more"
        yield PlanWarning(WarningCode.LAST_MANAGER_LOST, detail, lost)


def _managers(state: State, step: Step, manned: Mapping[int, frozenset[int]]) -> Managers:
    return managers(state.effective.rows, manned=manned[step.project_id])


def _read_active_creators(task_ids: Iterable[int | None]) -> set[int | None]:
    """Return the tasks, of those named, whose creator is active."""
    named = list(task_ids)
    if not named:
        return set()
    with connection.cursor() as cursor:
        cursor.execute(queries.READ_ACTIVE_CREATORS, {"ids": named})
        return {task_id for (task_id,) in cursor.fetchall()}


def _about_roles(groups: _Groups) -> Iterator[PlanWarning]:
    gaining, hidden = _deletes_gained(groups), _hidden(groups)
    codes = gaining.keys() | {code for code, _ in hidden}
    named = _read_names(codes, project_ids={step.project_id for step, _ in groups})
    for code, uids in sorted(gaining.items()):
        detail = f"{named[code]} gains {Flag.DELETE.vendor_name}"
        yield PlanWarning(WarningCode.DELETE_GAINED, detail, uids)
    for (code, flags), uids in sorted(hidden.items()):
        detail = _hidden_from(named[code], flags)
        yield PlanWarning(WarningCode.HIDDEN_FROM_ROLE, detail, uids)


def _read_names(codes: Collection[int], *, project_ids: Collection[int]) -> dict[int, str]:
    """Return what to call roles: by their codes, and by their names where all projects agree."""
    names: dict[int, set[str]] = {code: set() for code in codes}
    if codes:
        roles = Role.objects.filter(EqualsAny("project", list(project_ids)), code__in=codes)
        for code, name in roles.values_list("code", "name"):
            names[code].add(name)
    return {
        code: f"role {code} ({min(called)})" if len(called) == 1 else f"role {code}"
        for code, called in names.items()
    }


def _deletes_gained(groups: _Groups) -> dict[int, list[str]]:
    """Return by role the tasks on which it gains delete."""
    gaining: dict[int, list[str]] = defaultdict(list)
    for step, group in groups:
        before, after = step.now.effective.rows, step.then.effective.rows
        for code in roles_gaining(Flag.DELETE, before=before, after=after):
            gaining[code] += [outcome.uid for outcome in group]
    return gaining


def _hidden(groups: _Groups) -> dict[tuple[int, int], list[str]]:
    """Return by role, and by what it newly holds without view, the tasks on which it does."""
    hidden: dict[tuple[int, int], list[str]] = defaultdict(list)
    for step, group in groups:
        before, after = step.now.effective.rows, step.then.effective.rows
        for role in roles_without_view(before=before, after=after).items():
            hidden[role] += [outcome.uid for outcome in group]
    return hidden


def _hidden_from(role: str, flags: int) -> str:
    names = ", ".join(vendor_names(flags))
    return f"{role} holds {names} without {Flag.VIEW.vendor_name}, which hides the task from it"


def _leaving(groups: _Groups) -> Iterator[PlanWarning]:
    leaving = [
        outcome.uid
        for step, group in groups
        if step.now.follows and not step.then.follows
        for outcome in group
    ]
    if leaving:
        detail = "the task no longer follows its project's permissions"
        yield PlanWarning(WarningCode.LEAVES_PROJECT, detail, leaving)
