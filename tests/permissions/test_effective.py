"""The querysets of what an actor may see: equal to guardian's answer, in two queries."""

import random

import pytest
from django.contrib.auth.models import Group, User
from guardian.shortcuts import get_objects_for_user
from pytest_django import DjangoAssertNumQueries

from audit.recorder import administrative_operation
from permissions.changes import SetPermissions
from permissions.models import RoleMember, RolePermission
from tasks.batch import pipeline
from tasks.batch.pipeline import Batch
from tasks.models import Project, Task
from tasks.visibility import reach_of, visible_projects, visible_tasks
from tests.conftest import ORIGIN, Governed, build_governed


def guardians_answer(user: User) -> set[int]:
    tasks = get_objects_for_user(
        user, "tasks.view_task", Task, use_groups=False, accept_global_perms=False
    )
    return set(tasks.values_list("pk", flat=True))


def make_random(seed: int) -> list[User]:
    """Make two projects with random members, flags, creators and matrices of tasks' own."""
    chance = random.Random(seed)  # noqa: S311  # the same tests every time, no secret
    users = [User.objects.create_user(f"user-{number}") for number in range(5)]
    groups = [Group.objects.create(name=f"group-{number}") for number in range(2)]
    for group in groups:
        group.user_set.set(chance.sample(users, 2))
    for name in ("payments", "ledger"):
        governed = build_governed(name)
        uids = [governed.add_tasks(1, creator=chance.choice(users))[0] for _ in range(6)]
        with administrative_operation(actor=governed.admin, kind="x", origin=ORIGIN):
            roles = chance.sample(list(governed.project.roles.exclude(code=-3)), 4)
            for role in roles:
                member = chance.choice([*users, *groups])
                held_by = {"user" if isinstance(member, User) else "group": member}
                RoleMember.objects.create(role=role, **held_by)
            for row in RolePermission.objects.filter(matrix__digest=None).exclude(role_code=-1):
                row.is_view = chance.random() < 0.5
                row.save()
        flags = {code: {"is_view": chance.random() < 0.5} for code in (-3, 4, 8)}
        own = Batch(change=SetPermissions(flags=flags), uids=chance.sample(uids, 3), origin=ORIGIN)
        pipeline.apply(actor=governed.admin, batch=own)
    return list(User.objects.all())


@pytest.mark.django_db
@pytest.mark.parametrize("seed", range(5))
def test_the_tasks_an_actor_sees_are_those_that_guardian_names(seed: int) -> None:
    for user in make_random(seed):
        seen = visible_tasks(actor=user).values_list("pk", flat=True)
        assert sorted(seen) == sorted(guardians_answer(user))


@pytest.mark.django_db
@pytest.mark.parametrize("seed", range(2))
def test_the_projects_an_actor_sees_are_those_of_roles_and_of_visible_tasks(seed: int) -> None:
    for user in make_random(seed):
        expected = set(Project.objects.filter(created_by=user))
        expected |= set(Project.objects.filter(roles__members__user=user))
        expected |= set(Project.objects.filter(roles__members__group__user=user))
        expected |= set(Project.objects.filter(tasks__pk__in=guardians_answer(user)))
        if user.is_superuser:
            expected = set(Project.objects.all())
        assert set(visible_projects(actor=user)) == expected


@pytest.mark.django_db
@pytest.mark.parametrize(("seed", "few"), [(0, 200), (1, 200), (2, 1), (3, 0)])
def test_what_an_actor_sees_is_in_projects_within_their_reach_or_named(
    seed: int, few: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("permissions.effective._FEW", few)
    for user in make_random(seed):
        reach = reach_of(actor=user)
        seen = guardians_answer(user)
        assert set(reach.tasks.values_list("pk", flat=True)) == seen
        inside = Task.objects.filter(project__uid__in=reach.projects)
        assert seen - set(inside.values_list("pk", flat=True)) == set(reach.elsewhere)
        assert len(reach.elsewhere) <= few


def test_nobody_inactive_sees_anything(governed: Governed) -> None:
    governed.add_tasks(1)
    governed.admin.is_active = False
    assert not visible_tasks(actor=governed.admin)
    assert not visible_projects(actor=governed.admin)
    reach = reach_of(actor=governed.admin)
    assert not reach.tasks
    assert not [*reach.projects, *reach.elsewhere]


def test_asking_takes_two_queries_however_many_tasks_and_projects(
    governed: Governed, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    governed.add_tasks(2, creator=governed.viewer)
    for tasks in (2, 20):
        with django_assert_num_queries(2):
            assert len(visible_tasks(actor=governed.viewer)) == tasks
        governed.add_tasks(18, creator=governed.viewer)
    with django_assert_num_queries(2):
        list(visible_projects(actor=governed.viewer))
