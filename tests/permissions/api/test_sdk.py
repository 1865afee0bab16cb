"""The vendor's own Python SDK, unmodified, as a client over real HTTP."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from typing import Any

import pytest
from django.db import OperationalError
from pytest_django.fixtures import Settings
from pytest_django.live_server_helper import LiveServer

from audit.models import Operation
from permissions.models import TaskPermission
from tasks.batch import pipeline
from tests.conftest import Governed, build_governed
from tests.permissions.api.vendor_example import (
    EXAMPLE,
    JOBS,
    PROJECT,
    ROWS,
    build_example,
    flags_of,
)
from tests.permissions.api.vendor_sdk import (
    BasicCredentials,
    BatchUpdateJobRolePermissionRequest,
    ClientRequestException,
    CodeArtsBuildClient,
    HttpConfig,
    JobRolePermission,
    ListJobRequest,
    RolePermissionsRequestBody,
    ServerResponseException,
    ServiceResponseException,
    ShowJobListByProjectIdRequest,
)
from tests.permissions.governance import ADMINISTRATOR, DEVELOPER, VIEWER, governance_of, member_of
from tests.tokens import issue


pytestmark = pytest.mark.django_db(transaction=True)


@dataclass(frozen=True)
class Sdk:
    """The vendor's client, pointed here, with a token of the administrator's."""

    client: Any
    token: str
    example: Governed

    def send(self, body: Any, **headers: str) -> Any:
        """Send the body as the token's bearer, or with other headers."""
        request = BatchUpdateJobRolePermissionRequest(body=body)
        invoker = self.client.batch_update_job_role_permission_invoker(request)
        for name, value in (headers or {"Authorization": f"Bearer {self.token}"}).items():
            invoker = invoker.add_header(name.replace("_", "-"), value)
        return invoker.invoke()


@pytest.fixture
def sdk(live_server: LiveServer, monkeypatch: pytest.MonkeyPatch) -> Sdk:
    # The SDK believes what the environment says of proxies.
    monkeypatch.setenv("NO_PROXY", "localhost,127.0.0.1")
    example = build_example(build_governed())
    client = (
        CodeArtsBuildClient.new_builder()
        .with_credentials(BasicCredentials("LOCALAK", "localsk", PROJECT))
        .with_http_config(HttpConfig.get_default_config())
        .with_endpoint(live_server.url)
        .build()
    )
    return Sdk(client, issue(example.admin).secret, example)


def body_of(**sent: Any) -> Any:
    """Return the SDK's own objects; what is not given, it does not send."""
    entries = sent.pop("permissions", None)
    return RolePermissionsRequestBody(
        permissions=None if entries is None else [JobRolePermission(**entry) for entry in entries],
        **sent,
    )


def rows(**entry: Any) -> Any:
    return body_of(job_ids=JOBS, permissions=[{"role_id": VIEWER, **entry}])


def assert_success(response: Any) -> None:
    told = (response.status_code, response.status, response.error, response.result)
    assert told == (200, "success", None, None)


def test_the_complete_example_of_the_documentation(sdk: Sdk) -> None:
    assert_success(sdk.send(body_of(**EXAMPLE)))
    for uid in JOBS:
        held = {row.role_id: governance_of(uid, role=row.role_id).held for row in ROWS}
        wanted = {
            row.role_id: {name for name, value in flags_of(row).items() if value} for row in ROWS
        }
        assert held == wanted
    operation = Operation.objects.get(kind="set_permissions")
    assert operation.changed == 2
    assert operation.user_agent.startswith("huaweicloud-usdk-python/")


def test_the_switch_and_back(sdk: Sdk) -> None:
    sdk.send(rows(is_execute=True))
    assert_success(sdk.send(body_of(job_ids=JOBS, project_id=PROJECT, project_switch=True)))
    assert governance_of(JOBS[0]).held == {"is_view"}
    assert_success(sdk.send(body_of(job_ids=JOBS, project_switch=False)))
    assert governance_of(JOBS[0]).held == {"is_view", "is_execute"}


