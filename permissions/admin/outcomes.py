"""How previews put changes of permissions into words, flag by flag, and what copies are called."""

import json
from collections.abc import Iterator, Mapping, Sequence

from audit.admin.described import NOTHING, Difference
from permissions.changes import CopyTasks, RestorePermissions, SetPermissions
from permissions.flags import BY_VENDOR_NAME
from permissions.models import Role
from tasks.admin.outcome_rows import describe_outcomes
from tasks.batch.plan import Outcome, OutcomeKind
from tasks.models import Task


# The names of the roles of projects, by the project's key and the role's code.
_Names = Mapping[tuple[int, int], str]

_WHERE = {"roles": "", "own_roles": " (kept aside)"}


def _flags(
    outcomes: Sequence[Outcome], tasks: Mapping[str, Task]
) -> dict[str, Sequence[Difference]]:
    changing = [each for each in outcomes if each.kind is OutcomeKind.CHANGE and each.uid in tasks]
    projects = {tasks[outcome.uid].project_id for outcome in changing}
    named = Role.objects.filter(project__in=projects).values_list("project", "code", "name")
    names = {(project, code): name for project, code, name in named}
    return {
        outcome.uid: list(_differences(outcome, tasks[outcome.uid].project_id, names))
        for outcome in changing
    }


def _differences(outcome: Outcome, project_id: int, names: _Names) -> Iterator[Difference]:
    before, after = json.loads(outcome.before), json.loads(outcome.after)
    for place in outcome.changed:
        _, where, *flag = place.split("/")
        if not flag:
            yield Difference("Permissions", _governed_by(before), _governed_by(after))
            continue
        code, vendor_name = flag
        role = names.get((project_id, int(code)), f"role {code}")
        label = BY_VENDOR_NAME[vendor_name].label.lower()
        # Rows that are kept aside for the first time start from those in force.
        now = before.get(where, before["roles"]).get(code, ())
        old, new = ("yes", "no") if vendor_name in now else ("no", "yes")
        yield Difference(f"{role} · {label}{_WHERE[where]}", old, new)


def _governed_by(state: Mapping[str, object]) -> str:
    return "the project's" if state["follows_project"] else "its own"


def _copies(
    outcomes: Sequence[Outcome], tasks: Mapping[str, Task]
) -> dict[str, Sequence[Difference]]:
    del tasks
    return {
        outcome.uid: [Difference("Copy", NOTHING, json.loads(outcome.after)["copy"]["name"])]
        for outcome in outcomes
        if outcome.kind is OutcomeKind.CHANGE
    }


describe_outcomes(changes=(SetPermissions, RestorePermissions), by=_flags)
describe_outcomes(changes=(CopyTasks,), by=_copies)
