"""One effect per key: replays, other requests under the same key, and two at once."""

import json
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import pytest
from django.db import connection, transaction

from audit.models import Operation
from tasks.models import StoredAnswer, Task
from tests.conftest import Governed
from tests.tasks.api.caller import SETTINGS_TASKS, Answered, Caller, caller_of, update


def operations() -> int:
    return Operation.objects.filter(kind="update_settings").count()


@pytest.mark.parametrize("terms", [{}, {"Prefer": "respond-async"}])
def test_a_repeated_request_gets_the_first_answer_again_and_has_no_effect(
    governed: Governed, terms: dict[str, str]
) -> None:
    caller = caller_of(governed.developer)
    body = update(governed.add_tasks(2))
    first = caller.post(SETTINGS_TASKS, body, Idempotency_Key="k", **terms)
    again = caller.post(SETTINGS_TASKS, body, Idempotency_Key="k", X_Request_Id="second", **terms)
    assert "Idempotency-Replayed" not in first
    assert again["Idempotency-Replayed"] == "true"
    assert (again.status_code, again.content) == (first.status_code, first.content)
    assert again["Location"] == first["Location"]
    assert again["X-Request-Id"] == "second"
    assert operations() == 1


@pytest.mark.parametrize("what", ["body", "query", "path"])
def test_a_key_that_was_used_for_another_request_is_refused(governed: Governed, what: str) -> None:
    caller = caller_of(governed.developer)
    uids = governed.add_tasks(1)
    first = caller.post(SETTINGS_TASKS, update(uids), Idempotency_Key="k")
    path, body = {
        "body": (SETTINGS_TASKS, update(uids, {"notifications": None})),
        "query": (f"{SETTINGS_TASKS}?dry_run=false", update(uids)),
        "path": (f"{first['Location']}/revert", {}),
    }[what]
    refused = caller.post(path, body, Idempotency_Key="k")
    assert refused.status_code == 422
    assert refused.json()["errors"][0]["code"] == "key_reused"
    assert operations() == 1


def test_a_key_belongs_to_its_token(governed: Governed) -> None:
    uids = governed.add_tasks(1)
    for name in ("one", "other"):
        caller = caller_of(governed.developer, name=name)
        response = caller.post(SETTINGS_TASKS, update(uids), Idempotency_Key="k")
        assert "Idempotency-Replayed" not in response
    assert operations() == 2


def test_a_dry_run_uses_no_key(governed: Governed) -> None:
    caller = caller_of(governed.developer)
    body = update(governed.add_tasks(1))
    caller.post(f"{SETTINGS_TASKS}?dry_run=true", body, Idempotency_Key="k")
    assert "Idempotency-Replayed" not in caller.post(SETTINGS_TASKS, body, Idempotency_Key="k")
    assert operations() == 1


def test_an_answer_is_stored_only_with_its_operation(
    governed: Governed, monkeypatch: pytest.MonkeyPatch
) -> None:
    caller = caller_of(governed.developer)
    body = update(governed.add_tasks(1))

    def crash(*_: object, **__: object) -> None:
        raise RuntimeError("the server dies here")

    with monkeypatch.context() as patched:
        patched.setattr(StoredAnswer.objects, "create", crash)
        assert caller.post(SETTINGS_TASKS, body, Idempotency_Key="k").status_code == 500
    assert operations() == 0
    retried = caller.post(SETTINGS_TASKS, body, Idempotency_Key="k")
    assert (retried.status_code, operations()) == (200, 1)
    assert "Idempotency-Replayed" not in retried


def post_and_close(caller: Caller, body: bytes) -> Answered:
    try:
        return caller.post(SETTINGS_TASKS, body, Idempotency_Key="k")
    finally:
        connection.close()


def test_a_key_whose_request_is_still_running_is_refused_until_it_is_done(
    committed: Governed,
) -> None:
    uids = committed.add_tasks(1)
    caller, body = caller_of(committed.developer), json.dumps(update(uids)).encode()
    with ThreadPoolExecutor(2) as pool:
        with transaction.atomic():
            Task.objects.select_for_update().get(uid=uids[0])
            first = pool.submit(post_and_close, caller, body)
            wait_for_a_waiting_lock()
            meanwhile = pool.submit(post_and_close, caller, body).result()
        assert first.result().status_code == 200
    assert (meanwhile.status_code, meanwhile["Retry-After"]) == (409, "1")
    assert meanwhile.json()["errors"][0]["code"] == "key_in_use"
    assert caller.post(SETTINGS_TASKS, body, Idempotency_Key="k").content == first.result().content
    assert operations() == 1


def wait_for_a_waiting_lock() -> None:
    with connection.cursor() as cursor:
        while True:
            cursor.execute("SELECT count(*) FROM pg_locks WHERE NOT granted")
            if cursor.fetchone() != (0,):
                return


def test_many_at_once_with_one_key_have_one_effect(committed: Governed) -> None:
    caller = caller_of(committed.developer)
    body = json.dumps(update(committed.add_tasks(50))).encode()
    together = Barrier(8)

    def post() -> Answered:
        together.wait()
        return post_and_close(caller, body)

    with ThreadPoolExecutor(8) as pool:
        answers = [future.result() for future in [pool.submit(post) for _ in range(8)]]
    assert {answer.status_code for answer in answers} <= {200, 409}
    done = [answer for answer in answers if answer.status_code == 200]
    assert sum("Idempotency-Replayed" not in answer for answer in done) == 1
    assert len({answer["Location"] for answer in done}) == 1
    assert operations() == 1