@pytest.mark.parametrize("role_id", [VIEWER, str(VIEWER)], ids=["int", "str"])
def test_a_role_id_may_be_a_number_or_text(sdk: Sdk, role_id: object) -> None:
    entry = {"role_id": role_id, "is_copy": True}
    assert_success(sdk.send(body_of(job_ids=JOBS, permissions=[entry])))
    assert governance_of(JOBS[1]).held == {"is_view", "is_copy"}


def test_a_token_for_the_whole_client(sdk: Sdk) -> None:
    sdk.client.preset_headers["Authorization"] = f"Bearer {sdk.token}"
    request = BatchUpdateJobRolePermissionRequest(body=rows(is_copy=True))
    assert_success(sdk.client.batch_update_job_role_permission(request))


def test_a_token_next_to_the_sdks_own_signature(sdk: Sdk) -> None:
    assert_success(sdk.send(rows(is_copy=True), X_Auth_Token=sdk.token))
    assert_success(sdk.send(rows(is_copy=False), X_AUTH_TOKEN=sdk.token))


def error_of(send: Callable[[], Any]) -> Any:
    """Return what the SDK raises, having seen that nothing has changed."""
    before = list(TaskPermission.objects.order_by("pk").values())
    with pytest.raises(ServiceResponseException) as raised:
        send()
    assert list(TaskPermission.objects.order_by("pk").values()) == before
    error = raised.value
    # The SDK knows an answer's id from its header, and the operation and the log have the same one.
    assert error.request_id
    return error


def assert_error(error: Any, status: int, code: str, says: str) -> None:
    kind = ClientRequestException if status < 500 else ServerResponseException
    assert type(error) is kind
    assert (error.status_code, error.error_code) == (status, code)
    assert says.lower() in error.error_msg.lower()


@pytest.mark.parametrize(
    ("body", "status", "code", "says"),
    [
        (None, 400, "CB.00060200", "body is empty"),
        (body_of(job_ids=JOBS), 400, "CB.00060200", "nothing to do"),
        (body_of(permissions=[]), 400, "CB.00060200", "/job_ids"),
        (rows(is_view="true"), 400, "CB.00060200", "/permissions/0/is_view"),
        (rows(role_id=True), 400, "CB.00060200", "/permissions/0/role_id"),
        (rows(role_id=999, is_view=True), 400, "CB.00060200", f"no role 999: {', '.join(JOBS)}"),
        (rows(is_view=True, devuc_role_id="x"), 400, "CB.00060200", "devuc_role_id x"),
        (
            *(body_of(job_ids=JOBS, project_id="f" * 32, project_switch=True), 400),
            *("CB.00060200", f"not in project {'f' * 32}: {', '.join(JOBS)}"),
        ),
        (body_of(job_ids=["x"], project_switch=True), 400, "CB.00060201", ": x"),
        (body_of(job_ids=["f" * 32], project_switch=True), 404, "CB.00060201", "f" * 32),
        (
            *(rows(role_id=ADMINISTRATOR, is_view=False), 403, "CB.00060403"),
            f"always holds every flag: {', '.join(JOBS)}",
        ),
    ],
    ids=[
        *("no body", "nothing to do", "no tasks", "flag as text", "role id true", "unknown role"),
        *("keys at odds", "another project", "no id", "unknown task", "locked role"),
    ],
)
def test_a_refusal_is_the_error_that_the_sdk_promises(
    sdk: Sdk, body: Any, status: int, code: str, says: str
) -> None:
    assert_error(error_of(lambda: sdk.send(body)), status, code, says)


def test_a_signature_of_the_sdk_alone_is_nobodys(sdk: Sdk) -> None:
    request = BatchUpdateJobRolePermissionRequest(body=rows(is_copy=True))
    error = error_of(lambda: sdk.client.batch_update_job_role_permission(request))
    assert_error(error, 401, "APIGW.0301", "send a token")


