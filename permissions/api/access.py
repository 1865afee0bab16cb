"""Who could do what at a moment, and why, for programs: at `/api/v2/audit/access`."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, cast

from django.contrib.auth.models import User
from django.http import HttpResponse
from rest_framework.request import Request

from audit.trail.events import timestamp
from audit.visibility import may_audit
from permissions.api.access_documents import DESCRIBE_ACCESS
from permissions.flags import ALL, BY_VENDOR_NAME, vendor_names
from permissions.models import Scope
from permissions.past.holders import (
    Holder,
    Moment,
    PersonUnknown,
    TaskRights,
    TaskThen,
    Way,
    find_account,
    task_then,
    task_to_ask_about,
    who_could,
)
from permissions.past.people import Moments, PersonThen, compare_rights, person_then
from permissions.past.rights import read_rights
from tasks.api.faults import Fault, FaultCode, fault_of
from tasks.api.opsera import OpseraView
from tasks.api.parameters import Parameters, encode_place
from tasks.api.views import json_response


_MOST = 1000
_USUALLY = 100


@fault_of.register
def _(_: PersonUnknown) -> Fault:
    return Fault(status=404, code=FaultCode.MISSING, message="There is no such user.")


@dataclass(frozen=True, kw_only=True)
class _Question:
    """What is asked; at least a task or a user is named."""

    task: str
    user: str
    flags: int
    at: datetime
    compared_with: datetime | None
    after: int
    limit: int


@DESCRIBE_ACCESS
class AccessView(OpseraView):
    """Tells auditors, a task's managers, and people of themselves, who could do what."""

    scopes: Mapping[str, str] = {"GET": Scope.AUDIT_READ}

    def get(self, request: Request) -> HttpResponse:
        """Answer the question.

        Raises:
            Malformed: the parameters ask no question.
            TaskUnknown: there never was such a task, or it is none of the actor's business.
            PersonUnknown: there never was such a user, or the actor may not ask about them.
        """
        asked = _read(Parameters(request))
        actor = cast("User", request.user)
        body = _of_task(actor, asked) if asked.task else _of_user(actor, asked)
        at = {"at": timestamp(asked.at)}
        return json_response({**at, **body}, headers={"Cache-Control": "no-store"})


def _read(parameters: Parameters) -> _Question:
    flag = parameters.choice("flag", BY_VENDOR_NAME)
    place = parameters.place("after", (int,))
    task, user = parameters.uid("task"), parameters.text("user")
    at, compared_with = parameters.past("at"), parameters.past("compared_with")
    limit = parameters.integer("limit", least=1, most=_MOST) or _USUALLY
    parameters.require("at")
    parameters.require("task", "user")
    parameters.check()
    assert at is not None  # noqa: S101 - checked above
    return _Question(
        task=task,
        user=user,
        flags=BY_VENDOR_NAME[flag].bit if flag else ALL,
        at=at,
        compared_with=compared_with,
        after=place[0] if place else 0,
        limit=limit,
    )


def _of_task(actor: User, asked: _Question) -> dict[str, Any]:
    """Return who could do something on the task."""
    task_id = task_to_ask_about(actor=actor, uid=asked.task)
    user_id = find_account(name=asked.user, at=asked.at) if asked.user else None
    if asked.compared_with:
        return _compared(task_id, asked, user_id)
    moment = Moment(at=asked.at, after=asked.after, limit=asked.limit)
    task, holders = _holders(task_id, moment, asked.flags, user_id)
    full = len(holders) == asked.limit
    return {
        "task": task and _task_data(task),
        "holders": [_holder_data(holder, asked.flags) for holder in holders],
        "next": encode_place([holders[-1].user_id]) if full else None,
    }


def _compared(task_id: int, asked: _Question, user_id: int | None) -> dict[str, Any]:
    """Return who could do more, or less, at the other moment."""
    moments = [Moment(at=at) for at in (asked.at, asked.compared_with) if at]
    (task, before), (compared, after) = (
        _holders(task_id, moment, asked.flags, user_id) for moment in moments
    )
    had = {holder.user_id: holder for holder in before}
    has = {holder.user_id: holder for holder in after}
    return {
        "task": task and _task_data(task),
        "compared_with": timestamp(asked.compared_with),
        "compared_task": compared and _task_data(compared),
        "changes": [
            {"user": (has.get(key) or had[key]).username, **sides}
            for key in sorted(had | has)
            if (sides := _sides(had.get(key), has.get(key), asked.flags))
        ],
    }


