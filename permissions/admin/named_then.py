"""What rows of history are about, by the names that roles, accounts and groups had then."""

from collections.abc import Mapping, Sequence
from typing import Any

from audit.admin.described import NOTHING, Difference
from permissions.flags import Flag
from permissions.models import RolePermission
from permissions.subjects import holders_then, roles_then


def roles_by_name(rows: Sequence[Any]) -> Mapping[int, str]:
    """Return what rows of roles are about."""
    names = roles_then({(row.id, _at(row)) for row in rows})
    return {
        row.history_id: f"role {names[row.id, _at(row)]}"
        for row in rows
        if (row.id, _at(row)) in names
    }


def grants_by_role(rows: Sequence[Any]) -> Mapping[int, str]:
    """Return what rows of matrices are about: each is of one role."""
    names = roles_then({(row.role_id, _at(row)) for row in rows})
    return {
        row.history_id: f"what role {names[row.role_id, _at(row)]} may do"
        for row in rows
        if (row.role_id, _at(row)) in names
    }


def flags_at_first(history_ids: Sequence[int]) -> Mapping[int, Sequence[Difference]]:
    """Return what roles might do from the beginning, of the rows with which they came into a matrix."""
    names = [flag.vendor_name for flag in Flag]
    added = RolePermission.history.filter(history_id__in=history_ids, history_type="+")
    return {
        row.history_id: [Difference("may", NOTHING, ", ".join(held) or NOTHING)]
        for row in added.only("history_id", *names)
        if (held := [flag.label for flag in Flag if getattr(row, flag.vendor_name)])
    }


def members_by_name(rows: Sequence[Any]) -> Mapping[int, str]:
    """Return what rows of members of roles are about: who held which role."""
    roles = roles_then({(row.role_id, _at(row)) for row in rows})
    holders = holders_then({_holder(row) for row in rows})
    return {
        row.history_id: f"{_called(row, holders)} as {roles[row.role_id, _at(row)]}"
        for row in rows
        if (row.role_id, _at(row)) in roles and _holder(row) in holders
    }


def group_members_by_name(rows: Sequence[Any]) -> Mapping[int, str]:
    """Return what rows of members of groups are about: who was in which group."""
    users = {(False, row.user_id, _at(row)) for row in rows}
    names = holders_then(users | {(True, row.group_id, _at(row)) for row in rows})
    return {
        row.history_id: f"membership of {user} in group {group}"
        for row in rows
        if (user := names.get((False, row.user_id, _at(row))))
        and (group := names.get((True, row.group_id, _at(row))))
    }


def _called(row: Any, holders: Mapping[tuple[bool, int, Any], str]) -> str:
    name = holders[_holder(row)]
    return f"group {name}" if row.group_id else name


def _holder(row: Any) -> tuple[bool, int, Any]:
    return (bool(row.group_id), row.group_id or row.user_id, _at(row))


def _at(row: Any) -> Any:
    """Return when the row came to count."""
    return row.operation.finished_at
