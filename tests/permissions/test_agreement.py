"""Everybody who answers who may do what to which task gives the same answer.

The oracle (`World.flags`) knows nothing of tables, views or SQL.
"""

import itertools
from collections.abc import Callable, Iterable

from django.db import connection
from guardian.shortcuts import get_objects_for_user, get_perms
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from permissions.authority import MatrixAuthority
from permissions.effective import tasks_with, users_with
from permissions.flags import ALL, BY_CODENAME, Flag, codenames_in, flags_in
from tasks.models import Task
from tests.conftest import Governed
from tests.permissions.worlds import CODENAMES, Built, World, built, worlds


# By the places of a person and a task in their world: the flags as bits.
Answer = dict[tuple[int, int], int]


def bits_of(codenames: Iterable[str]) -> int:
    return sum(BY_CODENAME[name].bit for name in set(codenames) & set(CODENAMES))


def by_has_perm(built: Built) -> Answer:
    return {
        (who, what): bits_of(name for name in CODENAMES if user.has_perm(f"tasks.{name}", task))
        for who, user in enumerate(built.users)
        for what, task in enumerate(built.tasks)
    }


def by_lists_of_tasks(built: Built) -> Answer:
    answer = dict.fromkeys(every_pair(built), 0)
    places = {task.pk: what for what, task in enumerate(built.tasks)}
    for (who, user), flag in itertools.product(enumerate(built.users), Flag):
        for task in tasks_with(user=user, permission=flag.codename).filter(pk__in=places):
            answer[who, places[task.pk]] |= flag.bit
    return answer


def by_lists_of_users(built: Built) -> Answer:
    answer = dict.fromkeys(every_pair(built), 0)
    places = {user.pk: who for who, user in enumerate(built.users)}
    for (what, task), flag in itertools.product(enumerate(built.tasks), Flag):
        for user in users_with(task=task, permission=flag.codename).filter(pk__in=places):
            answer[places[user.pk], what] |= flag.bit
    return answer


def by_rows_of_the_view(built: Built) -> Answer:
    """Read the view as it is; it knows roles, and neither who is active nor who is a superuser."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT user_id, content_object_id, permission.codename"
            " FROM permissions_effective AS effective"
            " JOIN auth_permission AS permission ON permission.id = effective.permission_id"
            " WHERE user_id = ANY(%s) AND content_object_id = ANY(%s)",
            [[user.pk for user in built.users], [task.pk for task in built.tasks]],
        )
        rows = set(cursor.fetchall())
    return {
        (who, what): (
            ALL * user.is_active
            if user.is_superuser or not user.is_active
            else bits_of(name for name in CODENAMES if (user.pk, task.pk, name) in rows)
        )
        for who, user in enumerate(built.users)
        for what, task in enumerate(built.tasks)
    }


def by_authority(built: Built) -> Answer:
    answer = dict.fromkeys(every_pair(built), 0)
    places = {task.pk: what for what, task in enumerate(built.tasks)}
    for who, user in enumerate(built.users):
        for held in MatrixAuthority().rights(actor=user, task_ids=list(places)):
            for key in held.task_ids:
                assert not answer[who, places[key]], "a task is in one group"
                answer[who, places[key]] = bits_of(held.codenames)
    return answer


def by_list_of_permissions(built: Built) -> Answer:
    return {
        (who, what): bits_of(get_perms(user, task))
        for who, user in enumerate(built.users)
        for what, task in enumerate(built.tasks)
    }


def every_pair(built: Built) -> list[tuple[int, int]]:
    return list(itertools.product(range(len(built.users)), range(len(built.tasks))))


ANSWERS: list[Callable[[Built], Answer]] = [
    by_authority,
    by_has_perm,
    by_list_of_permissions,
    by_lists_of_tasks,
    by_lists_of_users,
    by_rows_of_the_view,
]
BOUNDED = settings(
    max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


@BOUNDED
@given(world=worlds())
def test_everybody_gives_the_oracle_s_answer(governed: Governed, world: World) -> None:
    with built(world, governed) as built_world:
        expected = {pair: world.flags(*pair) for pair in every_pair(built_world)}
        for answer in ANSWERS:
            given_answer = answer(built_world)
            wrong = {
                pair: (codenames_in(given_answer[pair]), codenames_in(flags))
                for pair, flags in expected.items()
                if given_answer[pair] != flags
            }
            assert not wrong, f"{answer.__name__} (given, expected): {wrong}"


@BOUNDED
@given(world=worlds(), wanted=st.sets(st.sampled_from(Flag), min_size=2, max_size=3))
def test_several_permissions_at_once_are_all_or_any_of_them(
    governed: Governed, world: World, wanted: set[Flag]
) -> None:
    bits = sum(flag.bit for flag in wanted)
    with built(world, governed) as built_world:
        places = {task.pk: what for what, task in enumerate(built_world.tasks)}
        for (who, user), any_perm in itertools.product(enumerate(built_world.users), (False, True)):
            if not user.is_active:
                continue  # guardian does not ask; `tasks_with` does
            found = get_objects_for_user(
                user,
                [flag.codename for flag in wanted],
                Task,
                any_perm=any_perm,
                use_groups=False,
                accept_global_perms=False,
            )
            given_answer = {places[task.pk] for task in found if task.pk in places}
            assert given_answer == {
                what
                for what in range(len(built_world.tasks))
                if (
                    world.flags(who, what) & bits
                    if any_perm
                    else not bits & ~world.flags(who, what)
                )
            }, flags_in(bits)


def test_the_random_worlds_are_rich() -> None:
    """Worlds in which nobody may do anything would prove nothing."""
    answers: list[int] = []

    @settings(max_examples=30, database=None, derandomize=True)
    @given(world=worlds())
    def look_at(world: World) -> None:
        pairs = itertools.product(range(len(world.people)), range(len(world.jobs)))
        answers.append(len({world.flags(*pair) for pair in pairs}))

    look_at()
    assert sorted(answers)[len(answers) // 2] >= 3