def _sides(before: Holder | None, after: Holder | None, flags: int) -> dict[str, Any]:
    was, became = ((each.flags & flags if each else 0) for each in (before, after))
    if was == became:
        return {}
    return {
        "before": _holder_data(before, flags) if before else None,
        "after": _holder_data(after, flags) if after else None,
    }


def _holders(
    task_id: int, moment: Moment, flags: int, user_id: int | None
) -> tuple[TaskThen | None, list[Holder]]:
    task = task_then(task_id=task_id, at=moment.at)
    if task is None:
        return None, []
    return task, who_could(task=task, moment=moment, flags=flags, user_id=user_id)


def _of_user(actor: User, asked: _Question) -> dict[str, Any]:
    """Return what the user could do.

    Raises:
        PersonUnknown: there never was one, or the actor is neither them nor an auditor.
    """
    user_id = find_account(name=asked.user, at=asked.at)
    if user_id != actor.pk and not may_audit(actor=actor):
        raise PersonUnknown
    account = _account_data(person_then(user_id=user_id, at=asked.at))
    if asked.compared_with:
        return {"user": asked.user, "account": account, **_compared_rights(user_id, asked)}
    moment = Moment(at=asked.at, after=asked.after, limit=asked.limit)
    found, following = read_rights(user_id=user_id, moment=moment)
    return {
        "user": asked.user,
        "account": account,
        "rights": [
            _rights_data(rights, asked.flags) for rights in found if rights.flags & asked.flags
        ],
        "next": None if following is None else encode_place([following]),
    }


def _compared_rights(user_id: int, asked: _Question) -> dict[str, Any]:
    """Return on which tasks the user could do more, or less, at the other moment."""
    assert asked.compared_with is not None  # noqa: S101 - asked for
    moments = Moments(
        at=asked.at, compared_with=asked.compared_with, after=asked.after, limit=asked.limit
    )
    compared = compare_rights(user_id=user_id, moments=moments, flags=asked.flags)
    other = person_then(user_id=user_id, at=asked.compared_with)
    return {
        "compared_with": timestamp(asked.compared_with),
        "compared_account": _account_data(other),
        "changes": [
            {
                "before": each.before and _rights_data(each.before, asked.flags),
                "after": each.after and _rights_data(each.after, asked.flags),
            }
            for each in compared.changes
        ],
        "next": encode_place([compared.next]) if compared.next is not None else None,
    }


def _account_data(person: PersonThen | None) -> dict[str, Any] | None:
    if person is None:
        return None
    return {
        "user": person.username,
        "active": person.is_active,
        "staff": person.is_staff,
        "superuser": person.is_superuser,
        "groups": list(person.groups),
        "roles": [
            {
                "project_name": role.project,
                "role": role.code,
                "role_name": role.name,
                "group": role.group,
            }
            for role in person.roles
        ],
    }


def _task_data(task: TaskThen) -> dict[str, Any]:
    return {
        "id": task.uid,
        "name": task.name,
        "project": task.project_uid,
        "project_name": task.project_name,
        "follows_project": task.follows_project,
        "recycled": task.is_recycled,
    }


def _holder_data(holder: Holder, flags: int) -> dict[str, Any]:
    return {
        "user": holder.username,
        "flags": vendor_names(holder.flags & flags),
        "ways": _ways(holder.ways, flags),
    }


def _rights_data(rights: TaskRights, flags: int) -> dict[str, Any]:
    return {
        "task": _task_data(rights.task),
        "flags": vendor_names(rights.flags & flags),
        "ways": _ways(rights.ways, flags),
    }


def _ways(ways: Sequence[Way], flags: int) -> list[dict[str, Any]]:
    return [
        {
            "via": way.via,
            "role": way.role_code,
            "role_name": way.role_name,
            "group": way.group,
            "flags": vendor_names(way.flags & flags),
        }
        for way in ways
        if way.flags & flags
    ]
