"""manage.py revert_operation."""

from io import StringIO
from uuid import uuid4

import pytest
from django.core.management import CommandError, call_command

from audit.models import Channel, Operation
from tasks.batch import pipeline
from tasks.batch.pipeline import Batch
from tasks.changes import UpdateSettings
from tasks.models import Task
from tests.conftest import ORIGIN, Governed


MAIN = UpdateSettings(patch={"repository": {"branch": "main"}})
RELEASE = UpdateSettings(patch={"repository": {"branch": "release"}})


def change(governed: Governed, uids: list[str], how: UpdateSettings = MAIN) -> Operation:
    batch = Batch(change=how, uids=uids, origin=ORIGIN)
    return pipeline.apply(actor=governed.developer, batch=batch).operation


def revert(operation: object, *options: str, actor: str = "payments-developer") -> str:
    said = StringIO()
    call_command("revert_operation", str(operation), "--actor", actor, *options, stdout=said)
    return said.getvalue()


def branches(uids: list[str]) -> list[str]:
    tasks = Task.objects.filter(uid__in=uids).order_by("pk")
    return [task.settings["repository"]["branch"] for task in tasks]


def test_it_undoes_and_says_what_it_did(governed: Governed) -> None:
    uids = governed.add_tasks(2)
    operation = change(governed, uids)
    said = revert(operation.pk, "--reason", "wrong branch")
    undo = operation.reverted_by.get()
    assert said.splitlines() == [
        *(f"{uid}: changed /repository/branch" for uid in uids),
        "2 tasks: 2 change",
        f"Recorded as operation {undo.pk}.",
    ]
    assert (undo.actor, undo.channel) == (governed.developer, Channel.COMMAND)
    assert undo.reason == "wrong branch"
    assert branches(uids) == ["develop", "develop"]


def test_a_dry_run_only_says_what_would_happen(governed: Governed) -> None:
    uids = governed.add_tasks(1)
    said = revert(change(governed, uids).pk, "--dry-run")
    assert f"{uids[0]}: would change /repository/branch" in said
    assert "nothing was changed" in said
    assert branches(uids) == ["main"]


@pytest.mark.parametrize("options", [[], ["--dry-run"]])
def test_what_changed_since_is_named_and_stops_it(governed: Governed, options: list[str]) -> None:
    uids = governed.add_tasks(2)
    operation = change(governed, uids)
    change(governed, uids[:1], RELEASE)
    with pytest.raises(CommandError, match="1 of 2 tasks cannot be changed"):
        revert(operation.pk, *options)
    assert branches(uids) == ["release", "main"]


def test_what_changed_since_can_be_left_alone(governed: Governed) -> None:
    uids = governed.add_tasks(2)
    operation = change(governed, uids)
    change(governed, uids[:1], RELEASE)
    assert "2 tasks: 1 change, 1 unchanged" in revert(operation.pk, "--skip-conflicts")
    assert branches(uids) == ["release", "develop"]


def test_it_acts_on_the_actors_authority(governed: Governed) -> None:
    operation = change(governed, governed.add_tasks(1))
    with pytest.raises(CommandError, match="no such operation"):
        revert(operation.pk, actor="payments-manager")
    with pytest.raises(CommandError, match="There is no user nobody"):
        revert(operation.pk, actor="nobody")
    with pytest.raises(CommandError, match="no such operation"):
        revert(uuid4(), actor="payments-admin")
    assert "1 tasks: 1 change" in revert(operation.pk, actor="payments-admin")
