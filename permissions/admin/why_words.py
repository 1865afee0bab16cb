"""An explanation in words: what the answer is, what it rests on, and what is missing."""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from permissions.explain import ExplainedRole, Explanation, Verdict, Via, Way
from permissions.flags import Flag
from permissions.roles import TASK_CREATOR
from tasks.models import Task


_VERBS = {
    Flag.VIEW: "view",
    Flag.MODIFY: "change the settings of",
    Flag.DELETE: "delete",
    Flag.EXECUTE: "execute",
    Flag.COPY: "copy",
    Flag.DISABLE: "disable and enable",
    Flag.MANAGE: "change the permissions of",
}


class Answer(NamedTuple):
    """Yes or no in a sentence, what that rests on, what is missing, and what else to know."""

    is_yes: bool
    headline: str
    reasons: Sequence[str]
    missing: Sequence[str]
    remarks: Sequence[str]


class WhyRow(NamedTuple):
    """A role that the user holds: how, its seven flags, and whether the project's would differ."""

    code: int
    name: str
    ways: Sequence[str]
    held: Sequence[bool]
    has_row: bool
    in_project: bool


def answer_of(*, explanation: Explanation, username: str, flag: Flag, task: Task) -> Answer:
    """Return the explanation of one flag in words."""
    verdict = explanation.verdict(flag=flag)
    may = explanation.allows(flag=flag)
    return Answer(
        is_yes=may,
        headline=(
            f"{'Yes' if may else 'No'}. {username} may{'' if may else ' not'}"
            f" {_VERBS[flag]} this task."
        ),
        reasons=list(_reasons(explanation, verdict, username, flag)),
        missing=list(_missing(explanation, verdict, flag)),
        remarks=list(_remarks(explanation, username, flag, task)),
    )


def rows_of(*, explanation: Explanation, flag: Flag) -> list[WhyRow]:
    """Return the roles that the user holds, for a table."""
    return [
        WhyRow(
            role.code,
            role.name,
            [_way_in_words(way) for way in role.ways],
            [role.holds(each) for each in Flag],
            role.flags is not None,
            role.holds_in_project(flag),
        )
        for role in explanation.held
    ]


def _way_in_words(way: Way) -> str:
    """Return how a role is held."""
    return {
        Via.MEMBER: "is a member",
        Via.GROUP: f"is in the group {way.group}, which is a member",
        Via.PROJECT_CREATOR: "created the project",
        Via.TASK_CREATOR: "created the task",
    }[way.via]


def _reasons(
    explanation: Explanation, verdict: Verdict, username: str, flag: Flag
) -> Iterator[str]:
    if verdict is Verdict.INACTIVE:
        yield "The account is inactive: it may do nothing, whatever roles it holds."
    elif verdict is Verdict.SUPERUSER:
        yield f"{username} is a superuser, and superusers hold every right on every task."
    elif verdict is Verdict.NO_ROLE:
        yield (
            f"{username} holds no role in {explanation.project}: is no member of one, is in no group"
            " that is, and created neither the project nor this task."
        )
    for role in explanation.held if verdict in {Verdict.HELD, Verdict.NOT_SET} else ():
        if role.holds(flag) or verdict is Verdict.NOT_SET:
            yield f"{_holding(role, username)}; {_granting(role, explanation, flag)}."


def _holding(role: ExplainedRole, username: str) -> str:
    ways = " and ".join(_way_in_words(way) for way in role.ways)
    return f"{username} holds the role {role.name} ({ways})"


def _granting(role: ExplainedRole, explanation: Explanation, flag: Flag) -> str:
    matrix = matrix_in_words(explanation)
    if role.holds(flag):
        return f"it holds {flag.label.lower()} in {matrix}"
    if role.flags is None:
        return f"it has no row in {matrix}, and so holds nothing there"
    return f"it does not hold {flag.label.lower()} in {matrix}"


def matrix_in_words(explanation: Explanation) -> str:
    """Return which matrix decides, and why it is that one."""
    if explanation.follows:
        return f"the permissions of {explanation.project}, which the task follows"
    return f"the task's own permissions (matrix {explanation.matrix_id})"


def _missing(explanation: Explanation, verdict: Verdict, flag: Flag) -> Iterator[str]:
    if verdict in {Verdict.HELD, Verdict.SUPERUSER}:
        return
    if verdict is Verdict.INACTIVE:
        yield "A superuser would have to make the account active."
    if any(role.holds(flag) for role in explanation.held):
        return
    held = explanation.held
    right = flag.label.lower()
    by_role = ", ".join(role.name for role in explanation.roles if role.holds(flag))
    wanted = f"a role that holds {right} here: {by_role}" if by_role else ""
    for_held = f"{right} for {' or '.join(role.name for role in held)}" if held else ""
    alternatives = ", or ".join(each for each in (for_held, wanted) if each)
    yield f"Missing is {alternatives or f'a role that holds {right}: none does here'}."
    if not explanation.follows and any(role.holds_in_project(flag) for role in held):
        yield (
            f"The permissions of {explanation.project} would allow it, but the task does not follow"
            " them."
        )
    if any(role.code == TASK_CREATOR for role in held):
        yield (
            "What a task's creator holds is locked: only project administrators, as the project's"
            " creator is one, and project managers may change it."
        )


def _remarks(explanation: Explanation, username: str, flag: Flag, task: Task) -> Iterator[str]:
    if not explanation.allows(flag=flag):
        return
    if not explanation.allows(flag=Flag.VIEW):
        yield (
            f"But {username} may not view the task: it is not found, so the right is of no use until"
            " a role holds view too."
        )
    if flag is Flag.EXECUTE and not task.enabled:
        yield "But the task is disabled: nobody can execute it until somebody enables it."
    if task.recycled_at:
        yield (
            "But the task is in the recycle bin: until somebody restores it, which takes delete,"
            " nothing else can be done to it."
        )
