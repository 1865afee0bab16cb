"""Explanations: equal to guardian's answers for everybody, and about nobody who is not to be known."""

import itertools

import pytest
from django.contrib.auth.models import Group, User
from django.db import connection
from django.test.utils import CaptureQueriesContext
from hypothesis import HealthCheck, given, settings

from permissions.changes import SetPermissions
from permissions.explain import Explanation, Verdict, Via, askable, explain
from permissions.flags import Flag
from permissions.models import RoleMember, TaskUserPermission
from tasks.batch import pipeline
from tasks.batch.pipeline import Batch
from tasks.models import Task
from tests.conftest import ORIGIN, Governed, build_governed
from tests.permissions.worlds import Built, World, built, worlds
from tests.visitors import PERSONAS, auditor, persona


BOUNDED = settings(
    max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


@BOUNDED
@given(world=worlds())
def test_every_explanation_gives_guardian_s_answer_and_the_oracle_s(
    governed: Governed, world: World
) -> None:
    with built(world, governed) as built_world:
        for who, what in every_pair(built_world):
            user, task = built_world.users[who], built_world.tasks[what]
            explained = explain(user=user, task=task)
            assert explained.flags == world.flags(who, what)
            for flag in Flag:
                allowed = explained.allows(flag=flag)
                assert allowed is user.has_perm(f"tasks.{flag.codename}", task)
                assert allowed is bool(explained.flags & flag.bit)


@BOUNDED
@given(world=worlds())
def test_every_way_that_is_named_is_a_row_of_the_view_and_none_is_missing(
    governed: Governed, world: World
) -> None:
    with built(world, governed) as built_world:
        for who, what in every_pair(built_world):
            user, task = built_world.users[who], built_world.tasks[what]
            for flag in Flag:
                rows = TaskUserPermission.objects.filter(
                    user=user, content_object=task, permission__codename=flag.codename
                )
                in_view = sorted(rows.values_list("role__code", "via"))
                assert in_view == ways_of(explain(user=user, task=task), flag)


def every_pair(built_world: Built) -> list[tuple[int, int]]:
    return list(itertools.product(range(len(built_world.users)), range(len(built_world.tasks))))


def ways_of(explained: Explanation, flag: Flag) -> list[tuple[int, str]]:
    return sorted(
        (role.code, way.via.value)
        for role in explained.held
        if role.holds(flag)
        for way in role.ways
    )


def one_task(governed: Governed) -> Task:
    return Task.objects.get(uid=governed.add_tasks(1)[0])


def test_an_explanation_takes_one_statement_however_many_ways_there_are(
    governed: Governed,
) -> None:
    task = one_task(governed)
    for number in range(5):
        group = Group.objects.create(name=f"group {number}")
        governed.viewer.groups.add(group)
        RoleMember.objects.bulk_create([RoleMember(role=governed.role(8), group=group)])
    with CaptureQueriesContext(connection) as queries:
        (viewer,) = explain(user=governed.viewer, task=task).held
    assert len(queries) == 1
    assert [way.via for way in viewer.ways] == [Via.MEMBER] + [Via.GROUP] * 5
    assert viewer.ways[1].group == "group 0"


def test_a_refusal_says_whether_the_role_or_the_flag_is_missing(governed: Governed) -> None:
    task = one_task(governed)
    asked = {
        name: explain(user=persona(name, governed=governed), task=task).verdict(flag=Flag.DELETE)
        for name in PERSONAS
    }
    assert asked == {
        "superuser": Verdict.SUPERUSER,
        "manager": Verdict.HELD,
        "developer": Verdict.HELD,
        "viewer": Verdict.NOT_SET,
        "outsider": Verdict.NO_ROLE,
        "auditor": Verdict.NO_ROLE,
    }


def test_an_inactive_superuser_may_nothing(governed: Governed) -> None:
    User.objects.filter(pk=governed.admin.pk).update(is_active=False)
    explained = explain(user=governed.admin, task=one_task(governed))
    assert explained.verdict(flag=Flag.VIEW) is Verdict.INACTIVE
    assert explained.flags == 0


def test_a_task_of_its_own_permissions_is_compared_with_its_project_s(governed: Governed) -> None:
    task = one_task(governed)
    change = SetPermissions(flags={4: {"is_execute": False}})
    pipeline.apply(actor=governed.admin, batch=Batch(change=change, uids=[task.uid], origin=ORIGIN))
    explained = explain(user=governed.developer, task=task)
    (developer,) = explained.held
    assert not explained.follows
    assert not developer.holds(Flag.EXECUTE)
    assert developer.holds_in_project(Flag.EXECUTE)


@pytest.mark.parametrize(
    ("name", "about"),
    [
        ("superuser", {"admin", "manager", "developer", "viewer", "outsider"}),
        ("auditor", {"admin", "manager", "developer", "viewer", "outsider"}),
        ("manager", {"admin", "manager", "developer", "viewer"}),
        ("viewer", {"viewer"}),
        ("outsider", set()),
    ],
)
def test_who_may_ask_about_whom(governed: Governed, name: str, about: set[str]) -> None:
    task, actor = one_task(governed), persona(name, governed=governed)
    build_governed("ledger")
    asked = askable(actor=actor, task=task).users
    ours = asked.filter(username__startswith="payments-").values_list("username", flat=True)
    assert {each.removeprefix("payments-") for each in ours} == about
    sees_others = asked.filter(username__startswith="ledger-").exists()
    assert sees_others is (name in {"superuser", "auditor"})


def test_members_of_a_group_are_people_of_the_project_and_creators_of_tasks_are(
    governed: Governed,
) -> None:
    task = Task.objects.get(uid=governed.add_tasks(1, creator=governed.outsider)[0])
    group = Group.objects.create(name="testers")
    RoleMember.objects.bulk_create([RoleMember(role=governed.role(6), group=group)])
    tester = User.objects.create_user("tester")
    tester.groups.add(group)
    asked = askable(actor=governed.manager, task=task).users
    assert {tester, governed.outsider} <= set(asked)


def test_an_inactive_manager_asks_about_nobody(governed: Governed) -> None:
    task = one_task(governed)
    for user in (governed.manager, auditor()):
        user.is_active = False
        assert not askable(actor=user, task=task).users.exists()
