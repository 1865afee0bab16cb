"""Opsera's shape, and `POST /api/v2/settings/tasks`."""

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

from django.conf import settings
from django.contrib.auth.models import User
from drf_spectacular.utils import OpenApiExample

from audit.context import Origin
from audit.models import Operation
from tasks.api.faults import Fault, Offender
from tasks.api.openapi import PLAN, BatchDescription, component, describe_batch
from tasks.api.scopes import SETTINGS_WRITE
from tasks.api.views import BatchView, InterfaceView, UnknownPathView
from tasks.batch.errors import Malformed
from tasks.batch.pipeline import Batch
from tasks.batch.plan import Outcome, OutcomeKind, Plan
from tasks.batch.targets import parse_uids
from tasks.changes import UpdateSettings


# A line of the log is said for every task; the plan of a dry run has all places.
_MOST_PLACES = 20

OPSERA_RESULT = component(
    "OpseraResult",
    {
        "type": "object",
        "required": ["status", "message", "log"],
        "properties": {
            "status": {"const": "success"},
            "message": {"type": "string"},
            "log": {
                "type": "array",
                "items": {"type": "string"},
                "description": "One line per task.",
            },
            "plan": PLAN,
        },
    },
)
OPSERA_FAILURE = component(
    "OpseraFailure",
    {
        "type": "object",
        "required": ["status", "message", "log", "errors"],
        "properties": {
            "status": {"const": "failed"},
            "message": {"type": "string"},
            "log": {"type": "array", "items": {"type": "string"}},
            "errors": {
                "type": "array",
                "minItems": 1,
                "items": {
                    "type": "object",
                    "required": ["target", "code", "detail"],
                    "properties": {
                        "target": {
                            "type": "string",
                            "description": "The task, or empty where the request itself is wrong.",
                        },
                        "code": {"type": "string"},
                        "detail": {"type": "string"},
                        "pointer": {
                            "type": "string",
                            "description": "Where the task's settings break its type's schema.",
                        },
                        "rule": {"type": "string", "description": "The schema's rule."},
                    },
                },
            },
            "plan": PLAN,
        },
    },
)
SETTINGS_UPDATE = component(
    "SettingsUpdate",
    {
        "type": "object",
        "required": ["target", "settings"],
        "properties": {
            "target": {
                "type": "array",
                "minItems": 1,
                "maxItems": 20_000,
                "items": {"type": "string", "pattern": "^([0-9a-fA-F]{24}|[0-9a-fA-F]{32})$"},
                "description": "The ids of the tasks.",
            },
            "settings": {"type": "object", "minProperties": 1},
        },
    },
)


class OpseraView(InterfaceView):
    """A view whose errors have Opsera's shape."""

    @staticmethod
    def fault_body(fault: Fault) -> dict[str, Any]:
        """Return the failed status with a line, and an entry, for every offender."""
        return {
            "status": "failed",
            "message": fault.message,
            "log": [_line_of_offender(offender) for offender in fault.offenders],
            "errors": [_error(offender) for offender in fault.offenders]
            or [{"target": "", "code": fault.code, "detail": fault.message}],
        }


class OpseraUnknownPathView(OpseraView, UnknownPathView):
    """Answers what nothing else under the prefix answers."""


class OpseraBatchView(OpseraView, BatchView):
    """A batch whose results have Opsera's shape: status, message, and one log line per task."""

    applied_message: ClassVar[str] = "The update operation has been completed."
    accepted_message: ClassVar[str] = "The update operation has been accepted."

    def applied_body(self, plan: Plan) -> dict[str, Any]:
        """Return what was done to each task."""
        return _success(self.applied_message, _log(plan, "changed"))

    def accepted_body(self, operation: Operation) -> dict[str, Any]:
        """Return which operation was accepted."""
        line = f"Operation {operation.pk}: queued, {operation.targets} tasks"
        return _success(self.accepted_message, [line])

    def previewed_body(self, plan: Plan) -> dict[str, Any]:
        """Return what would be done to each task."""
        counted = f"{plan.counts[OutcomeKind.CHANGE]} of {len(plan.outcomes)} {plan.noun}s"
        message = f"Dry run: {counted} would be changed; nothing was changed."
        return _success(message, _log(plan, "would change"))


