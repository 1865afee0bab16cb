"""What the filters of the list of operations leave."""

import json
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

import pytest
from django.urls import reverse

from audit.context import Origin
from audit.models import Channel, Operation
from audit.noted import note_event
from audit.recorder import administrative_operation
from tasks.changes import SetEnabled, UpdateSettings
from tests.batches import apply
from tests.conftest import ORIGIN, Governed, build_governed
from tests.permissions.governance import change, set_in_project
from tests.visitors import auditor, page, text_of, visit


@pytest.fixture
def uids(governed: Governed) -> list[str]:
    """Two tasks to which one thing of each kind has happened."""
    uids = sorted(governed.add_tasks(2))
    patch = {"repository": {"branch": "main"}}
    apply(governed.developer, UpdateSettings(patch=patch), uids)
    apply(governed.manager, SetEnabled(enabled=False, reason="frozen for audit"), uids[:1])
    change(governed.manager, uids[1:], flags={4: {"is_execute": False}, 8: {"is_copy": True}})
    set_in_project(governed, 4, is_execute=False)
    return uids


def listed(client: Any, **query: str) -> list[str]:
    response = client.get(page("audit_operation_changelist"), query)
    kinds = [operation.kind for operation in response.context["cl"].result_list]
    return [kind for kind in kinds if kind not in {"outside_the_application", "add_project"}]


ALL = ["edit_matrix", "set_permissions", "set_enabled", "update_settings", "add_tasks"]


@pytest.mark.parametrize(
    ("query", "left"),
    [
        ({"project": "payments"}, ALL),
        ({"project": "nothing"}, []),
        ({"role": "Developer", "flag": "is_execute"}, ["edit_matrix", "set_permissions"]),
        ({"role": "8", "flag": "is_execute"}, []),
        ({"role": "8"}, ["set_permissions"]),
        ({"flag": "is_copy"}, ["set_permissions"]),
        ({"settings_key": "repository.branch"}, ["update_settings"]),
        ({"settings_key": "/repository"}, ["update_settings"]),
        ({"settings_key": "/repository/url"}, []),
        ({"actor": "payments-developer"}, ["update_settings"]),
        ({"by": "people"}, []),
        ({"by": "automation", "kind": "set_enabled"}, ["set_enabled"]),
        ({"channel__exact": "worker"}, []),
        ({"q": "payments man"}, ["set_permissions", "set_enabled"]),
        ({"q": "payments-dev"}, ["update_settings"]),
        ({"role": "\0"}, []),
        ({"by": "nobody"}, []),
        ({"q": "\N{SNOWMAN}"}, []),
    ],
)
def test_each_filter_leaves_what_it_names(
    uids: list[str], query: dict[str, str], left: list[str]
) -> None:
    assert listed(visit(auditor()), **query) == left


def test_a_task_s_operations_are_those_that_changed_it(uids: list[str], governed: Governed) -> None:
    found = ["set_enabled", "update_settings", "add_tasks"]
    assert listed(visit(auditor()), task=uids[0]) == found
    assert listed(visit(governed.developer), task=uids[0]) == ["update_settings"]
    assert listed(visit(governed.outsider), task=uids[0]) == []
    assert listed(visit(auditor()), task=f"task {uids[0]}") == found
    assert listed(visit(governed.outsider), task=f"task {uids[0]}") == []
    assert listed(visit(auditor()), task="task") == []


def test_a_period_ends_with_the_last_moment_of_its_last_second(uids: list[str]) -> None:
    at = Operation.objects.get(kind="update_settings").created_at
    client = visit(auditor())
    for end, left in ((at, ["update_settings"]), (at - timedelta(seconds=1), [])):
        until = {"created_at_to_0": f"{end:%Y-%m-%d}", "created_at_to_1": f"{end:%H:%M:%S}"}
        assert listed(client, kind="update_settings", **until) == left
    assert "time (UTC)" in text_of(client.get(page("audit_operation_changelist")))


def test_a_list_says_what_it_was_asked_for(uids: list[str], governed: Governed) -> None:
    asked = {"state__exact": "applied", "role": "4", "flag": "is_execute", "q": "payments"}
    day = {"created_at_from_0": "2026-10-01", "created_at_to_0": "2026-10-31"}
    address = page("audit_operation_changelist")
    client = visit(auditor())
    assert client.get(address, {**asked, **day}).context["asked_for"] == [
        ("search", "payments"),
        ("state", "applied"),
        ("time", "from 2026-10-01 to 2026-10-31 UTC"),
        ("role", "4"),
        ("flag", "Execute"),
    ]
    assert "Only <span" not in text_of(client.get(address))
    # A date alone means all of that day, and is no mistake.
    shown = text_of(client.get(address, day))
    assert "Enter a valid time" not in shown
    assert 'value="23:59:59"' in shown
    by_kind = client.get(address, {"kind": "update_settings", "by": "automation"})
    told = [value for _, value in by_kind.context["asked_for"]]
    assert told == ["Change settings", "Programs: tokens and the command line"]


