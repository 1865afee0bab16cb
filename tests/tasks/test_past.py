"""What a task looked like at a moment, and how two moments differ; never what is secret."""

from datetime import timedelta

import pytest
from django.contrib.auth.models import Permission, User

from audit.differences import difference_data
from audit.recorder import administrative_operation
from tasks.changes import RecycleTasks, SetEnabled, UpdateSettings
from tasks.changes.places import told_places
from tasks.models import Task
from tasks.past import TaskState, TaskUnknown, compare_states, state_then, task_to_read
from tests.batches import apply
from tests.conftest import ORIGIN, SETTINGS, Governed


def state_after(governed: Governed, uid: str, change: UpdateSettings | SetEnabled) -> TaskState:
    """Apply the change; return the task as it was from then on."""
    operation = apply(governed.manager, change, [uid]).operation
    assert operation.finished_at is not None
    state = state_then(task_id=Task.objects.get(uid=uid).pk, at=operation.finished_at)
    assert state is not None
    return state


def branch(name: str) -> UpdateSettings:
    return UpdateSettings(patch={"repository": {"branch": name}})


def test_a_task_is_shown_as_it_was_and_by_which_operation(governed: Governed) -> None:
    (uid,) = governed.add_tasks(1)
    state = state_after(governed, uid, branch("release"))
    apply(governed.manager, branch("later"), [uid])
    apply(governed.manager, RecycleTasks(), [uid])
    assert state.settings == {
        **SETTINGS,
        "repository": {**SETTINGS["repository"], "branch": "release"},
    }
    assert (state.uid, state.name, state.version) == (uid, f"task {uid}", 2)
    assert (state.project_uid, state.type_key) == (governed.project.uid, "payments-git")
    assert (state.enabled, state.disabled_reason, state.is_recycled) == (True, "", False)
    assert (state.made_by.kind, state.made_by.actor_name) == (
        "update_settings",
        "payments-manager",
    )


def test_a_task_did_not_exist_before_it_was_added_nor_after_it_was_removed(
    governed: Governed,
) -> None:
    (uid,) = governed.add_tasks(1)
    task = Task.objects.get(uid=uid)
    key, added = task.pk, task.history.latest().operation.finished_at
    assert state_then(task_id=key, at=added - timedelta(microseconds=1)) is None
    assert state_then(task_id=key, at=added) is not None
    with administrative_operation(actor=governed.admin, kind="remove", origin=ORIGIN) as operation:
        task.delete()
    assert operation.finished_at is not None
    assert state_then(task_id=key, at=operation.finished_at) is None


def test_two_moments_differ_place_by_place_and_secrets_are_not_told(governed: Governed) -> None:
    (uid,) = governed.add_tasks(1)
    before = state_after(governed, uid, branch("one"))
    patch = {"repository": {"branch": "two", "token": "hunter2hunter2"}, "notifications": None}
    after = state_after(governed, uid, UpdateSettings(patch=patch))
    assert [difference_data(each) for each in compare_states(before=before, after=after)] == [
        {"place": "/notifications/enabled", "before": False},
        {"place": "/repository/branch", "before": "one", "after": "two"},
        {"place": "/repository/token", "secret": True},
    ]
    assert after.shown_settings()["repository"]["token"] == {"secret": True}


def test_what_came_or_went_whole_is_told_place_by_place_unless_it_is_secret() -> None:
    came = {"cron": "0 3 * * *", "days": {"a/b": 1, "none": {}}}
    assert told_places({}, {"schedule": came}, secrets=()) == [
        "/schedule/cron",
        "/schedule/days/a~1b",
        "/schedule/days/none",
    ]
    assert told_places({"schedule": came}, {}, secrets={("schedule",)}) == ["/schedule"]
    assert told_places({"schedule": "never"}, {"schedule": came}, secrets=()) == ["/schedule"]


def test_what_the_type_calls_secret_today_is_secret_in_the_past(governed: Governed) -> None:
    (uid,) = governed.add_tasks(1)
    before = state_after(governed, uid, branch("hunter2hunter2"))
    after = state_after(governed, uid, branch("hunter3hunter3"))
    secret = {"branch": {"type": "string", "writeOnly": True}}
    governed.task_type.schema = {
        "type": "object",
        "properties": {"repository": {"type": "object", "properties": secret}},
    }
    with administrative_operation(actor=governed.admin, kind="edit_type", origin=ORIGIN):
        governed.task_type.save()
    key = Task.objects.get(uid=uid).pk
    states = [state_then(task_id=key, at=each.made_by.finished_at) for each in (before, after)]
    shown = [state and state.shown_settings()["repository"]["branch"] for state in states]
    assert shown == [{"secret": True}] * 2
    assert states[0] is not None
    (difference,) = compare_states(before=states[0], after=after)
    assert difference_data(difference) == {"place": "/repository/branch", "secret": True}


@pytest.mark.parametrize(
    ("who", "may"), [("admin", True), ("viewer", True), ("outsider", False), ("auditor", True)]
)
def test_who_may_view_a_task_may_read_its_past_and_so_may_auditors(
    governed: Governed, who: str, may: bool
) -> None:
    (uid,) = governed.add_tasks(1)
    auditor = User.objects.create_user("auditor")
    auditor.user_permissions.add(Permission.objects.get(codename="view_operation"))
    reader = auditor if who == "auditor" else getattr(governed, who)
    if may:
        assert task_to_read(actor=reader, uid=uid) == Task.objects.get(uid=uid).pk
        return
    with pytest.raises(TaskUnknown):
        task_to_read(actor=reader, uid=uid)
