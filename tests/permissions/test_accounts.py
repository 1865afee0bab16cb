"""Accounts and groups have a history, whatever writes them."""

from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth.models import Group, Permission, User
from django.contrib.auth.signals import user_logged_in
from django.db import models
from django.utils import timezone

from audit.models import Channel, Operation
from audit.recorder import administrative_operation
from permissions.models import PermissionMatrix
from tasks.models import Project, new_project_uid
from tests.conftest import ORIGIN, Governed
from tests.tracked import TRACKED_BY_TRIGGER, history_of, rows_of


def new_user() -> User:
    return User.objects.create_user("newcomer", email="n@example.org", password="guess")


def new_group() -> Group:
    return Group.objects.create(name="release managers")


def new_member() -> models.Model:
    user, group = new_user(), new_group()
    user.groups.add(group)
    return User.groups.through.objects.get(user=user, group=group)


def new_user_permission() -> models.Model:
    new_user().user_permissions.add(Permission.objects.earliest("pk"))
    return User.user_permissions.through.objects.latest("pk")


def new_group_permission() -> models.Model:
    new_group().permissions.add(Permission.objects.earliest("pk"))
    return Group.permissions.through.objects.latest("pk")


def new_matrix() -> models.Model:
    creator = User.objects.earliest("pk")
    project = Project(
        uid=new_project_uid(), name="new", created_by=creator, created_at=timezone.now()
    )
    return PermissionMatrix.objects.create(project=Project.objects.bulk_create([project])[0])


NEW: dict[type[models.Model], Callable[[], models.Model]] = {
    User: new_user,
    Group: new_group,
    User.groups.through: new_member,
    User.user_permissions.through: new_user_permission,
    Group.permissions.through: new_group_permission,
    PermissionMatrix: new_matrix,
}


def test_every_model_tracked_by_a_trigger_is_tried() -> None:
    assert NEW.keys() == TRACKED_BY_TRIGGER


@pytest.mark.parametrize("model", NEW)
def test_what_is_added_and_removed_is_recorded_as_it_was(
    governed: Governed, model: type[models.Model]
) -> None:
    history_model = model.history.model  # type: ignore[attr-defined]  # added by the library
    row = NEW[model]()
    key = row.pk
    (current,) = rows_of(model._meta.db_table, where={"id": key})
    row.delete()
    history = rows_of(history_model._meta.db_table, where={"id": key})
    assert [entry["history_type"] for entry in history] == ["+", "-"]
    tracked = {history_model._meta.get_field(f.name).column for f in history_model.tracked_fields}
    for entry in history:
        assert {name: entry[name] for name in tracked} == {name: current[name] for name in tracked}


def test_no_history_holds_a_password_or_who_somebody_is(governed: Governed) -> None:
    columns = history_of(new_user())[0].keys()
    assert not columns & {"password", "email", "first_name", "last_name", "last_login"}


@pytest.mark.parametrize("change", ["is_active", "is_superuser", "is_staff"])
def test_a_right_of_an_account_is_recorded_for_those_who_got_it(
    governed: Governed, change: str
) -> None:
    people = [governed.viewer, governed.developer, governed.admin]
    before = {person.pk: len(history_of(person)) for person in people}
    value = change != "is_active"
    had = set(User.objects.filter(**{change: value}).values_list("pk", flat=True))
    User.objects.filter(pk__in=before).update(**{change: value})
    for person in people:
        rows = history_of(person)[before[person.pk] :]
        expected = [] if person.pk in had else [("~", value)]
        assert [(row["history_type"], row[change]) for row in rows] == expected


def sign_in(user: User) -> None:
    user_logged_in.send(sender=User, request=None, user=user)


def change_nothing(user: User) -> None:
    user.groups.set([])
    user.save()


@pytest.mark.parametrize("act", [sign_in, change_nothing])
def test_what_changes_no_right_is_no_change_and_opens_no_operation(
    governed: Governed, act: Callable[[User], None]
) -> None:
    operations = Operation.objects.count()
    act(User.objects.get(pk=governed.viewer.pk))
    assert Operation.objects.count() == operations
    assert len(history_of(governed.viewer)) == 1


def operations_of(rows: list[dict[str, Any]]) -> set[Operation]:
    return set(Operation.objects.filter(pk__in=[row["operation_id"] for row in rows]))


def test_a_change_inside_an_operation_belongs_to_it(governed: Governed) -> None:
    group = new_group()
    with administrative_operation(
        actor=governed.admin, kind="change_user", origin=ORIGIN
    ) as operation:
        governed.viewer.groups.add(group)
    member = User.groups.through.objects.get(user=governed.viewer)
    assert operations_of(history_of(member)) == {operation}
    assert history_of(member)[0]["history_user_id"] == governed.admin.pk


def test_a_change_without_an_operation_opens_one_for_its_transaction(governed: Governed) -> None:
    member = new_member()
    user = User.objects.get(username="newcomer")
    (operation,) = operations_of(history_of(member)) | operations_of(history_of(user))
    assert (operation.channel, operation.actor) == (Channel.DATABASE, None)


def test_the_history_of_a_deleted_account_says_who_it_was(governed: Governed) -> None:
    user = new_user()
    key = user.pk
    user.delete()
    last = rows_of("permissions_historicaluser", where={"id": key})[-1]
    assert (last["history_type"], last["username"]) == ("-", "newcomer")
