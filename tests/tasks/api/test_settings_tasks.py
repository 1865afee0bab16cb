"""POST /api/v2/settings/tasks: Opsera's own example, and what the answers hold."""

import json

from audit.recorder import administrative_operation
from tasks.models import Task
from tests.conftest import ORIGIN, Governed, insert_tasks
from tests.tasks.api.caller import SETTINGS_TASKS, caller_of


EXAMPLE = b"""{
  "target": [
    "64d7c869b5760b001e46c1a2",
    "64d7c869b5760b001e46c1a3"
  ],
  "settings": {
    "repository": {
      "url": "https://github.com/example/repo",
      "branch": "main"
    },
    "notifications": {
      "enabled": true
    }
  }
}"""


def add_tasks_of_the_example(governed: Governed) -> list[str]:
    uids = json.loads(EXAMPLE)["target"]
    with administrative_operation(actor=governed.admin, kind="add_tasks", origin=ORIGIN) as adding:
        insert_tasks(
            operation=adding,
            project=governed.project,
            task_type=governed.task_type,
            creator=governed.admin,
            uids=uids,
        )
    return list(uids)


def test_the_vendors_example_changes_both_tasks(governed: Governed) -> None:
    uids = add_tasks_of_the_example(governed)
    response = caller_of(governed.developer).post(SETTINGS_TASKS, EXAMPLE)
    assert response.status_code == 200
    assert response["Content-Type"] == "application/json"
    places = "/repository/url, /repository/branch, /notifications/enabled"
    assert response.json() == {
        "status": "success",
        "message": "The update operation has been completed.",
        "log": [f"Task {uid}: changed {places}" for uid in uids],
    }
    for task in Task.objects.filter(uid__in=uids):
        assert task.settings == json.loads(EXAMPLE)["settings"]
