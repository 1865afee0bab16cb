"""What a task's settings looked like, for programs: at a moment, or what differs between two."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, cast

from django.http import HttpResponse
from rest_framework.request import Request

from audit.differences import difference_data
from audit.trail.events import timestamp
from tasks.api.openapi import ReadDescription, component, describe_list
from tasks.api.opsera import OPSERA_FAILURE, OpseraView
from tasks.api.parameters import Parameters
from tasks.api.scopes import AUDIT_READ
from tasks.api.trail_documents import CHANGED_PLACES, MOMENT, TASK, query
from tasks.api.views import json_response
from tasks.past import TaskState, compare_states, state_then, task_to_read


if TYPE_CHECKING:
    from django.contrib.auth.models import User

_STATE = component(
    "TaskState",
    {
        "type": ["object", "null"],
        "description": "The task as it was; null if it did not exist.",
        "properties": {
            "id": {"type": "string"},
            "name": {"type": "string"},
            "project": {"type": "string"},
            "type": {"type": "string"},
            "enabled": {"type": "boolean"},
            "disabled_reason": {"type": "string"},
            "recycled": {"type": "boolean"},
            "version": {"type": "integer"},
            "settings": {"description": '`{"secret": true}` stands in place of each secret.'},
            "made_by": {"type": "object", "description": "The operation that made it so."},
        },
    },
)
_ANSWER = component(
    "SettingsThen",
    {
        "type": "object",
        "required": ["at", "state"],
        "properties": {
            "at": {"type": "string", "format": "date-time"},
            "state": _STATE,
            "compared_with": {"type": "string", "format": "date-time"},
            "compared_state": _STATE,
            "changes": {**CHANGED_PLACES, "description": "What differs in settings."},
        },
    },
)


@describe_list(
    ReadDescription(
        operation_id="read_settings_then",
        summary="Read what a task's settings looked like",
        description=(
            "Answered from history: what the live system answered at that moment. With `compared_with`,"
            " also what differs at the other moment. Secrets are not told."
        ),
        tag="audit",
        result=_ANSWER,
        failure=OPSERA_FAILURE,
        parameters=(
            query("task", TASK, "The task's id, also of one that is gone."),
            query("at", MOMENT, "The moment, with its zone."),
            query("compared_with", MOMENT, "Another moment."),
        ),
    )
)
class SettingsThenView(OpseraView):
    """Tells who may view a task, and auditors, what its settings looked like."""

    scopes: Mapping[str, str] = {"GET": AUDIT_READ}

    def get(self, request: Request) -> HttpResponse:
        """Answer with the task as it was.

        Raises:
            Malformed: the parameters do not say which task and when.
            TaskUnknown: there never was such a task, or the actor may not view it.
        """
        parameters = Parameters(request)
        uid, at = parameters.uid("task"), parameters.past("at")
        other = parameters.past("compared_with")
        parameters.require("task")
        parameters.require("at")
        parameters.check()
        assert at is not None  # noqa: S101 - checked above
        actor = cast("User", request.user)
        task_id = task_to_read(actor=actor, uid=uid)
        state = state_then(task_id=task_id, at=at)
        body: dict[str, Any] = {"at": timestamp(at), "state": state and state_data(state)}
        if other:
            compared = state_then(task_id=task_id, at=other)
            body |= {
                "compared_with": timestamp(other),
                "compared_state": compared and state_data(compared),
                "changes": _changes(state, compared),
            }
        return json_response(body, headers={"Cache-Control": "no-store"})


def state_data(state: TaskState) -> dict[str, Any]:
    """Return the state for programs; nothing in it is a secret."""
    return {
        "id": state.uid,
        "name": state.name,
        "project": state.project_uid,
        "type": state.type_key,
        "enabled": state.enabled,
        "disabled_reason": state.disabled_reason,
        "recycled": state.is_recycled,
        "version": state.version,
        "settings": state.shown_settings(),
        "made_by": {
            "id": str(state.made_by.id),
            "kind": state.made_by.kind,
            "actor": state.made_by.actor_name,
            "finished_at": timestamp(state.made_by.finished_at),
        },
    }


def _changes(one: TaskState | None, two: TaskState | None) -> list[dict[str, Any]]:
    if one is None or two is None:
        return []
    return [difference_data(difference) for difference in compare_states(before=one, after=two)]