def test_a_search_finds_tasks_by_their_id_and_addresses(
    uids: list[str], governed: Governed
) -> None:
    of_task = ["set_enabled", "update_settings", "add_tasks"]
    assert listed(visit(auditor()), q=uids[0].upper()) == of_task
    assert listed(visit(governed.outsider), q=uids[0]) == []
    origin = Origin(channel=Channel.API, address="2001:db8::7")
    note_event(actor=governed.viewer, kind="sign_in", origin=origin, parameters={})
    for written in ("2001:DB8:0::7", "2001:db8::7%eth0"):
        assert listed(visit(auditor()), q=written) == ["sign_in"]
    assert listed(visit(auditor()), q="192.0.2.1") == []


def test_a_project_that_a_visitor_may_not_see_is_as_one_that_is_not_there(
    uids: list[str],
) -> None:
    other = build_governed("treasury")
    apply(other.admin, SetEnabled(enabled=False, reason="all"), [*uids[1:], *other.add_tasks(1)])
    assert listed(visit(other.developer), project="payments") == []


def test_a_former_name_finds_what_was_done_then(uids: list[str], governed: Governed) -> None:
    with administrative_operation(actor=governed.admin, kind="rename", origin=ORIGIN):
        role = governed.role(4)
        role.name, governed.project.name = "Engineer", "settlements"
        role.save()
        governed.project.save()
    client = visit(auditor())
    asked = {"flag": "is_execute", "kind": "edit_matrix"}
    for name in ("Developer", "Engineer", "developer"):
        assert listed(client, role=name, **asked) == ["edit_matrix"]
    for name in ("payments", "settlements"):
        assert listed(client, project=name, **asked) == ["edit_matrix"]


def test_times_say_their_zone(uids: list[str]) -> None:
    answer = visit(auditor()).get(page("audit_operation_changelist"))
    at = Operation.objects.latest("created_at").created_at
    assert f'<time datetime="{at.isoformat()}">' in answer.content.decode()
    assert f"{at:%H:%M} UTC" in text_of(answer)


def exported(query: Mapping[str, str | list[str]]) -> list[dict[str, Any]]:
    """Return the events that an auditor exports from the list."""
    answer = visit(auditor()).get(reverse("admin:audit_operation_export_jsonl"), query)
    *lines, _ = b"".join(answer.streaming_content).splitlines()  # type: ignore[attr-defined]
    return [json.loads(line) for line in lines]


def test_auditors_export_what_is_listed_with_a_manifest(uids: list[str]) -> None:
    client = visit(auditor())
    address = reverse("admin:audit_operation_export_jsonl")
    answer = client.get(address, {"kind": "update_settings"})
    *lines, last = b"".join(answer.streaming_content).splitlines()  # type: ignore[attr-defined]
    manifest = json.loads(last)["manifest"]
    assert manifest["rows"] == len(lines) == len(uids)
    assert manifest["asked"] == {"kind": "update_settings"}
    assert {json.loads(line)["task"] for line in lines} == set(uids)
    exported = Operation.objects.get(kind="export_trail")
    assert (exported.actor_name, str(exported.pk)) == ("auditor", manifest["export"])


@pytest.mark.parametrize(
    ("query", "part"),
    [
        ({"role": "Developer", "flag": "is_execute"}, "is_execute"),
        ({"flag": "is_copy", "role": "8"}, "/8/is_copy"),
        ({"settings_key": "repository.branch"}, "/repository/branch"),
        ({"project": "payments", "settings_key": "/repository"}, "/repository"),
    ],
)
def test_an_export_holds_of_the_listed_operations_what_the_filters_ask_for(
    uids: list[str], query: dict[str, str], part: str
) -> None:
    lines = exported(query)
    assert lines
    for line in lines:
        assert any(part in each["place"] for each in line["changes"]), line


def test_an_export_says_what_was_asked_for_whatever_that_was(uids: list[str]) -> None:
    exported({"actor": "a\0b", "q": "x"})
    exported({"actor": ["one", "two"]})
    begun = Operation.objects.filter(kind="export_trail").order_by("created_at")
    assert [each.parameters["asked"] for each in begun] == [
        {"actor": "a\N{REPLACEMENT CHARACTER}b", "q": "x"},
        {"actor": ["one", "two"]},
    ]


def test_nobody_else_exports(uids: list[str], governed: Governed) -> None:
    address = reverse("admin:audit_operation_export_csv")
    assert visit(governed.manager).get(address).status_code == 404
    assert "export as" not in text_of(
        visit(governed.manager).get(page("audit_operation_changelist"))
    )
