"""How the OpenAPI document describes batches: the parameters, answers and components that all share."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from drf_spectacular.utils import (
    OpenApiExample,
    OpenApiParameter,
    OpenApiResponse,
    extend_schema,
    extend_schema_view,
)

from tasks.batch.plan import OutcomeKind, Reason, WarningCode


Schema = dict[str, Any]

_COMPONENTS: dict[str, Schema] = {}

_HEADER: Final = "header"

REQUEST_ID = OpenApiParameter(
    "X-Request-Id",
    str,
    _HEADER,
    description=(
        "An id of yours, for logs and audit: 1 to 128 letters, digits, dots, dashes and underscores."
        " Every answer carries it; where it is anything else, or absent, one is made."
    ),
)
_DRY_RUN = OpenApiParameter(
    "dry_run",
    {"type": "string", "enum": ["true", "false"], "default": "false"},
    OpenApiParameter.QUERY,
    description="Answer as applying would, with the plan added, and change nothing.",
)
_IF_MATCH = OpenApiParameter(
    "If-Match",
    {"type": "string", "pattern": '^"[!#-~]+"$'},
    _HEADER,
    description="The ETag of a dry run: if any target has changed since, nothing is changed (412).",
)
_KEY = OpenApiParameter(
    "Idempotency-Key",
    {"type": "string", "pattern": "^[!-~]{1,255}$"},
    _HEADER,
    description=(
        "Makes the request count once per token: repeated within 24 hours, the first answer comes"
        " again with `Idempotency-Replayed: true`. A refused request leaves its key free."
    ),
)
_PREFER = OpenApiParameter(
    "Prefer",
    {"type": "string"},
    _HEADER,
    description="`respond-async`: answer 202 now, and apply the batch in the worker.",
)
_TERMS = (_DRY_RUN, _IF_MATCH, _KEY, _PREFER, REQUEST_ID)

_ANSWER_HEADERS = (
    OpenApiParameter(
        "X-Request-Id", str, _HEADER, response=True, description="The id of this request."
    ),
    OpenApiParameter(
        "Location", str, _HEADER, response=[200, 202], description="The operation's address."
    ),
    OpenApiParameter(
        "ETag", str, _HEADER, response=[200], description="The fingerprint, of a dry run."
    ),
    OpenApiParameter(
        "Idempotency-Replayed",
        {"type": "string", "enum": ["true"]},
        _HEADER,
        response=[200, 202],
        description="This is the first answer again.",
    ),
    OpenApiParameter("Preference-Applied", str, _HEADER, response=[202]),
    OpenApiParameter("WWW-Authenticate", str, _HEADER, response=[401]),
    OpenApiParameter(
        "Retry-After",
        int,
        _HEADER,
        response=[409, 429, 503],
        description="The seconds after which to repeat the request.",
    ),
)

_FAULTS: Mapping[int, str] = {
    400: "The request is malformed, or names what does not exist.",
    401: "There is no token, or none that may be used.",
    403: "The token lacks the scope, or its owner a right on some target.",
    404: "Some target, or the address, does not exist for the token's owner.",
    406: "The answer is JSON, which the request does not accept.",
    409: "Some target changed since the operation to undo, or the key's request is still running.",
    411: "The body came without its length.",
    412: "Some target changed since the dry run.",
    413: "The body is larger than 8 MiB.",
    415: "The body is not sent as JSON.",
    422: "Some task's type does not allow the settings, or the key was used for another request.",
    429: "The token has used up its requests.",
    500: "Something went wrong in the server.",
    503: "The database cannot serve the request now.",
}
_ORDER_FAULTS: Mapping[int, str] = {
    **{status: _FAULTS[status] for status in (400, 401, 403, 404, 406)},
    409: "The operation is finished.",
    **{status: _FAULTS[status] for status in (411, 413, 415, 429, 500, 503)},
}
READ_FAULTS = (400, 401, 403, 404, 406, 429, 500, 503)


def component(name: str, schema: Schema) -> Schema:
    """Add a named schema to the document; return the reference to it."""
    _COMPONENTS[name] = schema
    return {"$ref": f"#/components/schemas/{name}"}


def complete_document(result: dict[str, Any], **_: Any) -> dict[str, Any]:
    """Put the named schemas into the generated document; a body with required keys is required."""
    result["components"].setdefault("schemas", {}).update(sorted(_COMPONENTS.items()))
    for path in result["paths"].values():
        for operation in path.values():
            body = operation.get("requestBody", {})
            for content in body.get("content", {}).values():
                name = content["schema"]["$ref"].rpartition("/")[2]
                body["required"] = bool(_COMPONENTS[name].get("required"))
    return result


def fault_responses(failure: Schema, statuses: Sequence[int]) -> dict[int, OpenApiResponse]:
    """Return the answers of a vendor's errors."""
    return {status: OpenApiResponse(failure, description=_FAULTS[status]) for status in statuses}


