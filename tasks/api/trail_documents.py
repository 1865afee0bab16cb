"""How the OpenAPI document describes the trail."""

from typing import Any

from drf_spectacular.utils import OpenApiParameter, OpenApiResponse

from audit.models import Channel, State
from audit.trail.channels import By
from audit.trail.events import VERSION
from audit.trail.streams import CSV, JSON_LINES
from tasks.api.openapi import ReadDescription, Schema, component, describe_list
from tasks.api.opsera import OPSERA_FAILURE


_TIME = {"type": ["string", "null"], "format": "date-time"}
_TEXT = {"type": ["string", "null"]}
_NEXT = {
    "type": ["string", "null"],
    "description": "Sent as `after`, it asks for the next page; null at the end.",
}
CHANGED_PLACES: Schema = {
    "type": "array",
    "description": "What changed, place by place (JSON pointers, RFC 6901).",
    "items": {
        "type": "object",
        "required": ["place"],
        "properties": {
            "place": {"type": "string"},
            "before": {"description": "Absent where there was nothing."},
            "after": {"description": "Absent where nothing is left."},
            "secret": {"const": True, "description": "The place is secret and is not told."},
        },
    },
}
OPERATION_SUMMARY = component(
    "OperationSummary",
    {
        "type": "object",
        "required": ["id", "kind", "state", "channel", "actor", "created_at", "finished_at"],
        "properties": {
            "id": {"type": "string", "format": "uuid"},
            "kind": {"type": "string"},
            "state": {"enum": State.values},
            "channel": {"enum": Channel.values},
            "actor": {"type": "string"},
            "token": {"type": ["string", "null"], "description": "The token's name."},
            "request_id": {"type": "string"},
            "reason": {"type": "string"},
            "reverts": {**_TEXT, "description": "The operation that this one undid."},
            "address": {**_TEXT, "description": "Told to auditors, and of one's own."},
            "user_agent": {**_TEXT, "description": "Told to auditors, and of one's own."},
            "counts": {
                "type": "object",
                "properties": {
                    name: {
                        "type": ["integer", "null"],
                        "minimum": 0,
                        "description": "Told to auditors, and of one's own.",
                    }
                    for name in ("targets", "changed", "unchanged", "refused")
                },
            },
            "created_at": _TIME,
            "finished_at": _TIME,
            "duration": {
                "type": ["number", "null"],
                "description": "Seconds, without waiting for the worker; null before the end.",
            },
        },
    },
)
EVENT = component(
    "Event",
    {
        "type": "object",
        "description": "One change of one object. Keys may be added without a new version.",
        "required": ["version", "id", "type", "at", "object", "operation", "changes"],
        "properties": {
            "version": {"const": VERSION},
            "id": {"type": "string"},
            "type": {"type": "string", "description": "Such as `task.changed`."},
            "at": {**_TIME, "description": "When the operation was finished."},
            "object": {
                "type": "object",
                "properties": {"type": {"type": "string"}, "id": _TEXT, "name": _TEXT},
            },
            "project": {**_TEXT, "description": "The project's id."},
            "task": {**_TEXT, "description": "The task's id."},
            "role": {"type": ["integer", "null"], "description": "The role's code."},
            "operation": OPERATION_SUMMARY,
            "changes": CHANGED_PLACES,
            "parameters": {
                "type": "object",
                "description": "What was asked for, where an operation itself is told.",
            },
            "refusals": {
                "type": "array",
                "items": {"type": "object"},
                "description": "Why it was refused, where an operation itself is told.",
            },
        },
    },
)


def query(name: str, schema: Any, description: str) -> OpenApiParameter:
    """Return the description of a query parameter."""
    return OpenApiParameter(name, schema, OpenApiParameter.QUERY, description=description)


TASK = {"type": "string", "pattern": "^([0-9a-z]{24}|[0-9a-z]{32})$"}
MOMENT = {"type": "string", "format": "date-time"}
FILTER = (
    query("actor", str, "The name of who did it."),
    query("project", TASK, "What touched the project."),
    query("task", TASK, "What was done to the task."),
    query("role", {"type": "integer"}, "What changed the role (its code), or a flag of it."),
    query("flag", str, "What gave or took the flag, such as `is_execute`."),
    query("settings_key", str, "What changed the place in settings, or below (JSON pointer)."),
    query("kind", str, "Operations of the kind."),
    query(
        "channel",
        {"type": "string", "enum": Channel.values},
        "Where it came in, or `import`, or `worker`.",
    ),
    query(
        "by",
        {"type": "string", "enum": list(By)},
        "People, or tokens and the command line.",
    ),
    query("state", {"type": "string", "enum": State.values}, "How it ended."),
    query("request_id", str, "The id of the request."),
    query("text", str, "Beginnings of words in reasons and names."),
    query("since", MOMENT, "From then on."),
    query("until", MOMENT, "Before then."),
)
PAGING = (
    query("after", str, "Where the former answer ended: its `next`."),
    query(
        "limit",
        {"type": "integer", "minimum": 1, "maximum": 1000, "default": 100},
        "So many at most: where few fit, a page may hold fewer, even none.",
    ),
)
_STREAMED = " Asked for as JSON Lines or CSV, all of it is streamed, ended by a manifest."


def _page(name: str, key: str, items: Schema) -> Schema:
    return component(
        name,
        {
            "type": "object",
            "required": [key, "next"],
            "properties": {key: {"type": "array", "items": items}, "next": _NEXT},
        },
    )


_EVENTS = _page("EventPage", "events", EVENT)
_STREAMS = {
    (200, JSON_LINES): OpenApiResponse({"type": "string"}, description="One entry per line."),
    (200, CSV): OpenApiResponse({"type": "string"}, description="One entry per row."),
}

DESCRIBE_OPERATIONS = describe_list(
    ReadDescription(
        operation_id="list_operations",
        summary="List operations, newest first",
        description=(
            "Auditors read all operations, others what was done to tasks that they may view."
            + _STREAMED
        ),
        tag="audit",
        result=_page("OperationPage", "operations", OPERATION_SUMMARY),
        failure=OPSERA_FAILURE,
        parameters=(*FILTER, *PAGING),
        streams=_STREAMS,
    )
)


def _describe_events(*, operation_id: str, summary: str) -> Any:
    return describe_list(
        ReadDescription(
            operation_id=operation_id,
            summary=summary,
            description="One event for each change of one object." + _STREAMED,
            tag="audit",
            result=_EVENTS,
            failure=OPSERA_FAILURE,
            parameters=(*FILTER, *PAGING),
            streams=_STREAMS,
        )
    )


DESCRIBE_EVENTS = _describe_events(
    operation_id="list_events", summary="Read every change, newest operations first"
)
DESCRIBE_CHANGES = _describe_events(
    operation_id="list_changes", summary="Read what an operation changed"
)
