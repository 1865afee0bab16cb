"""`/api/v2/operations/{id}`: how far an operation has come, its cancelling and its undo."""

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, cast
from uuid import UUID

from django.contrib.auth.models import User
from django.http import HttpResponse
from rest_framework.request import Request

from audit.context import Origin
from audit.models import UNFINISHED, Channel, Operation, Progress, RefusedAttempt, State
from audit.trail.events import operation_summary, timestamp
from audit.trail.reader import Filter
from audit.visibility import visible_operations
from tasks.api.openapi import (
    BatchDescription,
    component,
    describe_batch,
    describe_order,
    describe_read,
)
from tasks.api.opsera import OPSERA_FAILURE, OPSERA_RESULT, OpseraBatchView, OpseraView
from tasks.api.scopes import AUDIT_READ, TASKS_READ, scope_of_kind
from tasks.api.views import body_of, json_response, location_of
from tasks.batch.cancelling import cancel
from tasks.batch.errors import Malformed, NotRevertible, OperationUnknown, TooLate
from tasks.batch.operations import visible_operation
from tasks.batch.pipeline import Batch
from tasks.batch.revert import AskedUndo, Undo, batch_to_undo
from tasks.trail import reader_of


# Of these, not all targets have been judged.
_JUDGED_IN_PART = frozenset({*UNFINISHED, State.CANCELLED})

_LOCATION = {"type": ["string", "null"]}
_TIME = {"type": ["string", "null"], "format": "date-time"}
_HIDDEN = "Told to auditors, and of one's own; null to others."
_COUNT = {"type": ["integer", "null"], "minimum": 0, "description": _HIDDEN}
OPERATION = component(
    "Operation",
    {
        "type": "object",
        "required": ["id", "kind", "state", "counts", "progress", "refusals", "reverts"],
        "properties": {
            "id": {"type": "string", "format": "uuid"},
            "kind": {"type": "string"},
            "state": {"enum": State.values},
            "actor": {"type": "string"},
            "channel": {"enum": Channel.values},
            "token": {"type": ["string", "null"], "description": "The token's name."},
            "request_id": {"type": "string"},
            "reason": {"type": "string"},
            "counts": {
                "type": "object",
                "required": ["targets", "changed", "unchanged", "refused"],
                "properties": dict.fromkeys(("targets", "changed", "unchanged", "refused"), _COUNT),
            },
            "progress": {
                "type": "object",
                "required": ["done", "total"],
                "properties": {"done": _COUNT, "total": _COUNT},
            },
            "refusals": {
                "type": ["array", "null"],
                "description": f"Why the batch was refused, target by target. {_HIDDEN}",
                "items": {
                    "type": "object",
                    "required": ["target", "code", "detail"],
                    "properties": {
                        name: {"type": "string"} for name in ("target", "code", "detail")
                    },
                },
            },
            "attempts": {
                "type": "integer",
                "minimum": 1,
                "description": "How often this was tried and refused within an hour.",
            },
            "reverts": {**_LOCATION, "description": "The operation that this one undid."},
            "reverted_by": {"type": "array", "items": {"type": "string"}},
            "cancelled_by": {"type": ["string", "null"], "description": "The user's name."},
            "address": {"type": ["string", "null"]},
            "user_agent": {"type": ["string", "null"]},
            "created_at": _TIME,
            "started_at": _TIME,
            "finished_at": _TIME,
            "duration": {
                "type": ["number", "null"],
                "description": "Seconds, without waiting for the worker; null before the end.",
            },
        },
    },
)
_UNDO = component(
    "Undo",
    {
        "type": "object",
        "additionalProperties": False,
        "properties": {
            "skip_conflicts": {
                "type": "boolean",
                "default": False,
                "description": "Leave alone what has changed since, instead of refusing.",
            },
            "overwrite": {
                "type": "boolean",
                "default": False,
                "description": (
                    "Take back what has changed since as well, and lose what came after; not together"
                    " with `skip_conflicts`."
                ),
            },
        },
        "not": {
            "required": ["skip_conflicts", "overwrite"],
            "properties": {name: {"const": True} for name in ("skip_conflicts", "overwrite")},
        },
    },
)


@describe_read(
    operation_id="read_operation",
    summary="Read how far an operation has come",
    tag="operations",
    result=OPERATION,
    failure=OPSERA_FAILURE,
)
class OperationView(OpseraView):
    """Tells an operation's owner, and auditors, what it did or how far it has come.

    Whoever may view a task that it changed reads it, too, with the scope to read the trail.
    """

    @property
    def scopes(self) -> Mapping[str, str]:  # type: ignore[override]  # it depends on the token
        """Ask for the scope to read tasks, with which one waits for an operation, or to read the trail."""
        held = {TASKS_READ, AUDIT_READ}.intersection(self._held)
        return {"GET": AUDIT_READ if held == {AUDIT_READ} else TASKS_READ}

    @property
    def _held(self) -> Sequence[str]:
        """The scopes of the token."""
        return getattr(self.request.auth, "scopes", ())

    def get(self, request: Request, operation_id: UUID) -> HttpResponse:
        """Answer with the operation.

        Raises:
            OperationUnknown: there is no such operation, or it is none of the actor's business.
        """
        operation = self._operation(cast("User", request.user), operation_id)
        if operation is None:
            raise OperationUnknown
        # Whoever waits for an operation shall not be told yesterday's answer.
        return json_response(operation_data(operation), headers={"Cache-Control": "no-store"})

    def _operation(self, actor: User, operation_id: UUID) -> Operation | None:
        own = visible_operations(actor=actor).filter(pk=operation_id).first()
        if own or AUDIT_READ not in self._held:
            return own
        reader = reader_of(actor=actor, wanted=Filter(operation_id=operation_id))
        operation = reader.operations().first()
        if operation:
            reader.hide(operation)
        return operation


