"""What a filter leaves of the trail, page by page, and who reads what of it."""

import json
from collections.abc import Sequence
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import Group, User
from django.utils import timezone

from audit.context import Origin
from audit.differences import ABSENT, Difference, difference_data, differences_text
from audit.events import Events
from audit.exports import begin_export
from audit.models import Channel, Operation
from audit.noted import note_event
from audit.reading import Found, read_page, stream
from audit.recorder import administrative_operation, new_operation
from audit.seals import seal_all
from audit.streams import CSV, FORMS, export
from audit.trail import Filter, Place, Reader, read_operations
from permissions.models import RoleMember
from tasks.changes import SetEnabled, UpdateSettings
from tasks.models import Task
from tasks.trail import reader_of
from tasks.visibility import visible_tasks
from tests.batches import apply
from tests.conftest import ORIGIN, Governed, build_governed
from tests.permissions.governance import change, set_in_project


def reader(actor: User, /, **wanted: Any) -> Reader:
    return reader_of(actor=actor, wanted=Filter(**wanted))


def kinds(actor: User, /, **wanted: Any) -> list[str]:
    """Return the kinds of the operations that a filter leaves, newest first."""
    found = read_operations(reader=reader(actor, **wanted), after=None, limit=100)
    return [operation.kind for operation in found]


def events_of(found: Sequence[Found]) -> list[dict[str, Any]]:
    return [json.loads(event.text) for event in Events().of(found)]


def told(found: Sequence[Found]) -> list[tuple[str, str, list[str]]]:
    """Return of each change its type, its object, and the places that changed."""
    return [
        (event["type"], event["object"]["id"], [each["place"] for each in event["changes"]])
        for event in events_of(found)
    ]


def changes(actor: User, /, **wanted: Any) -> list[tuple[str, str, list[str]]]:
    return told(read_page(reader=reader(actor, **wanted), after=None, limit=1000).found)


class Trail:
    """A project in which one thing of each kind has happened."""

    def __init__(self, governed: Governed) -> None:
        self.governed = governed
        self.uids = sorted(governed.add_tasks(2))
        patch = {"repository": {"branch": "main"}, "notifications": None}
        self.settings = apply(governed.developer, UpdateSettings(patch=patch), self.uids).operation
        frozen = SetEnabled(enabled=False, reason="frozen")
        self.enabled = apply(governed.manager, frozen, self.uids[:1]).operation
        self.permissions = change(
            governed.manager, self.uids[1:], flags={4: {"is_execute": False}, 8: {"is_copy": True}}
        ).operation
        set_in_project(governed, 4, is_execute=False)


@pytest.fixture
def trail(governed: Governed) -> Trail:
    return Trail(governed)


LAST = ["edit_matrix", "set_permissions", "set_enabled", "update_settings"]


def test_operations_are_found_newest_first(trail: Trail) -> None:
    assert kinds(trail.governed.admin)[:4] == LAST


def filters(trail: Trail) -> dict[str, tuple[dict[str, Any], list[str]]]:
    uid = trail.governed.project.uid
    at = trail.enabled.created_at
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
        "operation": ({"operation_id": trail.enabled.pk}, ["set_enabled"]),
        "several": ({"project": uid, "role": 4, "kind": "edit_matrix"}, ["edit_matrix"]),
    }


def test_each_filter_leaves_what_it_names(trail: Trail) -> None:
    found = {
        name: kinds(trail.governed.admin, **wanted) for name, (wanted, _) in filters(trail).items()
    }
    assert found == {name: expected for name, (_, expected) in filters(trail).items()}


def test_a_task_s_operations_are_those_that_changed_it(trail: Trail) -> None:
    keys = [Task.objects.get(uid=uid).pk for uid in trail.uids]
    admin = trail.governed.admin
    assert kinds(admin, task_id=keys[0]) == ["set_enabled", "update_settings", "add_tasks"]
    assert kinds(admin, task_id=keys[1]) == ["set_permissions", "update_settings", "add_tasks"]
    assert kinds(admin, task_id=keys[1], kind="add_tasks") == ["add_tasks"]


def test_changes_are_told_place_by_place(trail: Trail) -> None:
    one, two = trail.uids
    uid = trail.governed.project.uid
    assert changes(trail.governed.admin)[:5] == [
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
            for each in trail.uids
        ),
    ]


