"""CodeArts Build's shape, and `POST /v1/job/permissions/batch`."""

from collections.abc import Mapping
from typing import Any

from django.contrib.auth.models import User

from audit.context import Origin
from audit.models import Operation
from permissions.api import faults
from permissions.api.batch import parse_batch
from permissions.api.documents import PERMISSIONS_BATCH
from permissions.models import Scope
from tasks.api.faults import Fault
from tasks.api.openapi import describe_batch
from tasks.api.views import BatchView, InterfaceView, UnknownPathView
from tasks.batch.pipeline import Batch
from tasks.batch.plan import Plan


_SUCCESS: Mapping[str, Any] = {"result": None, "error": None, "status": "success"}


class CodeArtsView(InterfaceView):
    """A view whose errors have CodeArts' shape."""

    @staticmethod
    def fault_body(fault: Fault) -> dict[str, Any]:
        """Return the vendor's code and a message that names every offender."""
        return faults.fault_body(fault)


class CodeArtsUnknownPathView(CodeArtsView, UnknownPathView):
    """Answers what nothing else under the prefix answers."""


@describe_batch(PERMISSIONS_BATCH)
class PermissionsBatchView(CodeArtsView, BatchView):
    """Changes the permissions of roles on many tasks: on all of them, or on none."""

    scopes: Mapping[str, str] = {"POST": Scope.PERMISSIONS_WRITE}

    def batch_of(self, *, actor: User, body: dict[str, Any], origin: Origin) -> Batch:
        """Return the batch that the body asks for.

        Raises:
            Malformed: naming every place that does not hold what it must.
            TooManyTargets: more than one batch takes.
            BadTargetIds: naming every one of `job_ids` that is no id.
        """
        del actor
        change, uids = parse_batch(body)
        return Batch(change=change, uids=uids, origin=origin)

    def applied_body(self, plan: Plan) -> dict[str, Any]:
        """Return the vendor's answer."""
        del plan
        return dict(_SUCCESS)

    def accepted_body(self, operation: Operation) -> dict[str, Any]:
        """Return the vendor's answer and the id of the operation that waits."""
        return {**_SUCCESS, "operation": str(operation.pk)}

    def previewed_body(self, plan: Plan) -> dict[str, Any]:
        """Return the vendor's answer, to which the plan is added."""
        del plan
        return dict(_SUCCESS)