@describe_batch(
    BatchDescription(
        operation_id="revert_operation",
        summary="Undo an operation",
        description=(
            "Gives every task that the operation changed back what it had, as an operation of its own."
            " Tasks that have changed since are refused (409), or left alone with `skip_conflicts`,"
            " or taken back all the same with `overwrite`."
            " The token needs the scope that it took to make the change."
        ),
        tag="operations",
        body=_UNDO,
        result=OPSERA_RESULT,
        failure=OPSERA_FAILURE,
    )
)
class RevertView(OpseraBatchView):
    """Undoes an operation, as an operation of its own."""

    body_required: ClassVar[bool] = False
    applied_message: ClassVar[str] = "The operation has been undone."
    accepted_message: ClassVar[str] = "The undo of the operation has been accepted."

    @property
    def scopes(self) -> Mapping[str, str]:  # type: ignore[override]  # it depends on the operation
        """Ask for the scope that it takes to do what is to be undone."""
        actor = cast("User", self.request.user)
        operation = visible_operation(actor=actor, operation_id=self.kwargs["operation_id"])
        scope = scope_of_kind(operation.kind)
        if scope is None:
            raise NotRevertible(f"an operation of the kind {operation.kind} is not undone here")
        return {"POST": scope}

    def batch_of(self, *, actor: User, body: dict[str, Any], origin: Origin) -> Batch:
        """Return the batch that undoes the operation, if that was one."""
        undo = _undo_in(body, operation_id=self.kwargs["operation_id"])
        return batch_to_undo(actor=actor, undo=undo, origin=origin)

    def asked_in(
        self, *, actor: User, body: dict[str, Any], origin: Origin, expected: str
    ) -> AskedUndo:
        """Return the undo that the body asks for.

        Raises:
            Malformed: the body says something else than what to do about conflicts.
        """
        del actor
        undo = _undo_in(body, operation_id=self.kwargs["operation_id"])
        return AskedUndo(undo=undo, origin=origin, expected=expected)


def _undo_in(body: dict[str, Any], *, operation_id: UUID) -> Undo:
    """Return what to undo, and what to do about what has changed since."""
    choices = {name: body.get(name, False) for name in ("skip_conflicts", "overwrite")}
    problems = [(f"/{key}", "is not known here") for key in body.keys() - choices.keys()]
    problems += [
        (f"/{name}", "must be true or false")
        for name, value in choices.items()
        if not isinstance(value, bool)
    ]
    if not problems and all(choices.values()):
        problems.append(("/overwrite", "goes against skip_conflicts: choose one"))
    if problems:
        raise Malformed(sorted(problems))
    return Undo(operation_id=operation_id, **choices)


@describe_order(
    operation_id="cancel_operation",
    summary="Cancel an operation that is not finished",
    description=(
        "A queued operation is cancelled at once. A running one stops at the worker's next look and"
        " changes nothing: the answer is 202, and `state` becomes `cancelled`. Where it is finished"
        " already, it stays as it is (409). Cancelling twice is cancelling once. The token needs the"
        " scope that it took to make the change."
    ),
    tag="operations",
    result=OPERATION,
    failure=OPSERA_FAILURE,
)
class CancelView(OpseraView):
    """Cancels an operation that waits for the worker or is running there."""

    @property
    def scopes(self) -> Mapping[str, str]:  # type: ignore[override]  # it depends on the operation
        """Ask for the scope that it takes to do what is to be cancelled."""
        actor = cast("User", self.request.user)
        operation = visible_operation(actor=actor, operation_id=self.kwargs["operation_id"])
        scope = scope_of_kind(operation.kind)
        if scope is None:
            # Only batches wait for a worker; everything else is done when it is recorded.
            raise TooLate(state=operation.state)
        return {"POST": scope}

    def post(self, request: Request, operation_id: UUID) -> HttpResponse:
        """Cancel the operation, and answer with it.

        Raises:
            Malformed: the request says more than which operation to cancel.
            OperationUnknown: there is no such operation, or it is somebody else's.
            TooLate: it is finished.
        """
        problems = [(f"/{key}", "is not known here") for key in body_of(request, required=False)]
        problems += [(name, "is no query parameter here") for name in request.query_params]
        if problems:
            # Passed over, a dry run would cancel.
            raise Malformed(sorted(problems))
        operation = cancel(actor=cast("User", request.user), operation_id=operation_id)
        status = 200 if operation.state == State.CANCELLED else 202
        return json_response(operation_data(operation), status=status)


def operation_data(operation: Operation) -> dict[str, Any]:
    """Return what an interface says of an operation; nothing in it is a secret."""
    progress = Progress.objects.filter(operation=operation).first()
    done = progress.done if progress else 0
    attempt = RefusedAttempt.objects.filter(operation=operation).first()
    undone = operation.reverted_by.filter(state__in=[*UNFINISHED, State.APPLIED])
    reverted_by = undone.order_by("created_at", "id").values_list("pk", flat=True)
    targets = cast("int | None", operation.targets)  # None where it is hidden
    return {
        **operation_summary(operation),
        "progress": {
            "done": done if operation.state in _JUDGED_IN_PART else targets,
            "total": targets,
        },
        # Whoever is not told how many targets there were is not told which, either.
        "refusals": None if targets is None else operation.refusals,
        "attempts": attempt.times if attempt else 1,
        "reverts": location_of(operation.reverts_id),
        "reverted_by": [location_of(key) for key in reverted_by],
        "cancelled_by": operation.cancelled_by_name or None,
        "started_at": timestamp(operation.started_at),
    }
