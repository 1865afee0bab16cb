"""What changes of permissions were asked for, and what they changed, in words."""

from collections.abc import Mapping
from typing import Any

from audit.admin.asked import say_in_words
from audit.admin.result import Wording, word_results
from audit.titles import name_kind
from permissions.changes import CopyTasks, RestoreProjectMatrix, SetPermissions, SetProjectMatrix
from permissions.flags import BY_VENDOR_NAME
from permissions.roles import BUILT_IN_ROLES
from permissions.sign_ins import FAILED_SIGN_IN
from tasks.admin.operation_words import undo_in_words
from tasks.admin.told_changes import Words, place_in_words, tell_in_words


# What built-in roles are called in every project; what others were called then, what was changed tells.
_NAMES = {str(role.code): role.name for role in BUILT_IN_ROLES}


_WHERE = {"roles": "", "own_roles": " (kept aside)"}


def _permissions(asked: Mapping[str, Any]) -> Mapping[str, Any]:
    flags = {_role(str(code)): _flags(given) for code, given in asked.get("flags", {}).items()}
    named = {
        _role(str(code), name): _flags(given) for code, name, given in asked.get("named") or ()
    }
    keys = {_role(code): key for code, key in (asked.get("external_ids") or {}).items()}
    return {
        "Follow the project's permissions": asked.get("follow"),
        **flags,
        **named,
        "Project, as it was named": asked.get("project"),
        "Keys of the roles, as they were named": keys,
    }


def _role(code: str, name: str = "") -> str:
    called = name or _NAMES.get(code, "Role")
    return f"{called} ({code})"


def _flags(given: Mapping[str, bool]) -> Mapping[str, bool]:
    return {
        BY_VENDOR_NAME[name].label if name in BY_VENDOR_NAME else name: held
        for name, held in given.items()
    }


def _project(asked: Mapping[str, Any]) -> Mapping[str, Any]:
    return {"Project": asked.get("project"), **undo_in_words(asked)}


def _copies(asked: Mapping[str, Any]) -> Mapping[str, Any]:
    return {"Word in the names of the copies": asked.get("word")}


def _place(place: str) -> str:
    """Return a place in what governs a task in words, as histories and previews do."""
    where, _, rest = place.removeprefix("/").partition("/")
    if where not in _WHERE or not rest:
        return place_in_words(place)
    code, _, flag = rest.partition("/")
    held = BY_VENDOR_NAME[flag].label.lower() if flag in BY_VENDOR_NAME else flag
    return f"{_role(code)} · {held}{_WHERE[where]}"


for _kind in (SetPermissions.kind, SetProjectMatrix.kind):
    say_in_words(kind=_kind, words=_permissions)
say_in_words(kind=RestoreProjectMatrix.kind, words=_project)
say_in_words(kind=CopyTasks.kind, words=_copies)
word_results(kind=FAILED_SIGN_IN, wording=Wording(is_claim=True))
name_kind(kind=FAILED_SIGN_IN, title="Failed sign-in")
tell_in_words(subject="task_permission", words=Words("permissions of task {}", _place))
tell_in_words(subject="role_permission", words=Words("what role {} may do", _place))
