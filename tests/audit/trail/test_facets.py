"""What operations are found by, however they changed what they changed."""

import pytest
from django.db import transaction

from audit.models import Channel, Operation, State
from audit.recorder import administrative_operation
from audit.trail.facets import settings_facets, wanted_facets
from permissions.models import RoleMember, TaskPermission
from tasks.changes import SetEnabled, UpdateSettings
from tasks.models import Task
from tests.batches import apply, undo
from tests.conftest import ORIGIN, Governed, build_governed
from tests.permissions.governance import change, set_in_project


def facets(operation: Operation, *, besides: Governed | None = None) -> set[str]:
    """Return the stored facets, without the project that is given."""
    stored = set(Operation.objects.get(pk=operation.pk).facets)
    return stored - ({f"project:{besides.project.uid}"} if besides else set())


def test_a_change_of_settings_is_found_by_the_keys_that_it_changed(governed: Governed) -> None:
    uids = governed.add_tasks(2)
    patch = {"repository": {"branch": "main", "url": "https://git.example/app"}}
    applied = apply(governed.developer, UpdateSettings(patch=patch), uids)
    expected = {
        "settings=/repository/branch",
        "settings:/repository/branch",
        "settings:/repository",
    }
    assert facets(applied.operation) == expected | {f"project:{governed.project.uid}"}
    undone = undo(governed.developer, applied)
    assert facets(undone.operation) == facets(applied.operation)


def test_a_change_of_permissions_is_found_by_role_and_flag(governed: Governed) -> None:
    uids = governed.add_tasks(2)
    flags = {8: {"is_execute": True, "is_view": True}, 4: {"is_copy": False}}
    applied = change(governed.manager, uids, flags=flags)
    expected = {
        *("role:8", "flag:is_execute", "role:8/is_execute"),
        *("role:4", "flag:is_copy", "role:4/is_copy"),
    }
    assert facets(applied.operation) == expected | {f"project:{governed.project.uid}"}
    assert facets(undo(governed.manager, applied).operation) == facets(applied.operation)


def test_a_change_of_a_project_s_matrix_is_found_by_role_and_flag(governed: Governed) -> None:
    set_in_project(governed, 4, is_execute=False, is_view=True)
    operation = Operation.objects.get(kind="edit_matrix")
    assert facets(operation, besides=governed) == {
        "role:4",
        "flag:is_execute",
        "role:4/is_execute",
    }


@pytest.mark.parametrize("what", ["added", "removed"])
def test_a_change_of_members_is_found_by_the_role(governed: Governed, what: str) -> None:
    with administrative_operation(actor=governed.admin, kind="m", origin=ORIGIN) as operation:
        if what == "added":
            RoleMember.objects.create(role=governed.role(5), user=governed.outsider)
        else:
            RoleMember.objects.get(user=governed.viewer).delete()
    expected = {"role:5"} if what == "added" else {"role:8"}
    assert facets(operation, besides=governed) == expected


def test_a_new_project_is_found_by_all_that_its_matrix_gives(governed: Governed) -> None:
    operation = Operation.objects.get(kind="add_project")
    assert {"role:4/is_execute", "role:8/is_view", "role:0"} <= facets(operation)
    assert "role:8/is_execute" not in facets(operation)


def test_a_batch_over_projects_is_found_by_each(governed: Governed) -> None:
    other = build_governed("treasury")
    uids = [*governed.add_tasks(1), *other.add_tasks(1)]
    applied = apply(governed.admin, SetEnabled(enabled=False, reason="frozen"), uids)
    projects = {f"project:{each.project.uid}" for each in (governed, other)}
    assert facets(applied.operation) == projects


def test_what_changed_nothing_is_found_by_nothing(governed: Governed) -> None:
    uids = governed.add_tasks(1)
    patch = {"repository": {"branch": "develop"}}
    assert not facets(apply(governed.developer, UpdateSettings(patch=patch), uids).operation)


def test_a_change_outside_the_application_is_found_as_well(committed: Governed) -> None:
    other, same = committed.add_tasks(2)
    change(committed.manager, [same], flags={8: {"is_execute": True}})
    matrix = Task.objects.get(uid=same).permission.matrix_id
    settings = {"repository": {"url": "u", "a/b": 1}, "notifications": 1}
    with transaction.atomic():
        Task.objects.filter(uid=other).update(settings=settings)
        TaskPermission.objects.filter(task__uid__in=[other, same]).update(matrix=matrix)
    operation = Operation.objects.filter(channel=Channel.DATABASE).latest("created_at")
    assert operation.state == State.APPLIED
    assert facets(operation, besides=committed) == {
        *("role:8", "flag:is_execute", "role:8/is_execute"),
        "settings:/repository",
        *("settings:/repository/url", "settings=/repository/url"),
        *("settings:/repository/branch", "settings=/repository/branch"),
        *("settings:/repository/a~1b", "settings=/repository/a~1b"),
        *("settings:/notifications", "settings=/notifications"),
    }


def test_a_key_that_is_longer_than_the_index_takes_is_found_by_its_beginning(
    committed: Governed,
) -> None:
    key = "☃" * 3000
    (uid,) = committed.add_tasks(1)
    Task.objects.filter(uid=uid).update(settings={key: 1})
    outside = Operation.objects.filter(channel=Channel.DATABASE).latest("created_at")
    assert set(wanted_facets(settings_key=f"/{key}").any_of) <= facets(outside)
    places = list(settings_facets([f"/{key}"]))
    assert set(places) <= facets(outside)
    assert max(map(len, places)) == 500


def test_a_key_is_looked_for_below_and_as_part_of_what_was_changed_as_a_whole() -> None:
    wanted = wanted_facets(project="p", role=4, flag="is_view", settings_key="/a/b/c")
    assert wanted.all_of == ["project:p", "role:4/is_view"]
    assert wanted.any_of == ["settings:/a/b/c", "settings=/a/b", "settings=/a"]
    assert wanted_facets(flag="is_view").all_of == ["flag:is_view"]
    assert wanted_facets() == ([], [])
