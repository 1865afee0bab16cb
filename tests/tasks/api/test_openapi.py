"""The OpenAPI document: kept in the repository, and true of every endpoint."""

from pathlib import Path
from typing import Any, NamedTuple

import pytest
import schemathesis
from django.conf import settings as configured
from django.core.management import call_command
from django.core.wsgi import get_wsgi_application
from django.test import Client
from hypothesis import HealthCheck, Phase, given, seed, settings
from pytest_django.fixtures import Settings
from schemathesis import GenerationMode
from schemathesis.config import PositiveDataAcceptanceConfig

from tasks.api.faults import FaultCode
from tasks.api.schema_views import openapi_document
from tasks.batch.plan import Reason
from tests.conftest import Governed
from tests.tasks.api.caller import SETTINGS_TASKS, caller_of, update
from tests.tokens import issue


DOCUMENT = Path("docs/reference/openapi.yaml")
OPERATIONS = {
    "update_task_settings",
    "update_task_permissions",
    "read_operation",
    "cancel_operation",
    "revert_operation",
    "list_operations",
    "list_changes",
    "list_events",
    "read_settings_then",
    "read_access",
}


def test_the_document_in_the_repository_is_the_present_one(tmp_path: Path) -> None:
    made = tmp_path / "openapi.yaml"
    call_command("spectacular", file=str(made), validate=True, fail_on_warn=True)
    stored = configured.BASE_DIR / DOCUMENT
    assert stored.read_text() == made.read_text(), f"run: manage.py spectacular --file {DOCUMENT}"


def test_the_document_describes_every_operation_of_the_interfaces() -> None:
    described = {
        operation["operationId"]
        for path in openapi_document()["paths"].values()
        for operation in path.values()
    }
    assert described == OPERATIONS


def test_every_code_of_an_error_is_in_the_reference() -> None:
    reference = (configured.BASE_DIR / "docs/reference/http-api-opsera.md").read_text()
    # Where targets are refused, each has its reason as code; these two are of the other endpoint.
    of_targets = {FaultCode.MISSING, FaultCode.DENIED, FaultCode.CONFLICT, FaultCode.INVALID}
    of_codearts = {Reason.OTHER_PROJECT, Reason.UNKNOWN_ROLE}
    codes = {*FaultCode, *Reason} - of_targets - of_codearts
    assert [code for code in sorted(codes) if f"`{code}`" not in reference] == []


@pytest.mark.parametrize(
    ("accept", "kind"),
    [
        ("*/*", "application/json"),
        ("application/json", "application/json"),
        ("application/yaml", "application/yaml"),
    ],
)
def test_the_document_is_served_to_everybody(db: None, accept: str, kind: str) -> None:
    answer = Client().get("/api/schema", headers={"Accept": accept})
    assert (answer.status_code, answer["Content-Type"].partition(";")[0]) == (200, kind)
    assert b"update_task_settings" in answer.content


def test_the_page_is_served_with_its_script_and_from_here_alone(db: None) -> None:
    page = Client().get("/api/docs").content.decode()
    assert "/static/drf_spectacular_sidecar/swagger-ui-dist/swagger-ui-bundle.js" in page
    assert "//" not in page.replace("<!DOCTYPE html>", "")
    script = Client().get("/api/docs?script=")
    assert script["Content-Type"].startswith("application/javascript")
    assert "/api/schema" in script.content.decode()


@pytest.mark.parametrize("mode", list(GenerationMode))
@pytest.mark.parametrize("operation_id", sorted(OPERATIONS))
def test_no_generated_request_is_answered_otherwise_than_described(
    committed: Governed, settings: Settings, operation_id: str, mode: GenerationMode
) -> None:
    settings.BULKHEAD_RATE = (1_000_000, settings.BULKHEAD_RATE[1])
    uids = committed.add_tasks(2)
    first = caller_of(committed.manager, name="first").post(SETTINGS_TASKS, update(uids))
    real = Real(uids=uids, operation_id=first["Location"].rpartition("/")[2])
    secret = issue(committed.manager).secret
    headers = {"Authorization": f"Bearer {secret}", "X-Auth-Token": secret}
    check_generated_requests(operation_id, mode, real, headers)


class Real(NamedTuple):
    """What is there, so that generated requests get further than to be told that nothing is."""

    uids: list[str]
    operation_id: str

    def put_into(self, case: Any) -> Any:
        if case.path_parameters:
            case.path_parameters["operation_id"] = self.operation_id
        if isinstance(case.body, dict):
            named = {"target": self.uids, "job_ids": self.uids}
            case.body |= {key: named[key] for key in named.keys() & case.body.keys()}
        return case


def check_generated_requests(
    operation_id: str, mode: GenerationMode, real: Real, headers: dict[str, str]
) -> None:
    schema = schemathesis.openapi.from_wsgi("/api/schema", get_wsgi_application())
    # Whether a batch that is well-formed can be applied depends on the tasks: 412 and 422; on their
    # project's roles, and on no role standing twice, which no schema can say: 400.
    # Nor which moments have come, and what a former answer said comes next.
    unsaid = "permissions" in operation_id or operation_id.startswith(("list_", "read_"))
    accepted = [200, 202, 404, 409, 412, 422, *([400] if unsaid else [])]
    schema.config.checks.positive_data_acceptance = PositiveDataAcceptanceConfig(
        expected_statuses=accepted
    )
    # Nor can a schema say that a text holds no U+0000.
    schema.config.generation.update(allow_x00=False)
    requests = schema.find_operation_by_id(operation_id).as_strategy(generation_mode=mode)
    if mode is GenerationMode.POSITIVE:
        requests |= requests.map(real.put_into)

    @seed(0)
    @settings(
        max_examples=40,
        deadline=None,
        database=None,
        phases=[Phase.explicit, Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(case=requests)
    def check(case: Any) -> None:
        case.call_and_validate(headers=headers)

    check()
