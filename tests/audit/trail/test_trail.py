"""What a filter leaves of the trail: of its operations, and of what these changed."""

from datetime import timedelta
from typing import Any

from audit.context import Origin
from audit.models import Channel
from audit.noted import note_event
from tasks.changes import SetEnabled
from tasks.models import Task
from tests.audit.happened import Happened, changes, kinds
from tests.audit.sealed import execute
from tests.batches import apply
from tests.conftest import Governed, build_governed


LAST = ["edit_matrix", "set_permissions", "set_enabled", "update_settings"]


def test_operations_are_found_newest_first(happened: Happened) -> None:
    assert kinds(happened.governed.admin)[:4] == LAST


def filters(happened: Happened) -> dict[str, tuple[dict[str, Any], list[str]]]:
    uid = happened.governed.project.uid
    at = happened.enabled.created_at
    return {
        "actor": ({"actor": "payments-developer"}, ["update_settings"]),
        "project": ({"project": uid}, [*LAST, "add_tasks", "add_project"]),
        "other project": ({"project": "0" * 32}, []),
        "role": ({"role": 8}, ["set_permissions", "add_project"]),
        "flag": ({"flag": "is_copy"}, ["set_permissions", "add_project"]),
        "flag of a role": ({"role": 4, "flag": "is_execute"}, [*LAST[:2], "add_project"]),
        "key": ({"settings_key": "/repository/branch"}, ["update_settings"]),
        "key above": ({"settings_key": "/repository"}, ["update_settings"]),
        "key inside what went": ({"settings_key": "/notifications/enabled"}, ["update_settings"]),
        "other key": ({"settings_key": "/repository/url"}, []),
        "kind": ({"kind": "set_enabled"}, ["set_enabled"]),
        "channel": ({"channel": Channel.API}, []),
        "state": ({"state": "refused"}, []),
        "since": ({"since": at}, LAST[:3]),
        "until": ({"until": at, "kind": "update_settings"}, ["update_settings"]),
        "until itself": ({"until": at, "kind": "set_enabled"}, []),
        "request": ({"request_id": "r-1"}, []),
        "words": ({"text": "payments dev"}, ["update_settings"]),
        "other words": ({"text": "evelop"}, []),
        "no words": ({"text": "\N{SNOWMAN} '&"}, []),
        "operation": ({"operation_id": happened.enabled.pk}, ["set_enabled"]),
        "several": ({"project": uid, "role": 4, "kind": "edit_matrix"}, ["edit_matrix"]),
    }


def test_each_filter_leaves_what_it_names(happened: Happened) -> None:
    found = {
        name: kinds(happened.governed.admin, **wanted)
        for name, (wanted, _) in filters(happened).items()
    }
    assert found == {name: expected for name, (_, expected) in filters(happened).items()}


def test_a_task_s_operations_are_those_that_changed_it(happened: Happened) -> None:
    keys = [Task.objects.get(uid=uid).pk for uid in happened.uids]
    admin = happened.governed.admin
    assert kinds(admin, task_id=keys[0]) == ["set_enabled", "update_settings", "add_tasks"]
    assert kinds(admin, task_id=keys[1]) == ["set_permissions", "update_settings", "add_tasks"]
    assert kinds(admin, task_id=keys[1], kind="add_tasks") == ["add_tasks"]


def test_a_filter_of_places_leaves_the_changes_and_not_the_operations(happened: Happened) -> None:
    admin, (_, two) = happened.governed.admin, happened.uids
    found = changes(admin, role=4, flag="is_execute")
    assert [(type_, object_id) for type_, object_id, _ in found[:2]] == [
        ("role_permission.changed", f"{happened.governed.project.uid}/4"),
        ("task_permission.changed", two),
    ]
    assert [type_ for type_, _, _ in found[2:]] == ["role_permission.added"]
    assert len(changes(admin, settings_key="/notifications/enabled")) == 2
    assert not changes(admin, settings_key="/repository/url")
    assert len(changes(admin, role=8, kind="set_permissions")) == 1


def test_what_is_inside_a_list_changed_with_the_list(happened: Happened) -> None:
    one = Task.objects.filter(uid=happened.uids[0])
    for image in ("first", "second"):
        one.update(settings={"steps": [{"image": image}], "depth": 1})
        # As at a commit: each is a change of its own.
        execute("SET CONSTRAINTS ALL IMMEDIATE")
        execute("SET CONSTRAINTS ALL DEFERRED")
    admin = happened.governed.admin
    found = changes(admin, settings_key="/steps")
    assert found[0][2] == ["/settings/steps"]
    assert len(found) == 2
    for inside in ("/steps/0", "/steps/0/image"):
        assert changes(admin, settings_key=inside) == found
    assert len(changes(admin, settings_key="/depth")) == 1


def test_a_batch_over_projects_is_told_of_the_one_that_is_asked_for(happened: Happened) -> None:
    other = build_governed("treasury")
    uids = [*happened.uids, *other.add_tasks(1)]
    apply(other.admin, SetEnabled(enabled=False, reason="all"), uids)
    (found,) = changes(other.admin, project=other.project.uid, kind="set_enabled")
    assert found[1] == uids[-1]


def test_a_time_window_leaves_what_is_inside(happened: Happened) -> None:
    middle = happened.enabled.created_at
    window = {"since": middle, "until": middle + timedelta(microseconds=1)}
    assert kinds(happened.governed.admin, **window) == ["set_enabled"]


def test_people_are_told_from_automation_and_a_channel_from_what_carried_it_out(
    governed: Governed,
) -> None:
    origins = {
        "page": Origin(Channel.ADMIN, request_id="r"),
        "large page": Origin(Channel.WORKER, request_id="r"),
        "file": Origin(Channel.IMPORT, request_id="r"),
        "token": Origin(Channel.API, request_id="r", token_id=1),
        "large token": Origin(Channel.WORKER, request_id="r", token_id=1),
        "cron": Origin(Channel.COMMAND),
        "cron file": Origin(Channel.IMPORT),
    }
    admin, noted = governed.admin, set(origins)
    for kind, origin in origins.items():
        note_event(actor=admin, kind=kind, origin=origin, parameters={})
    assert {*kinds(admin, by="people")} == {"page", "large page", "file"}
    assert {*kinds(admin, by="automation")} & noted == noted - {"page", "large page", "file"}
    found = {channel: {*kinds(admin, channel=channel)} & noted for channel in Channel}
    assert found == {
        Channel.ADMIN: {"page", "large page", "file"},
        Channel.API: {"token", "large token"},
        Channel.COMMAND: {"cron", "cron file"},
        Channel.IMPORT: {"file", "cron file"},
        Channel.WORKER: {"large page", "large token"},
        Channel.DATABASE: set(),
    }
