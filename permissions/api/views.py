"""`POST /v1/job/permissions/batch` of CodeArts Build."""

from collections.abc import Mapping
from typing import Any

from django.contrib.auth.models import User

from audit.context import Origin
from audit.models import Operation
from permissions.api.batch import parse_batch
from permissions.api.faults import fault_body
from permissions.models import Scope
from tasks.api.views import BatchView, UnknownPathView
from tasks.batch.pipeline import Batch
from tasks.batch.plan import Plan


SUCCESS: Mapping[str, Any] = {"result": None, "error": None, "status": "success"}


class PermissionsBatchView(BatchView):
    """Change the permissions of roles on many tasks, all or nothing."""

    fault_body = staticmethod(fault_body)
    scopes = {"POST": Scope.PERMISSIONS_WRITE}

    def batch_of(self, *, actor: User, body: dict[str, Any], origin: Origin) -> Batch:
        """Return the batch that the body asks for.

        Raises:
            BatchError: it does not ask for one.
        """
        del actor
        change, uids = parse_batch(body)
        return Batch(change=change, uids=uids, origin=origin)

    def applied_body(self, plan: Plan) -> dict[str, Any]:
        """Return the vendor's answer."""
        del plan
        return dict(SUCCESS)

    def accepted_body(self, operation: Operation) -> dict[str, Any]:
        """Return the vendor's answer and the id of the operation that waits."""
        return {**SUCCESS, "operation": str(operation.pk)}

    def previewed_body(self, plan: Plan) -> dict[str, Any]:
        """Return the vendor's answer; the plan is added to it."""
        del plan
        return dict(SUCCESS)


class UnknownPath(UnknownPathView):
    """Answers every other address under `/v1`."""

    fault_body = staticmethod(fault_body)
