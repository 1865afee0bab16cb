"""What an interface says when other writers were faster, again and again."""

from unittest.mock import patch

from tasks.batch import pipeline
from tasks.batch.errors import Overtaken
from tests.conftest import Governed
from tests.tasks.api.caller import SETTINGS_TASKS, caller_of, update


def test_who_is_overtaken_may_send_the_same_again(governed: Governed) -> None:
    caller, body = caller_of(governed.developer), update(governed.add_tasks(1))
    with patch.object(pipeline, "again_if_overtaken", side_effect=Overtaken):
        answer = caller.post(SETTINGS_TASKS, body, Idempotency_Key="once")
    assert (answer.status_code, answer["Retry-After"]) == (409, "1")
    assert [error["code"] for error in answer.json()["errors"]] == ["overtaken"]
    assert caller.post(SETTINGS_TASKS, body, Idempotency_Key="once").status_code == 200