def test_a_wrong_token_is_refused_whatever_stands_next_to_it(sdk: Sdk) -> None:
    for headers in (
        {"Authorization": "Bearer bh_wrong"},
        {"X_Auth_Token": "bh_wrong"},
        {"X_Auth_Token": "bh_wrong", "Authorization": f"Bearer {sdk.token}"},
    ):
        error = error_of(partial(sdk.send, rows(is_copy=True), **headers))
        assert_error(error, 401, "APIGW.0301", "the token is unknown")


def test_a_token_without_the_scope_and_an_owner_without_the_right(sdk: Sdk) -> None:
    reader = issue(sdk.example.admin, name="reader", scopes=["tasks:read"]).secret
    error = error_of(lambda: sdk.send(rows(is_copy=True), Authorization=f"Bearer {reader}"))
    assert_error(error, 403, "CB.00060403", "lacks the scope permissions:write")
    developer = issue(member_of(sdk.example, DEVELOPER, "dev")).secret
    error = error_of(lambda: sdk.send(rows(is_copy=True), Authorization=f"Bearer {developer}"))
    assert_error(error, 403, "CB.00060403", f"no manage_task right on this task: {JOBS[0]}")


def test_too_many_requests(sdk: Sdk, settings: Settings) -> None:
    settings.BULKHEAD_RATE = (1, timedelta(minutes=1))
    assert_success(sdk.send(rows(is_copy=True)))
    assert_error(error_of(lambda: sdk.send(rows(is_copy=False))), 429, "CB.00060211", "throttled")


def test_a_plan_that_has_drifted_and_a_key_that_was_used(sdk: Sdk) -> None:
    bearer = {"Authorization": f"Bearer {sdk.token}"}
    error = error_of(lambda: sdk.send(rows(is_copy=True), If_Match='"0000"', **bearer))
    assert_error(error, 412, "CB.00060412", "fingerprint")
    assert_success(sdk.send(rows(is_copy=True), Idempotency_Key="k", **bearer))
    assert_success(sdk.send(rows(is_copy=True), Idempotency_Key="k", **bearer))
    error = error_of(lambda: sdk.send(rows(is_copy=False), Idempotency_Key="k", **bearer))
    assert_error(error, 422, "CB.00060422", "Idempotency-Key")


@pytest.mark.parametrize(
    ("failure", "status", "code"),
    [
        (RuntimeError("the password is tulip"), 500, "CB.00060101"),
        (OperationalError("server closed the connection"), 503, "CB.00060100"),
    ],
    ids=["a mistake", "the database"],
)
def test_what_fails_inside_is_a_server_error(
    sdk: Sdk, monkeypatch: pytest.MonkeyPatch, failure: Exception, status: int, code: str
) -> None:
    def fail(**_: object) -> None:
        raise failure

    monkeypatch.setattr(pipeline, "apply", fail)
    error = error_of(lambda: sdk.send(rows(is_copy=True)))
    assert_error(error, status, code, "")
    assert str(failure) not in error.error_msg


def test_what_is_not_answered_here_is_an_error_and_no_redirect(sdk: Sdk) -> None:
    for send in (
        partial(sdk.client.list_job, ListJobRequest()),
        partial(sdk.client.show_job_list_by_project_id, ShowJobListByProjectIdRequest(PROJECT)),
    ):
        assert_error(error_of(send), 404, "CB.00060214", "nothing at this address")


def test_the_callers_request_id_comes_back_with_an_error(sdk: Sdk) -> None:
    headers = {"Authorization": f"Bearer {sdk.token}", "X_Request_Id": "build-42"}
    error = error_of(lambda: sdk.send(body_of(job_ids=JOBS), **headers))
    assert error.request_id == "build-42"