def test_every_finished_operation_is_told(trail: Trail) -> None:
    admin = trail.governed.admin
    note_event(actor=admin, kind="sign_in", origin=ORIGIN, parameters={"new_address": True})
    refused = new_operation(actor=admin, kind="set_enabled", origin=ORIGIN, at=timezone.now())
    wrong = [{"target": "", "code": "denied", "detail": "no"}]
    refused.state, refused.finished_at, refused.refusals = "refused", timezone.now(), wrong
    refused.save(force_insert=True)
    unfinished = new_operation(actor=admin, kind="later", origin=ORIGIN, at=timezone.now())
    unfinished.state = "queued"
    unfinished.save(force_insert=True)
    found = read_page(reader=reader(admin), after=None, limit=1000).found
    finished = Operation.objects.exclude(pk=unfinished.pk)
    assert {each.place.operation_id for each in found} == {each.pk for each in finished}
    denied, signed_in, *_ = events_of(found)
    assert (denied["type"], denied["refusals"]) == ("operation.set_enabled", wrong)
    assert (signed_in["type"], signed_in["changes"]) == ("operation.sign_in", [])
    assert (signed_in["id"], signed_in["parameters"]) == (
        f"operation:{signed_in['operation']['id']}",
        {"new_address": True},
    )
    only = read_page(reader=reader(admin, kind="sign_in"), after=None, limit=1)
    assert [event["type"] for event in events_of(only.found)] == ["operation.sign_in"]
    assert (
        only.following is None
        or not read_page(reader=reader(admin, kind="sign_in"), after=only.following, limit=1).found
    )


def test_an_export_that_is_broken_off_is_recorded_as_such(trail: Trail) -> None:
    admin = trail.governed.admin
    terms = begin_export(actor=admin, origin=ORIGIN, asked={}, form=CSV)
    pieces = export(found=stream(reader=reader(admin)), form=FORMS[CSV], terms=terms)
    assert next(pieces)
    assert next(pieces)
    pieces.close()
    ended = Operation.objects.get(kind="export_trail_finished")
    assert (ended.state, ended.parameters["export"]) == ("failed", terms.export_id)
    assert "sha256" not in ended.parameters
    assert ended.refusals[0]["code"] == "broken_off"


def test_a_filter_of_places_leaves_the_changes_and_not_the_operations(trail: Trail) -> None:
    admin, (_, two) = trail.governed.admin, trail.uids
    found = changes(admin, role=4, flag="is_execute")
    assert [(type_, object_id) for type_, object_id, _ in found[:2]] == [
        ("role_permission.changed", f"{trail.governed.project.uid}/4"),
        ("task_permission.changed", two),
    ]
    assert [type_ for type_, _, _ in found[2:]] == ["role_permission.added"]
    assert len(changes(admin, settings_key="/notifications/enabled")) == 2
    assert not changes(admin, settings_key="/repository/url")
    assert len(changes(admin, role=8, kind="set_permissions")) == 1


def test_a_batch_over_projects_is_told_of_the_one_that_is_asked_for(trail: Trail) -> None:
    other = build_governed("treasury")
    uids = [*trail.uids, *other.add_tasks(1)]
    apply(other.admin, SetEnabled(enabled=False, reason="all"), uids)
    (found,) = changes(other.admin, project=other.project.uid, kind="set_enabled")
    assert found[1] == uids[-1]


@pytest.mark.parametrize("limit", [1, 2, 3, 7])
@pytest.mark.parametrize("by_task", [False, True])
def test_pages_together_are_all_changes_once(trail: Trail, limit: int, by_task: bool) -> None:
    wanted = {"task_id": Task.objects.get(uid=trail.uids[0]).pk} if by_task else {}
    reading = reader(trail.governed.admin, **wanted)
    expected = list(stream(reader=reading))
    paged: list[Found] = []
    after = None
    while True:
        page = read_page(reader=reading, after=after, limit=limit)
        assert len(page.found) <= limit
        paged += page.found
        after = page.following
        if after is None:
            break
    assert told(paged) == told(expected)
    assert len({found.place for found in paged}) == len(paged) > 3


