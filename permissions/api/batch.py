"""The body of CodeArts Build's batch endpoint, read into a change and its targets.

Tolerant where the vendor's own documents disagree or clients differ: ids may be text, keys may be
missing, null or unknown. Strict where a guess could grant something: a flag is true or false.
"""

import re
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from django.conf import settings

from permissions.changes import SetPermissions
from permissions.flags import Flag
from tasks.batch.errors import Malformed
from tasks.batch.targets import parse_uids


# The vendor gives no bound; for the like call of CodeArts Deploy it documents this one.
MAX_PERMISSIONS = 500

_PROJECT_ID = re.compile(r"[0-9a-zA-Z]{32}")
_ROLE_ID = re.compile(r"-?[0-9]{1,9}")
_ROLE_ID_BOUND = 10**9
# A role has no longer one; refusals repeat it, so it must not be as long as the body allows.
_LONGEST_EXTERNAL_ID = 40

Problem = tuple[str, str]


class ParsedBatch(NamedTuple):
    """What the body asks for, and of which tasks."""

    change: SetPermissions
    uids: list[str]


class _Entry(NamedTuple):
    """One of `permissions`: a role, the flags to set, and the role's key in the user centre."""

    code: int
    flags: dict[str, bool]
    external_id: str


def parse_batch(body: Mapping[str, Any]) -> ParsedBatch:
    """Return the change and the targets that the body names.

    Raises:
        Malformed: naming every place that does not hold what it must.
        TooManyTargets: the body names more tasks than one batch may change.
        BadTargetIds: naming every one of `job_ids` that is no id.
    """
    problems: list[Problem] = []
    project_uid = _project_id(body.get("project_id"), problems)
    job_ids = _job_ids(body.get("job_ids"), problems)
    follow = _flag(body.get("project_switch"), "/project_switch", problems)
    entries = _entries(body.get("permissions"), problems)
    if "dry_run" in body:
        # Passed over, it would apply what was meant to be a preview.
        problems.append(("/dry_run", "belongs in the query: ?dry_run=true"))
    if not problems and follow is None and not any(entry.flags for entry in entries.values()):
        problems.append(("", "nothing to do: send project_switch, or permissions with flags"))
    if problems:
        raise Malformed(problems)
    change = SetPermissions(
        flags={code: entry.flags for code, entry in entries.items()},
        follow=follow,
        project_uid=project_uid,
        external_ids={
            code: entry.external_id for code, entry in entries.items() if entry.external_id
        },
    )
    return ParsedBatch(change, parse_uids(job_ids))


def _project_id(given: object, problems: list[Problem]) -> str:
    if given is None:
        return ""
    if isinstance(given, str) and _PROJECT_ID.fullmatch(given):
        return given.lower()
    problems.append(("/project_id", "must be an id of 32 letters and digits"))
    return ""


def _job_ids(given: object, problems: list[Problem]) -> list[str]:
    if not isinstance(given, list) or not given:
        problems.append(("/job_ids", "must be an array of one id or more"))
        return []
    # One too many is refused as such, whatever stands behind the bound.
    for position, job_id in enumerate(given[: settings.BULKHEAD_MAX_TARGETS]):
        if not isinstance(job_id, str):
            problems.append((f"/job_ids/{position}", "must be a string"))
    return given


def _entries(given: object, problems: list[Problem]) -> dict[int, _Entry]:
    if given is None:
        return {}
    if not isinstance(given, list) or len(given) > MAX_PERMISSIONS:
        problems.append(("/permissions", f"must be an array of {MAX_PERMISSIONS} roles at most"))
        return {}
    entries: dict[int, _Entry] = {}
    for place, entry in _read_entries(given, problems):
        first = entries.setdefault(entry.code, entry)
        if first != entry:
            problems.append((place, f"sets role {entry.code} otherwise than an entry before it"))
    return entries


def _read_entries(given: list[object], problems: list[Problem]) -> Iterator[tuple[str, _Entry]]:
    for position, item in enumerate(given):
        place = f"/permissions/{position}"
        if not isinstance(item, dict):
            problems.append((place, "must be an object"))
            continue
        code = _role_id(item.get("role_id"), f"{place}/role_id", problems)
        flags = {
            flag.vendor_name: value
            for flag in Flag
            if (value := _flag(item.get(flag.vendor_name), f"{place}/{flag.vendor_name}", problems))
            is not None
        }
        external_id = _external_id(item.get("devuc_role_id"), f"{place}/devuc_role_id", problems)
        if code is not None and external_id is not None:
            yield place, _Entry(code, flags, external_id)


def _role_id(given: object, place: str, problems: list[Problem]) -> int | None:
    if isinstance(given, str) and _ROLE_ID.fullmatch(given):
        return int(given)
    # true and false are integers to Python, and no roles.
    if type(given) is int and abs(given) < _ROLE_ID_BOUND:
        return given
    problems.append((place, "must be an integer of nine digits at most, or a string of one"))
    return None


def _external_id(given: object, place: str, problems: list[Problem]) -> str | None:
    if given is None:
        return ""
    if isinstance(given, str) and len(given) <= _LONGEST_EXTERNAL_ID:
        return given
    problems.append((place, f"must be a string of {_LONGEST_EXTERNAL_ID} characters at most"))
    return None


def _flag(given: object, place: str, problems: list[Problem]) -> bool | None:
    if given is None or isinstance(given, bool):
        return given
    problems.append((place, "must be true, false or null"))
    return None
