"""What the settings of many tasks hold now, told without any secret."""

from typing import Any

import pytest

from permissions.models import RoleMember
from tasks.batch.seen import seen_targets
from tasks.changes import UpdateSettings
from tasks.models import Task, TaskType
from tasks.present_settings import Present, read_present, read_types
from tasks.schemas import json_pointer
from tasks.shared_properties import settable, shared_properties
from tests.batches import apply, statements_of
from tests.conftest import Governed, build_governed


def present(governed: Governed, ids: list[int] | None = None) -> dict[str, Present]:
    """Read what stands at all places of the type's schema."""
    types = read_types(type_ids=[governed.task_type.pk])
    properties = list(settable(shared_properties([types[0].named_schema]).properties))
    chosen = ids or list(Task.objects.values_list("pk", flat=True))
    read = read_present(task_ids=chosen, properties=properties)
    return {json_pointer(place): found for place, found in read.items()}


def change(governed: Governed, patch: Any, uids: list[str]) -> None:
    apply(governed.manager, UpdateSettings(patch=patch), uids)


def test_a_value_that_all_tasks_have_is_uniform(governed: Governed) -> None:
    governed.add_tasks(3)
    branch = present(governed)["/repository/branch"]
    assert branch.is_uniform
    assert branch.told == [("develop", True, 3)]


def test_different_values_are_counted_the_most_frequent_first(governed: Governed) -> None:
    uids = governed.add_tasks(12)
    for number, count in enumerate((1, 2, 3, 1)):
        change(governed, {"repository": {"branch": f"b{number}"}}, uids[:count])
        uids = uids[count:]
    change(governed, {"repository": {"branch": None}}, uids[:4])
    branch = present(governed)["/repository/branch"]
    assert branch.different == 6
    assert branch.told[:2] == [(None, False, 4), ("b2", True, 3)]
    assert len(branch.told) == 4


def test_one_is_not_true_and_the_empty_string_is_not_nothing(governed: Governed) -> None:
    schema = {"type": "object", "properties": {"x": {}}}
    TaskType.objects.filter(pk=governed.task_type.pk).update(schema=schema)
    values: list[Any] = [1, True, "", "1", 0.5, [], [""]]
    for uid, value in zip(governed.add_tasks(8), values, strict=False):
        Task.objects.filter(uid=uid).update(settings={"x": value})
    x = present(governed)["/x"]
    assert x.different == 8
    each = [
        present(governed, [pk])["/x"].told[0] for pk in Task.objects.values_list("pk", flat=True)
    ]
    assert [one.value for one in each if one.is_set] == values
    assert [type(one.value) for one in each if one.is_set] == list(map(type, values))


def test_of_secrets_and_groups_only_their_number_is_told(governed: Governed) -> None:
    uids = governed.add_tasks(5)
    change(governed, {"repository": {"token": "correct horse"}}, uids[:2])
    change(governed, {"notifications": None}, uids[:1])
    read = present(governed)
    assert read["/repository/token"].set_on == 2
    assert read["/repository/token"].told == [(None, False, 3), (True, True, 2)]
    assert read["/notifications"].set_on == 4


def test_a_reference_in_the_open_is_masked(governed: Governed) -> None:
    governed.add_tasks(1)
    Task.objects.update(settings={"repository": {"branch": f"secret:{'a' * 32}"}})
    assert present(governed)["/repository/branch"].told[0].value == "secret, set"


@pytest.mark.parametrize("settings", [{}, {"repository": "x"}, {"repository": {"branch": {}}}])
def test_settings_of_another_form_than_the_schema_are_read_as_well(
    governed: Governed, settings: Any
) -> None:
    governed.add_tasks(1)
    Task.objects.update(settings=settings)
    assert present(governed)["/repository/branch"].is_uniform


def test_what_is_present_is_read_in_one_statement(governed: Governed) -> None:
    governed.add_tasks(30)
    types = read_types(type_ids=[governed.task_type.pk])
    properties = list(settable(shared_properties([types[0].named_schema]).properties))
    ids = list(Task.objects.values_list("pk", flat=True))
    assert statements_of(lambda: read_present(task_ids=ids, properties=properties)) == 1


def test_of_the_targets_only_those_are_seen_that_the_actor_may_view(governed: Governed) -> None:
    other = build_governed("ledger")
    uids = governed.add_tasks(2) + other.add_tasks(2)
    RoleMember.objects.bulk_create([RoleMember(role=other.role(3), user=governed.viewer)])
    Task.objects.filter(uid=uids[3]).update(recycled_at="2026-01-01T00:00Z")
    assert seen_targets(actor=governed.outsider, uids=uids) == []
    assert len(seen_targets(actor=governed.manager, uids=uids)) == 2
    seen = seen_targets(actor=governed.viewer, uids=[*uids, "f" * 32])
    assert [each.task_type_id for each in seen] == [
        *([governed.task_type.pk] * 2),
        other.task_type.pk,
    ]
    assert ["manage_task" in each.held for each in seen] == [False, False, True]
    assert statements_of(lambda: seen_targets(actor=governed.viewer, uids=uids)) == 3
