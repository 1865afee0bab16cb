"""A good request to POST /v1/job/permissions/batch at a bad moment: drift, a used key, a failure."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from threading import Event

import pytest
from django.db import OperationalError, connection, transaction
from django.test import Client
from pytest_django.fixtures import Settings

from tasks.api.idempotency import Answer, KeyReceipt
from tasks.batch import pipeline
from tasks.batch.pipeline import Applied
from tests.conftest import Governed, build_governed
from tests.permissions.api.refusals import GOOD, nothing_changes, refused
from tests.permissions.api.vendor_example import BATCH
from tests.permissions.governance import (
    VIEWER,
    change,
)
from tests.tasks.api.caller import Caller, caller_of
from tests.tokens import issue


def test_a_fingerprint_out_of_date_is_412_and_names_what_drifted(governed: Governed) -> None:
    uids, caller = governed.add_tasks(2), caller_of(governed.manager)
    body = {"job_ids": uids, "permissions": GOOD}
    etag = caller.post(f"{BATCH}?dry_run=true", body)["ETag"]
    change(governed.manager, uids[:1], flags={VIEWER: {"is_copy": True}})
    status, code, message = refused(caller, body, If_Match=etag)
    assert (status, code) == (412, "CB.00060412")
    assert uids[0] in message
    assert uids[1] not in message


def test_a_key_that_was_used_for_another_body_is_422(governed: Governed) -> None:
    uids, caller = governed.add_tasks(1), caller_of(governed.manager)
    caller.post(BATCH, {"job_ids": uids, "permissions": GOOD}, Idempotency_Key="k")
    body = {"job_ids": uids, "project_switch": True}
    assert refused(caller, body, Idempotency_Key="k")[:2] == (422, "CB.00060422")


@pytest.mark.django_db(transaction=True)
def test_a_key_whose_request_is_still_running_is_409() -> None:
    governed = build_governed()
    issued, held, done = issue(governed.manager), Event(), Event()
    receipt = KeyReceipt(token_id=issued.token.pk, key="k", digest="", answer_of=_no_answer)

    def run_with_the_key() -> None:
        with transaction.atomic():
            receipt.claim()
            held.set()
            done.wait(timeout=30)
        connection.close()

    caller = Caller(issued.secret, Client(raise_request_exception=False))
    body = {"job_ids": governed.add_tasks(1), "permissions": GOOD}
    with ThreadPoolExecutor(max_workers=1) as pool:
        running = pool.submit(run_with_the_key)
        assert held.wait(timeout=30)
        answer = refused(caller, body, Idempotency_Key="k")
        done.set()
        running.result()
    assert answer[:2] == (409, "CB.00060409")


def _no_answer(_: Applied) -> Answer:
    raise AssertionError


def test_too_many_requests_are_429_and_say_when_to_come_back(
    governed: Governed, settings: Settings
) -> None:
    settings.BULKHEAD_RATE = (1, timedelta(minutes=1))
    caller = caller_of(governed.manager)
    body = {"job_ids": governed.add_tasks(1), "permissions": GOOD}
    assert caller.post(BATCH, body).status_code == 200
    with nothing_changes():
        response = caller.post(BATCH, body)
    assert response.status_code == 429
    assert 1 <= int(response["Retry-After"]) <= 60
    assert response.json()["error_code"] == "CB.00060211"


@pytest.mark.parametrize(
    ("error", "status", "code"),
    [
        (RuntimeError("the password is tulip"), 500, "CB.00060101"),
        (OperationalError("server closed the connection"), 503, "CB.00060100"),
    ],
)
def test_what_fails_inside_is_said_without_its_reason(
    governed: Governed,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    error: Exception,
    status: int,
    code: str,
) -> None:
    def fail(**_: object) -> None:
        raise error

    monkeypatch.setattr(pipeline, "apply", fail)
    body = {"job_ids": governed.add_tasks(1), "permissions": GOOD}
    answer = refused(caller_of(governed.manager), body)
    assert answer[:2] == (status, code)
    assert str(error) not in answer[2]
