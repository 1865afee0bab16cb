"""How the OpenAPI document describes the question who could do what."""

from permissions.flags import BY_VENDOR_NAME
from tasks.api.openapi import ReadDescription, component, describe_list
from tasks.api.opsera import OPSERA_FAILURE
from tasks.api.trail_documents import MOMENT, PAGING, TASK, query


_FLAGS = {"type": "array", "items": {"enum": list(BY_VENDOR_NAME)}}
_TASK = {
    "type": ["object", "null"],
    "description": "The task as it was; null if it did not exist.",
    "properties": {
        "id": {"type": "string"},
        "name": {"type": "string"},
        "project": {"type": "string"},
        "project_name": {"type": "string"},
        "follows_project": {"type": "boolean"},
        "recycled": {"type": "boolean"},
    },
}
_WAYS = {
    "type": "array",
    "description": "Every way in which the flags were held.",
    "items": {
        "type": "object",
        "properties": {
            "via": {
                "enum": ["member", "group", "project creator", "task creator", "superuser"],
            },
            "role": {"type": ["integer", "null"], "description": "The role's code."},
            "role_name": {"type": ["string", "null"]},
            "group": {"type": ["string", "null"]},
            "flags": _FLAGS,
        },
    },
}
_HOLDER = component(
    "Holder",
    {
        "type": ["object", "null"],
        "properties": {"user": {"type": "string"}, "flags": _FLAGS, "ways": _WAYS},
    },
)
_ACCOUNT = component(
    "Account",
    {
        "type": ["object", "null"],
        "description": "What the user was; null if there was no such account.",
        "properties": {
            "user": {"type": "string"},
            "active": {"type": "boolean"},
            "staff": {"type": "boolean"},
            "superuser": {"type": "boolean"},
            "groups": {"type": "array", "items": {"type": "string"}},
            "roles": {
                "type": "array",
                "items": {
                    "type": "object",
                    "properties": {
                        "project_name": {"type": "string"},
                        "role": {"type": "integer", "description": "The role's code."},
                        "role_name": {"type": "string"},
                        "group": {"type": ["string", "null"]},
                    },
                },
            },
        },
    },
)
_RIGHTS = component(
    "TaskRights",
    {
        "type": ["object", "null"],
        "properties": {"task": _TASK, "flags": _FLAGS, "ways": _WAYS},
    },
)
_ANSWER = component(
    "Access",
    {
        "type": "object",
        "required": ["at"],
        "properties": {
            "at": MOMENT,
            "task": _TASK,
            "holders": {"type": "array", "items": _HOLDER},
            "user": {"type": "string"},
            "account": _ACCOUNT,
            "rights": {"type": "array", "items": _RIGHTS},
            "compared_with": MOMENT,
            "compared_task": _TASK,
            "compared_account": _ACCOUNT,
            "changes": {
                "type": "array",
                "description": (
                    "Who could do more, or less, on the task at the other moment; or, of a user, on which"
                    " tasks."
                ),
                "items": {
                    "type": "object",
                    "properties": {
                        "user": {"type": "string"},
                        "before": {"anyOf": [_HOLDER, _RIGHTS]},
                        "after": {"anyOf": [_HOLDER, _RIGHTS]},
                    },
                },
            },
            "next": {"type": ["string", "null"]},
        },
    },
)

DESCRIBE_ACCESS = describe_list(
    ReadDescription(
        operation_id="read_access",
        summary="Read who could do what at a moment, and why",
        description=(
            "Answered from history: what the live system answered at that moment. With a task, who could"
            " do something on it; with a user alone, what that user was and could do; with"
            " `compared_with`, whose rights on the task differ at the other moment, or on which tasks the"
            " user's do. Auditors ask about everything, managers about their tasks, everybody about"
            " themselves."
        ),
        tag="audit",
        result=_ANSWER,
        failure=OPSERA_FAILURE,
        parameters=(
            query("at", MOMENT, "The moment, with its zone."),
            query("task", TASK, "The task's id, also of one that is gone."),
            query("user", str, "The user's name, of then or the last one."),
            query("flag", {"type": "string", "enum": list(BY_VENDOR_NAME)}, "Only this flag."),
            query("compared_with", MOMENT, "Another moment, to compare with."),
            *PAGING,
        ),
    )
)