PLAN = component(
    "Plan",
    {
        "type": "object",
        "description": "What applying the batch would do to each target.",
        "required": ["fingerprint", "counts", "warnings", "targets"],
        "properties": {
            "fingerprint": {
                "type": "string",
                "description": "Sent as `If-Match`, it binds applying to this plan.",
            },
            "counts": {
                "type": "object",
                "required": [str(kind) for kind in OutcomeKind],
                "properties": {str(kind): {"type": "integer"} for kind in OutcomeKind},
            },
            "warnings": {
                "type": "array",
                "description": "What the change brings about; it stands in the way of nothing.",
                "items": {
                    "type": "object",
                    "required": ["code", "detail", "targets"],
                    "properties": {
                        "code": {"enum": [str(code) for code in WarningCode]},
                        "detail": {"type": "string"},
                        "targets": {"type": "array", "items": {"type": "string"}},
                    },
                },
            },
            "targets": {
                "type": "array",
                "items": {
                    "type": "object",
                    "required": ["target", "outcome"],
                    "properties": {
                        "target": {"type": "string"},
                        "outcome": {"enum": [str(kind) for kind in OutcomeKind]},
                        "code": {"enum": [str(reason) for reason in Reason]},
                        "detail": {"type": "string"},
                        "changes": {
                            "type": "array",
                            "items": {
                                "type": "object",
                                "required": ["place"],
                                "properties": {
                                    "place": {"type": "string", "description": "A JSON pointer."},
                                    "before": {"description": "Absent where there was nothing."},
                                    "after": {"description": "Absent where nothing will be."},
                                    "secret": {
                                        "const": True,
                                        "description": "The place is secret and is not shown.",
                                    },
                                },
                            },
                        },
                    },
                },
            },
        },
    },
)


@dataclass(frozen=True, kw_only=True)
class BatchDescription:
    """What a batch endpoint's description does not share with others: schemas, words, examples."""

    operation_id: str
    summary: str
    description: str
    tag: str
    body: Schema
    result: Schema
    failure: Schema
    examples: Sequence[OpenApiExample] = ()


def describe_batch(described: BatchDescription) -> Any:
    """Return the decorator of the view that answers such a batch."""
    accepted = OpenApiResponse(described.result, description="The operation waits for the worker.")
    answered = OpenApiResponse(described.result, description="All targets are as they should be.")
    return extend_schema_view(
        post=extend_schema(
            operation_id=described.operation_id,
            summary=described.summary,
            description=described.description,
            tags=[described.tag],
            parameters=[*_TERMS, *_ANSWER_HEADERS],
            request={"application/json": described.body},
            responses={
                200: answered,
                202: accepted,
                **fault_responses(described.failure, list(_FAULTS)),
            },
            examples=described.examples,
        )
    )


def describe_read(
    *, operation_id: str, summary: str, tag: str, result: Schema, failure: Schema
) -> Any:
    """Return the decorator of a view that reads something."""
    headers = [header for header in _ANSWER_HEADERS if header.response is True]
    return extend_schema_view(
        get=extend_schema(
            operation_id=operation_id,
            summary=summary,
            tags=[tag],
            parameters=[REQUEST_ID, *headers],
            responses={200: result, **fault_responses(failure, READ_FAULTS)},
        )
    )


@dataclass(frozen=True, kw_only=True)
class ReadDescription:
    """What the description of something that is read with parameters does not share with others."""

    operation_id: str
    summary: str
    description: str
    tag: str
    result: Schema
    failure: Schema
    parameters: Sequence[OpenApiParameter] = ()
    streams: Mapping[tuple[int, str], OpenApiResponse] = field(default_factory=dict)


def describe_list(described: ReadDescription) -> Any:
    """Return the decorator of a view that reads with parameters."""
    headers = [header for header in _ANSWER_HEADERS if header.response is True]
    read = OpenApiResponse(described.result, description="What was asked for.")
    return extend_schema_view(
        get=extend_schema(
            operation_id=described.operation_id,
            summary=described.summary,
            description=described.description,
            tags=[described.tag],
            parameters=[*described.parameters, REQUEST_ID, *headers],
            responses={
                (200, "application/json"): read,
                **described.streams,
                **{
                    (status, "application/json"): answer
                    for status, answer in fault_responses(described.failure, READ_FAULTS).items()
                },
            },
        )
    )


def describe_order(
    *, operation_id: str, summary: str, description: str, tag: str, result: Schema, failure: Schema
) -> Any:
    """Return the decorator of a view that is told, without a body, to do something to one thing."""
    headers = [header for header in _ANSWER_HEADERS if header.response is True]
    faults = {
        status: OpenApiResponse(failure, description=text) for status, text in _ORDER_FAULTS.items()
    }
    return extend_schema_view(
        post=extend_schema(
            operation_id=operation_id,
            summary=summary,
            description=description,
            tags=[tag],
            parameters=[REQUEST_ID, *headers],
            request=None,
            responses={
                200: OpenApiResponse(result, description="It is done."),
                202: OpenApiResponse(result, description="It will be done by the worker."),
                **faults,
            },
        )
    )
