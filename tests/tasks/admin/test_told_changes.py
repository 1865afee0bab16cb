"""What was done to the tasks that somebody may view, told on a page of the admin."""

from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from permissions.changes import SetPermissions
from tasks.changes import SetEnabled, UpdateSettings
from tests.batches import apply
from tests.conftest import Governed, build_governed
from tests.visitors import auditor, page, text_of, visit


def told(client: Any, **query: str) -> list[tuple[str, str]]:
    response = client.get(page("tasks_task_changes"), query)
    return [(change.operation.kind, change.what) for change in response.context["changes"]]


@pytest.fixture
def uids(governed: Governed) -> list[str]:
    """Two tasks, one of which the manager stopped, and a task of others that was stopped with it."""
    uids = sorted(governed.add_tasks(2))
    other = build_governed("treasury")
    patch = {"repository": {"token": "hunter2hunter2", "branch": "main"}}
    apply(governed.manager, UpdateSettings(patch=patch), uids[:1])
    apply(other.admin, SetEnabled(enabled=False, reason="all"), [*uids, *other.add_tasks(1)])
    return uids


def test_a_member_is_told_what_others_did_to_their_tasks_and_to_no_others(
    governed: Governed, uids: list[str]
) -> None:
    client = visit(governed.viewer)
    found = told(client)
    assert found[:3] == [
        ("set_enabled", f"task task {uids[0]}"),
        ("set_enabled", f"task task {uids[1]}"),
        ("update_settings", f"task task {uids[0]}"),
    ]
    assert {what.rpartition(" ")[2] for _, what in found} == set(uids)
    shown = text_of(client.get(page("tasks_task_changes")))
    assert "secret, set" in shown
    assert "hunter2" not in shown
    assert page("audit_operation_changelist") + "0" not in shown, "a link to what others did"
    assert "treasury-admin" in shown
    assert told(visit(governed.outsider)) == []


def test_changes_are_told_in_words_and_lead_to_the_history_of_the_task(
    governed: Governed, uids: list[str]
) -> None:
    own = SetPermissions(flags={8: {"is_execute": True}})
    apply(governed.manager, own, uids[:1])
    client = visit(governed.viewer)
    permissions, stopped, *_, settings, _, _ = client.get(page("tasks_task_changes")).context[
        "changes"
    ][:6]
    assert permissions.what == f"permissions of task task {uids[0]}"
    assert permissions.differences == [
        ("follows project", "yes", "no"),
        ("Viewer (8) · execute", "no", "yes"),
    ]
    assert stopped.differences[1] == ("disabled reason", "–", "all")
    assert ("/repository/branch", "develop", "main") in settings.differences
    assert client.get(permissions.history).context["title"] == f"History: task task {uids[0]}"


def test_pages_together_tell_everything_once(
    governed: Governed, uids: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    client = visit(auditor())
    everything = told(client)
    monkeypatch.setattr("tasks.admin.told_changes._PER_PAGE", 3)
    found: list[tuple[str, str]] = []
    after: str | None = ""
    while after is not None:
        response = client.get(page("tasks_task_changes"), {"after": after})
        found += [(change.operation.kind, change.what) for change in response.context["changes"]]
        after = response.context["older"]
    assert found[: len(everything)] == everything


@pytest.mark.parametrize("after", ["x", "2026-01-01_x_task_1", "2026-01-01T00:00:00_1_task_\0"])
def test_an_address_that_names_no_place_shows_the_newest(governed: Governed, after: str) -> None:
    client = visit(governed.manager)
    governed.add_tasks(1)
    assert told(client, after=after) == told(client) != []


def test_the_price_of_a_page_does_not_grow_with_the_tasks_and_operations_on_it(
    governed: Governed, uids: list[str]
) -> None:
    client = visit(governed.developer)
    told(client)
    prices = []
    for _ in range(2):
        with CaptureQueriesContext(connection) as queries:
            told(client)
        prices.append(len(queries))
        many = governed.add_tasks(30)
        for branch in ("one", "two"):
            apply(governed.manager, UpdateSettings(patch={"repository": {"branch": branch}}), many)
        apply(governed.manager, SetEnabled(enabled=False, reason="all"), many[:3])
    assert prices[1] <= prices[0]
