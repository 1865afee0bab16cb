"""What is refused by POST /v1/job/permissions/batch changes nothing and has the vendor's shape."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from audit.models import Operation
from permissions.models import PermissionMatrix, TaskPermission
from tests.permissions.api.vendor_example import BATCH
from tests.permissions.governance import (
    VIEWER,
)
from tests.tasks.api.caller import Caller


INVALID, BAD_ID, DENIED = "CB.00060200", "CB.00060201", "CB.00060403"


GOOD = [{"role_id": VIEWER, "is_execute": True}]


@contextmanager
def nothing_changes() -> Iterator[None]:
    """See that no permission, no history and no applied operation comes of what is done inside."""

    def everything() -> list[Any]:
        return [
            list(TaskPermission.objects.order_by("pk").values()),
            PermissionMatrix.objects.count(),
            TaskPermission.history.count(),
            Operation.objects.exclude(kind__contains="token").exclude(state="refused").count(),
        ]

    before = everything()
    yield
    assert everything() == before


def refused(
    caller: Caller, body: Any, *, path: str = BATCH, **headers: str
) -> tuple[int, str, str]:
    """Return status, code and message of a refusal that changed nothing and has the one shape."""
    with nothing_changes():
        response = caller.post(path, body, **{"X-Request-Id": "req-7", **headers})
    assert response["Content-Type"] == "application/json"
    assert response["X-Request-Id"] == "req-7"
    answer = response.json()
    assert answer.keys() == {"error_code", "error_msg"}
    return response.status_code, answer["error_code"], answer["error_msg"]
