"""The filters of the list of tasks: what they find, and what they do not tell."""

from typing import Any

import pytest
from django.contrib.auth.models import User

from audit.admin.paginator import EstimatingPaginator
from permissions.changes import SetPermissions
from tasks.changes import SetEnabled, UpdateSettings
from tasks.models import Task
from tests.batches import apply
from tests.conftest import Governed
from tests.visitors import page, text_of, visit


SECRET = "correct horse battery"  # what no filter may answer about


def found(user: User, **asked: Any) -> set[str]:
    """Return the tasks that the list shows."""
    answer = visit(user).get(page("tasks_task_changelist"), asked)
    assert answer.status_code == 200, answer.headers
    return {task.uid for task in answer.context["cl"].result_list}


@pytest.mark.parametrize(
    ("asked", "finds"),
    [
        ({"setting": "repository.branch"}, 2),
        ({"setting": "repository.branch", "setting_value": "main"}, 1),
        ({"setting": "/repository/branch", "setting_value": "develop"}, 1),
        ({"setting": "settings.notifications.enabled", "setting_value": "false"}, 2),
        ({"setting": "repository", "setting_value": '{"branch": "main"}'}, 0),
        ({"setting": "repository.startswith", "setting_value": "m"}, 0),
        ({"setting": "", "setting_value": ""}, 2),
        # What cannot be understood finds nothing, rather than all, which could then be chosen.
        ({"setting": "repository..branch"}, 0),
        ({"setting": "repository.0.branch"}, 0),
        ({"setting": "", "setting_value": "main"}, 0),
        ({"setting": "a\0b"}, 0),
    ],
)
def test_a_setting_is_found_by_its_place_and_what_stands_there(
    governed: Governed, asked: dict[str, str], finds: int
) -> None:
    uids = governed.add_tasks(2)
    apply(governed.developer, UpdateSettings(patch={"repository": {"branch": "main"}}), uids[:1])
    assert len(found(governed.viewer, **asked)) == finds


def test_no_filter_tells_what_a_secret_is(governed: Governed) -> None:
    uid = governed.add_tasks(1)[0]
    Task.objects.filter(uid=uid).update(settings={"repository": {"token": SECRET}})
    assert found(governed.viewer, setting="repository.token") == {uid}
    assert not found(governed.viewer, setting="repository.token", setting_value=SECRET)


@pytest.mark.parametrize(
    ("settings", "asked"),
    [
        # Set before the type said what is secret: inside a secret, and around one.
        ({"token": {"key": SECRET}}, {"setting": "repository.token.key", "setting_value": SECRET}),
        ({"token": {"key": SECRET}}, {"setting": "repository.token.key"}),
        (SECRET, {"setting": "repository", "setting_value": SECRET}),
    ],
)
def test_no_filter_tells_of_what_is_inside_a_secret_or_around_one(
    governed: Governed, settings: Any, asked: dict[str, str]
) -> None:
    uid = governed.add_tasks(1)[0]
    Task.objects.filter(uid=uid).update(settings={"repository": settings})
    assert found(governed.viewer, setting="repository") == {uid}
    assert not found(governed.viewer, **asked)


def test_tasks_are_found_by_whose_permissions_they_have(governed: Governed) -> None:
    uids = governed.add_tasks(2)
    apply(governed.manager, SetPermissions(follow=False), uids[:1])
    assert found(governed.viewer, permissions="own") == {uids[0]}
    assert found(governed.viewer, permissions="project") == {uids[1]}
    assert found(governed.viewer, permissions="") == set(uids)
    assert not found(governed.viewer, permissions="anything")


def test_tasks_are_found_by_the_operation_that_changed_them_last(governed: Governed) -> None:
    uids = governed.add_tasks(3)
    disabled = apply(governed.developer, SetEnabled(enabled=False, reason="x"), uids).operation
    enabled = apply(governed.developer, SetEnabled(enabled=True), uids[:1]).operation
    own = apply(governed.manager, SetPermissions(follow=False), uids[1:2]).operation
    assert found(governed.viewer, operation=str(disabled.pk)) == set(uids[1:])
    assert found(governed.viewer, operation=str(enabled.pk)) == {uids[0]}
    assert found(governed.viewer, operation=f" {own.pk} ") == {uids[1]}
    assert not found(governed.viewer, operation="nonsense")
    assert not found(governed.outsider, operation=str(disabled.pk))


def test_tasks_are_found_by_their_creator_and_by_when_they_changed(governed: Governed) -> None:
    uids = governed.add_tasks(1)
    created = governed.add_tasks(1, creator=governed.developer)
    Task.objects.filter(uid__in=uids).update(updated_at="2026-01-02T00:00Z")
    assert found(governed.viewer, creator="payments-developer") == set(created)
    assert not found(governed.viewer, creator="payments-dev")
    assert found(governed.viewer, updated_at_from_0="2026-02-01") == set(created)
    assert not found(governed.viewer, updated_at_from_0="1.2.2026")
    assert not found(governed.viewer, updated_at_to_1="12:00")


def test_where_more_match_than_can_be_chosen_the_list_says_about_how_many(
    governed: Governed, monkeypatch: pytest.MonkeyPatch
) -> None:
    governed.add_tasks(3)
    monkeypatch.setattr("tasks.admin.tasks.TaskPaginator.bound", 2)
    monkeypatch.setattr(EstimatingPaginator, "estimate", 1_200_000)
    shown = text_of(visit(governed.developer).get(page("tasks_task_changelist")))
    assert "about 1,200,000 tasks" in shown
    assert "All can be chosen where no more than 2 match" in shown
    assert 'class="question' not in shown