@describe_batch(
    BatchDescription(
        operation_id="update_task_settings",
        summary="Update settings of many tasks",
        description=(
            "Merges `settings` into those of every target (RFC 7396: objects merge, arrays and scalars"
            " replace, null removes). The result must satisfy each task's type. All targets change, or"
            " none."
        ),
        tag="tasks",
        body=SETTINGS_UPDATE,
        result=OPSERA_RESULT,
        failure=OPSERA_FAILURE,
        examples=[
            OpenApiExample(
                "Opsera's example",
                {
                    "target": ["64d7c869b5760b001e46c1a2", "64d7c869b5760b001e46c1a3"],
                    "settings": {
                        "repository": {
                            "url": "https://github.com/example/repo",
                            "branch": "main",
                        },
                        "notifications": {"enabled": True},
                    },
                },
                request_only=True,
            )
        ],
    )
)
class SettingsView(OpseraBatchView):
    """Updates settings of many tasks: all of them, or none."""

    scopes: Mapping[str, str] = {"POST": SETTINGS_WRITE}

    def batch_of(self, *, actor: User, body: dict[str, Any], origin: Origin) -> Batch:
        """Return the batch that merges `settings` into every `target`.

        Raises:
            Malformed: a key is missing, empty or of the wrong type.
            TooManyTargets: more than one batch takes.
            BadTargetIds: naming every target that is no id.
        """
        del actor
        problems = [*_problems_of_target(body.get("target")), *_problems_of_settings(body)]
        if "dry_run" in body:
            # Passed over, it would apply what was meant to be a preview.
            problems.append(("/dry_run", "belongs in the query: ?dry_run=true"))
        if problems:
            raise Malformed(problems)
        uids = parse_uids(body["target"])
        return Batch(change=UpdateSettings(patch=body["settings"]), uids=uids, origin=origin)


def _problems_of_target(target: Any) -> list[tuple[str, str]]:
    if not isinstance(target, list) or not target:
        return [("/target", "must be a list of at least one task id")]
    # One too many is refused as such, whatever stands behind the bound.
    return [
        (f"/target/{index}", "must be a string")
        for index, uid in enumerate(target[: settings.BULKHEAD_MAX_TARGETS])
        if not isinstance(uid, str)
    ]


def _problems_of_settings(body: Mapping[str, Any]) -> list[tuple[str, str]]:
    patch = body.get("settings")
    if isinstance(patch, dict) and patch:
        return []
    return [("/settings", "must be an object with at least one setting")]


def _success(message: str, log: list[str]) -> dict[str, Any]:
    return {"status": "success", "message": message, "log": log}


def _log(plan: Plan, verb: str) -> list[str]:
    noun = plan.noun.capitalize()
    return [f"{noun} {outcome.uid}: {_what(outcome, verb)}" for outcome in plan.outcomes]


def _what(outcome: Outcome, verb: str) -> str:
    if outcome.kind is OutcomeKind.CHANGE:
        return f"{verb} {_places(outcome.changed)}"
    if outcome.detail:
        return f"left alone, {outcome.detail}"
    return "unchanged, it already is so"


def _places(places: Sequence[str]) -> str:
    listed = ", ".join(places[:_MOST_PLACES])
    more = len(places) - _MOST_PLACES
    return f"{listed} and {more} more" if more > 0 else listed


def _line_of_offender(offender: Offender) -> str:
    place = f" at {offender.pointer}" if offender.pointer else ""
    return (
        f"Task {offender.target}{place}: {offender.detail}" if offender.target else offender.detail
    )


def _error(offender: Offender) -> dict[str, str]:
    error = {"target": offender.target, "code": offender.code, "detail": offender.detail}
    if offender.rule:
        error |= {"pointer": offender.pointer, "rule": offender.rule}
    return error
