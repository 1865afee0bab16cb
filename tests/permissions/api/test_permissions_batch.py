"""POST /v1/job/permissions/batch: the vendor's own example, and what is added to the vendor's answer."""

from typing import Any

import pytest
from pytest_django import DjangoAssertNumQueries

from audit.models import Channel, Operation, State
from permissions.models import TaskPermission
from tests.conftest import Governed
from tests.permissions.api.vendor_example import (
    BATCH,
    EXAMPLE,
    JOBS,
    ROWS,
    SUCCESS,
    build_example,
    flags_of,
)
from tests.permissions.governance import VIEWER, governance_of
from tests.tasks.api.caller import caller_of


def raise_viewer(uids: list[str]) -> dict[str, Any]:
    return {"job_ids": uids, "permissions": [{"role_id": VIEWER, "is_execute": True}]}


def test_the_vendors_example_sets_every_role_of_both_tasks(governed: Governed) -> None:
    build_example(governed)
    response = caller_of(governed.admin).post(BATCH, EXAMPLE)
    assert (response.status_code, response.json()) == (200, SUCCESS)
    assert response["Content-Type"] == "application/json"
    for uid in JOBS:
        for row in ROWS:
            wanted = {name for name, value in flags_of(row).items() if value}
            governance = governance_of(uid, role=row.role_id)
            assert (row.role_id, governance.held) == (row.role_id, wanted)
            assert governance.matrix == "own"


def test_the_example_repeated_changes_nothing_more(governed: Governed) -> None:
    build_example(governed)
    caller = caller_of(governed.admin)
    caller.post(BATCH, EXAMPLE)
    rows = TaskPermission.history.count()
    assert caller.post(BATCH, EXAMPLE).json() == SUCCESS
    assert TaskPermission.history.count() == rows
    latest = Operation.objects.filter(kind="set_permissions").latest("created_at")
    assert (latest.changed, latest.unchanged) == (0, 2)


def test_an_operation_says_who_when_and_through_what(governed: Governed) -> None:
    uids = governed.add_tasks(2)
    caller = caller_of(governed.manager)
    response = caller.post(BATCH, raise_viewer(uids), **{"X-Request-Id": "build-42"})
    operation = Operation.objects.get(kind="set_permissions")
    assert response["X-Request-Id"] == operation.request_id == "build-42"
    assert response["Location"] == f"/api/v2/operations/{operation.pk}"
    assert (operation.actor, operation.channel) == (governed.manager, Channel.API)
    assert (operation.token_name, operation.state) == ("robot", State.APPLIED)
    assert operation.parameters["flags"] == {str(VIEWER): {"is_execute": True}}
    assert TaskPermission.history.filter(operation=operation).count() == 2


def test_a_dry_run_adds_the_plan_and_changes_nothing(governed: Governed) -> None:
    uids = governed.add_tasks(1)
    response = caller_of(governed.manager).post(f"{BATCH}?dry_run=true", raise_viewer(uids))
    answer = response.json()
    plan = answer.pop("plan")
    assert (response.status_code, answer) == (200, SUCCESS)
    assert response["ETag"] == f'"{plan["fingerprint"]}"'
    (target,) = plan["targets"]
    assert target["outcome"] == "change"
    assert {
        "place": f"/roles/{VIEWER}/is_execute",
        "before": False,
        "after": True,
    } in target["changes"]
    assert governance_of(uids[0]).matrix == "project"


def test_a_bound_plan_is_applied_while_nothing_has_drifted(governed: Governed) -> None:
    uids, caller = governed.add_tasks(1), caller_of(governed.manager)
    body = raise_viewer(uids)
    etag = caller.post(f"{BATCH}?dry_run=true", body)["ETag"]
    assert caller.post(BATCH, body, **{"If-Match": etag}).json() == SUCCESS
    refused = caller.post(BATCH, body, **{"If-Match": etag})
    assert refused.status_code == 412
    assert refused.json()["error_code"] == "CB.00060412"
    assert uids[0] in refused.json()["error_msg"]


def test_a_key_makes_a_request_count_once(governed: Governed) -> None:
    uids, caller = governed.add_tasks(1), caller_of(governed.manager)
    key = {"Idempotency-Key": "once"}
    first = caller.post(BATCH, raise_viewer(uids), **key)
    again = caller.post(BATCH, raise_viewer(uids), **key)
    assert (again.status_code, again.content) == (200, first.content)
    assert again["Location"] == first["Location"]
    assert again["Idempotency-Replayed"] == "true"
    assert Operation.objects.filter(kind="set_permissions").count() == 1


def test_a_caller_that_will_not_wait_gets_the_vendors_answer_and_the_operation(
    governed: Governed,
) -> None:
    uids, caller = governed.add_tasks(1), caller_of(governed.manager)
    response = caller.post(BATCH, raise_viewer(uids), Prefer="respond-async")
    operation = Operation.objects.get(kind="set_permissions")
    assert response.status_code == 202
    assert response.json() == {**SUCCESS, "operation": str(operation.pk)}
    assert operation.state == State.QUEUED
    assert governance_of(uids[0]).matrix == "project"


@pytest.mark.parametrize("count", [1, 50])
def test_the_number_of_statements_does_not_depend_on_the_number_of_tasks(
    governed: Governed, django_assert_num_queries: DjangoAssertNumQueries, count: int
) -> None:
    uids, caller = governed.add_tasks(count), caller_of(governed.manager)
    caller.post(f"{BATCH}?dry_run=true", raise_viewer(uids))
    # Token, rate, transaction (2), targets, account, rights, roles, matrices, adding the new one,
    # finding it, naming the operation (and no more), the tasks with their history, the operation.
    with django_assert_num_queries(15):
        caller.post(BATCH, raise_viewer(uids))
