"""What is told of an operation and of what it changed: place by place, by name, and without secrets."""

import json
from typing import Any

from django.contrib.auth.models import Group
from django.utils import timezone

from audit.differences import ABSENT, Difference, difference_data, differences_text
from audit.masking import SECRET
from audit.models import Operation
from audit.noted import note_event
from audit.recorder import administrative_operation, new_operation
from audit.trail.exports import begin_export
from audit.trail.reading import read_page, stream
from audit.trail.streams import CSV, FORMS, export
from permissions.models import RoleMember
from tasks.changes import UpdateSettings
from tasks.models import Task
from tests.audit.happened import Happened, changes, events, events_of, reader
from tests.batches import apply
from tests.conftest import ORIGIN, Governed


LOCKED = {"before": True, "after": False}


def test_changes_are_told_place_by_place(happened: Happened) -> None:
    one, two = happened.uids
    uid = happened.governed.project.uid
    assert changes(happened.governed.admin)[:5] == [
        ("role_permission.changed", f"{uid}/4", ["/roles/4/is_execute"]),
        (
            "task_permission.changed",
            two,
            ["/follows_project", "/roles/4/is_execute", "/roles/8/is_copy"],
        ),
        ("task.changed", one, ["/enabled", "/disabled_reason"]),
        *(
            (
                "task.changed",
                each,
                ["/settings/notifications/enabled", "/settings/repository/branch"],
            )
            for each in happened.uids
        ),
    ]


def test_every_finished_operation_is_told(happened: Happened) -> None:
    admin = happened.governed.admin
    note_event(actor=admin, kind="sign_in", origin=ORIGIN, parameters={"new_address": True})
    refused = new_operation(actor=admin, kind="set_enabled", origin=ORIGIN, at=timezone.now())
    wrong = [{"target": "", "code": "denied", "detail": "no"}]
    refused.state, refused.finished_at, refused.refusals = "refused", timezone.now(), wrong
    refused.save(force_insert=True)
    unfinished = new_operation(actor=admin, kind="later", origin=ORIGIN, at=timezone.now())
    unfinished.state = "queued"
    unfinished.save(force_insert=True)
    found = events(admin)
    finished = Operation.objects.exclude(pk=unfinished.pk)
    assert {event["operation"]["id"] for event in found} == {str(each.pk) for each in finished}
    denied, signed_in, *_ = found
    assert (denied["type"], denied["refusals"]) == ("operation.set_enabled", wrong)
    assert (signed_in["type"], signed_in["changes"]) == ("operation.sign_in", [])
    assert signed_in["id"] == f"operation:{signed_in['operation']['id']}"
    assert signed_in["parameters"] == {"new_address": True}


def test_an_operation_without_changes_is_a_whole_page(happened: Happened) -> None:
    admin = happened.governed.admin
    note_event(actor=admin, kind="sign_in", origin=ORIGIN, parameters={})
    reading = reader(admin, kind="sign_in")
    page = read_page(reader=reading, after=None, limit=1)
    assert [event["type"] for event in events_of(page.found)] == ["operation.sign_in"]
    if page.following:
        assert not read_page(reader=reading, after=page.following, limit=1).found


def test_members_accounts_and_groups_are_told_of_by_name(happened: Happened) -> None:
    governed = happened.governed
    group = Group.objects.create(name="release")
    with administrative_operation(actor=governed.admin, kind="many", origin=ORIGIN) as operation:
        RoleMember.objects.create(role=governed.role(5), group=group)
        RoleMember.objects.get(user=governed.viewer).delete()
        governed.viewer.groups.add(group)
        governed.viewer.is_active = False
        governed.viewer.save()
    assert [
        (event["type"], event["object"]["name"], event["role"], event["changes"])
        for event in events(governed.admin, operation_id=operation.pk)
    ] == [
        ("account.changed", "payments-viewer", None, [{"place": "/is_active", **LOCKED}]),
        ("group_member.added", "release", None, [{"place": "/user", "after": "payments-viewer"}]),
        ("role_member.added", "Test manager", 5, [{"place": "/group", "after": "release"}]),
        ("role_member.removed", "Viewer", 8, [{"place": "/user", "before": "payments-viewer"}]),
    ]


def test_a_secret_that_is_changed_is_named_and_not_told(happened: Happened) -> None:
    admin, patch = happened.governed.admin, {"repository": {"token": "hunter2hunter2"}}
    operation = apply(admin, UpdateSettings(patch=patch), happened.uids[:1]).operation
    (event,) = events(admin, operation_id=operation.pk)
    assert event["changes"] == [{"place": "/settings/repository/token", "secret": True}]


def test_a_secret_of_a_task_that_is_added_is_named_and_not_told(governed: Governed) -> None:
    with administrative_operation(actor=governed.admin, kind="add", origin=ORIGIN) as operation:
        Task.objects.create(
            project=governed.project,
            task_type=governed.task_type,
            name="with a token",
            settings={"repository": {"token": "secret:" + "0" * 32, "branch": "main"}},
            created_by=governed.admin,
        )
    event, *_ = events(governed.admin, operation_id=operation.pk)
    assert event["changes"][-2:] == [
        {"place": "/settings/repository/branch", "after": "main"},
        {"place": "/settings/repository/token", "secret": True},
    ]


def test_what_was_asked_for_is_told_without_the_names_of_secrets(happened: Happened) -> None:
    reference = "secret:" + "0" * 32
    asked = {"patch": {"repository": {"token": reference, "branch": "main"}}}
    admin = happened.governed.admin
    noted = note_event(actor=admin, kind="asked", origin=ORIGIN, parameters=asked)
    found = read_page(reader=reader(admin, operation_id=noted.pk), after=None, limit=1).found
    (event,) = events_of(found)
    assert event["parameters"] == {"patch": {"repository": {"token": SECRET, "branch": "main"}}}
    assert reference not in str(event)


def test_differences_are_written_as_they_are_told() -> None:
    reference = f"secret:{'0' * 32}"
    values: list[Any] = [
        ABSENT,
        None,
        True,
        0,
        1.5,
        10**30,
        'a "quoted" ü\n',
        [1, "x"],
        {"a": {}},
        reference,
    ]
    differences = [
        Difference("/a~1b", before, after, is_secret=is_secret)
        for before in values
        for after in values
        for is_secret in (False, True)
    ]
    expected = [difference_data(difference) for difference in differences]
    assert json.loads(differences_text(differences)) == expected


def test_an_export_that_is_broken_off_is_recorded_as_such(happened: Happened) -> None:
    admin = happened.governed.admin
    terms = begin_export(actor=admin, origin=ORIGIN, asked={}, form=CSV)
    pieces = export(found=stream(reader=reader(admin)), form=FORMS[CSV], terms=terms)
    assert next(pieces)
    assert next(pieces)
    pieces.close()
    ended = Operation.objects.get(kind="export_trail_finished")
    assert (ended.state, ended.parameters["export"]) == ("failed", terms.export_id)
    assert "sha256" not in ended.parameters
    assert ended.refusals[0]["code"] == "broken_off"