def test_the_same_is_told_before_and_after_sealing_in_small_steps_and_in_large_ones(
    trail: Trail, monkeypatch: pytest.MonkeyPatch
) -> None:
    reading = reader(trail.governed.admin)
    expected = [event["id"] for event in events_of(list(stream(reader=reading)))]
    assert seal_all()
    for rows, window in ((1, 2), (3, 500), (4_000, 500)):
        monkeypatch.setattr("audit.reading._ROWS", rows)
        monkeypatch.setattr("audit.reading._WINDOW", window)
        assert [event["id"] for event in events_of(list(stream(reader=reading)))] == expected
    place = None
    paged: list[Found] = []
    while True:
        page = read_page(reader=reading, after=place, limit=2)
        paged, place = [*paged, *page.found], page.following
        if place is None:
            break
    assert [event["id"] for event in events_of(paged)] == expected


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


def test_a_page_on_which_little_fits_ends_early_and_says_where_to_go_on(
    trail: Trail, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("audit.reading._MOST_ROWS", 1)
    reading = reader(trail.governed.admin, settings_key="/notifications/enabled")
    found: list[Found] = []
    page = read_page(reader=reading, after=None, limit=1)
    turns = 1
    while page.following:
        found += page.found
        page = read_page(reader=reading, after=page.following, limit=1)
        turns += 1
    assert len([*found, *page.found]) == 2
    assert turns > 2


def test_pages_of_operations_together_are_all_of_them_once(trail: Trail) -> None:
    # As many at one instant as make it matter what comes after the time.
    admin, at = trail.governed.admin, trail.settings.created_at
    for _ in range(5):
        operation = new_operation(actor=admin, kind="same", origin=ORIGIN, at=at)
        operation.finished_at = at
        operation.save(force_insert=True)
    reading = reader(admin)
    listed = list(Operation.objects.order_by("-created_at", "-pk"))
    paged: list[Operation] = []
    while page := read_operations(reader=reading, after=_place(paged), limit=2):
        paged += page
    assert paged == listed


def _place(paged: list[Operation]) -> Place | None:
    return Place(paged[-1].created_at, paged[-1].pk) if paged else None


def seen(actor: User) -> set[tuple[str, str]]:
    """Return the tasks of which the actor reads anything, with what they read."""
    return {(uid, kind) for kind, uid, _ in changes(actor) if kind.startswith("task")}


def expected(trail: Trail, uids: Sequence[str]) -> set[tuple[str, str]]:
    """Return what was done to the tasks, by whomever."""
    found = changes(trail.governed.admin)
    return {(uid, kind) for kind, uid, _ in found if kind.startswith("task") and uid in uids}


def test_others_than_auditors_read_what_was_done_to_the_tasks_that_they_may_view(
    trail: Trail,
) -> None:
    governed = trail.governed
    (hidden,) = build_governed("treasury").add_tasks(1)
    change(governed.manager, trail.uids[1:], flags={8: {"is_view": False}})
    assert seen(governed.developer) == expected(trail, trail.uids)
    assert seen(governed.viewer) == expected(trail, trail.uids[:1])
    assert not seen(governed.outsider)
    assert expected(trail, [hidden])
    assert kinds(governed.viewer) == ["set_enabled", "update_settings", "add_tasks"]
    assert kinds(governed.developer)[0] == "set_permissions"
    assert not kinds(governed.outsider)
    # What was done to no task, such as to the project's matrix, is told to who did it.
    assert not [kind for kind, _, _ in changes(governed.developer) if not kind.startswith("task")]


def test_what_others_are_told_follows_what_they_may_view_today(trail: Trail) -> None:
    developer = trail.governed.developer
    lower = {4: dict.fromkeys(("is_view", "is_modify"), False)}
    change(trail.governed.manager, trail.uids[1:], flags=lower)
    assert {uid for uid, _ in seen(developer)} == set(trail.uids[:1])
    viewable = visible_tasks(actor=developer).values_list("uid", flat=True)
    assert seen(developer) == expected(trail, list(viewable))


@pytest.mark.parametrize("few", [0, 200])
def test_a_task_that_one_created_in_a_project_of_others_is_told_of(
    trail: Trail, few: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("permissions.effective._FEW", few)
    other = build_governed("treasury")
    uids = [*other.add_tasks(1), *other.add_tasks(1, creator=trail.governed.viewer)]
    for uid in uids:
        apply(other.admin, SetEnabled(enabled=False, reason="alone"), [uid])
    assert {uid for uid, _ in seen(trail.governed.viewer)} == {*trail.uids, uids[1]}
    assert len(kinds(trail.governed.viewer, project=other.project.uid)) == 2
    mine = {"project": other.project.uid, "kind": "set_enabled"}
    assert kinds(trail.governed.viewer, **mine) == ["set_enabled"]


def test_a_project_of_others_says_nothing_about_one_s_own_tasks(trail: Trail) -> None:
    other = build_governed("treasury")
    uids = [*trail.uids, *other.add_tasks(1)]
    apply(other.admin, SetEnabled(enabled=False, reason="all"), uids)
    assert kinds(trail.governed.viewer, kind="set_enabled", project=trail.governed.project.uid)
    assert not kinds(trail.governed.viewer, project=other.project.uid)
    mine = {"project": trail.governed.project.uid, "settings_key": "/repository"}
    assert len(changes(trail.governed.viewer, **mine)) == 2


def test_whoever_may_view_a_task_reads_all_that_was_done_to_it(trail: Trail) -> None:
    task = Task.objects.get(uid=trail.uids[0])
    found = changes(trail.governed.viewer, task_id=task.pk)
    assert [type_ for type_, _, _ in found] == [
        "task.changed",
        "task.changed",
        "task.added",
        "task_permission.added",
    ]


def test_auditors_read_everything_though_they_hold_no_role(trail: Trail) -> None:
    auditor = User.objects.create_user("auditor")
    auditor.groups.add(Group.objects.get(name="auditors"))
    auditor = User.objects.get(pk=auditor.pk)
    assert kinds(auditor) == kinds(trail.governed.admin)


def test_secrets_are_named_and_not_told(trail: Trail) -> None:
    secret = "hunter2hunter2"
    patch = {"repository": {"token": secret}}
    operation = apply(trail.governed.admin, UpdateSettings(patch=patch), trail.uids[:1]).operation
    found = read_page(
        reader=reader(trail.governed.admin, operation_id=operation.pk), after=None, limit=5
    ).found
    (event,) = events_of(found)
    assert event["changes"] == [{"place": "/settings/repository/token", "secret": True}]
    added = build_governed("treasury")
    with administrative_operation(actor=added.admin, kind="add", origin=ORIGIN) as operation:
        Task.objects.create(
            project=added.project,
            task_type=added.task_type,
            name="with a token",
            settings={"repository": {"token": "secret:" + "0" * 32, "branch": "main"}},
            created_by=added.admin,
        )
    found = read_page(
        reader=reader(added.admin, operation_id=operation.pk), after=None, limit=5
    ).found
    event, *_ = events_of(found)
    assert event["changes"][-2:] == [
        {"place": "/settings/repository/branch", "after": "main"},
        {"place": "/settings/repository/token", "secret": True},
    ]


def test_members_accounts_and_groups_are_told_of_by_name(trail: Trail) -> None:
    governed = trail.governed
    group = Group.objects.create(name="release")
    with administrative_operation(actor=governed.admin, kind="many", origin=ORIGIN) as operation:
        RoleMember.objects.create(role=governed.role(5), group=group)
        RoleMember.objects.get(user=governed.viewer).delete()
        governed.viewer.groups.add(group)
        governed.viewer.is_active = False
        governed.viewer.save()
    found = read_page(
        reader=reader(governed.admin, operation_id=operation.pk), after=None, limit=9
    ).found
    assert [
        (event["type"], event["object"]["name"], event["role"], event["changes"])
        for event in events_of(found)
    ] == [
        (
            "account.changed",
            "payments-viewer",
            None,
            [{"place": "/is_active", "before": True, "after": False}],
        ),
        ("group_member.added", "release", None, [{"place": "/user", "after": "payments-viewer"}]),
        ("role_member.added", "Test manager", 5, [{"place": "/group", "after": "release"}]),
        ("role_member.removed", "Viewer", 8, [{"place": "/user", "before": "payments-viewer"}]),
    ]


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
    for kind, origin in origins.items():
        note_event(actor=governed.admin, kind=kind, origin=origin, parameters={})
    admin, noted = governed.admin, set(origins)
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


def test_a_time_window_leaves_what_is_inside(trail: Trail) -> None:
    middle = trail.enabled.created_at
    window = {"since": middle, "until": middle + timedelta(microseconds=1)}
    assert kinds(trail.governed.admin, **window) == ["set_enabled"]
