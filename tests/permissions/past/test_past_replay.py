"""Whatever happened, questions about the past are answered as the system answered then."""

from collections import Counter

from django.contrib.auth.models import User
from hypothesis import HealthCheck, example, given, settings

from permissions.flags import ALL
from permissions.past.holders import Moment, Way, task_then, who_could
from permissions.past.people import Moments, compare_rights
from permissions.past.projects import read_projects
from tasks.models import Task
from tasks.past import state_then
from tests.conftest import Governed
from tests.permissions.governance import what_could
from tests.permissions.histories import Life, Rights, Seen, Step, steps


REPLAYED = settings(
    max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


def by_task(life: Life, seen: Seen) -> Rights:
    """Ask of each task who could do anything."""
    rights: Rights = {}
    for uid, key in keys(life).items():
        task = task_then(task_id=key, at=seen.at)
        holders = who_could(task=task, moment=Moment(at=seen.at)) if task else []
        rights |= {(str(holder.user_id), uid): holder.flags for holder in holders}
    return rights


def by_flag(life: Life, seen: Seen) -> Rights:
    """Ask of each task and flag who could do just that."""
    rights: Rights = {}
    for uid, key in keys(life).items():
        for bit in (1 << place for place in range(7)):
            task = task_then(task_id=key, at=seen.at)
            moment = Moment(at=seen.at)
            for holder in who_could(task=task, moment=moment, flags=bit) if task else []:
                pair = (str(holder.user_id), uid)
                rights[pair] = rights.get(pair, 0) | holder.flags & bit
    return rights


def by_user(life: Life, seen: Seen) -> Rights:
    """Ask of each person what they could do."""
    rights: Rights = {}
    for person in life.people:
        found = what_could(user_id=person.pk, moment=Moment(at=seen.at))
        rights |= {(str(person.pk), right.task.uid): right.flags for right in found}
        ways = Counter((right.task.project_name, tuple(right.ways)) for right in found)
        assert by_project(person, seen) == ways
    return rights


def by_project(person: User, seen: Seen) -> Counter[tuple[str, tuple[Way, ...]]]:
    """Ask of a person on how many tasks of each project they could do what, two projects at a time."""
    counted: Counter[tuple[str, tuple[Way, ...]]] = Counter()
    offset, total = 0, 1
    while offset < total:
        projects, total = read_projects(user_id=person.pk, at=seen.at, offset=offset, limit=2)
        for project in projects:
            for alike in project.alike:
                counted[project.name, tuple(alike.ways)] += alike.tasks
        offset += 2
    return counted


def differing(life: Life, before: Seen, after: Seen) -> Rights:
    """Ask of each person what differs, page by page; return what they could do at the other moment."""
    rights = dict(of_interest(before.rights, before, life))
    for person in life.people:
        key: int | None = 0
        while key is not None:
            moments = Moments(at=before.at, compared_with=after.at, after=key, limit=20)
            compared = compare_rights(user_id=person.pk, moments=moments, flags=ALL)
            key = compared.next
            for each in compared.changes:
                task = (each.after or each.before).task  # type: ignore[union-attr]  # one of them is
                pair = (str(person.pk), task.uid)
                if task.uid not in life.uids:
                    continue  # of another life
                assert rights.get(pair, 0) == (each.before.flags if each.before else 0)
                rights[pair] = each.after.flags if each.after else 0
    return of_interest(rights, after, life)


def keys(life: Life) -> dict[str, int]:
    return dict(Task.objects.filter(uid__in=life.uids).values_list("uid", "id"))


def of_interest(rights: Rights, seen: Seen, life: Life) -> Rights:
    """Leave out others than the people of this life, and what nobody could do."""
    people = {str(person.pk) for person in life.people}
    return {
        pair: flags
        for pair, flags in rights.items()
        if flags and pair[0] in people and pair[1] in life.uids
    }


# Each way of holding a right comes and goes.
COMING_AND_GOING: list[Step] = [
    ("account", 1, 0, 0, 0),
    ("account", 1, 0, 0, 0),
    ("account", 2, 0, 2, 0),
    ("account", 2, 0, 3, 0),
    ("belong", 1, 0, 0, 0),
    ("belong", 1, 0, 0, 0),
    ("member", 0, 3, 0, 1),
    ("member", 0, 2, 2, 0),
    ("row", 0, 0, 9, 0),
    ("permissions", 0, 0, 5, 3),
    ("row", 0, 0, 127, 0),
    ("permissions", 0, 1, 127, 2),
    ("recycle", 1, 0, 0, 0),
    ("undo", 0, 0, 0, 0),
    ("leave", 0, 0, 0, 0),
]


@REPLAYED
@example(happened=COMING_AND_GOING)
@given(happened=steps())
def test_the_past_is_as_the_live_system_answered_then(
    committed: Governed, happened: list[Step]
) -> None:
    life = Life(committed)
    life.begin()
    seen = []
    for step in happened:
        life.live(step)
        seen.append(life.see(step))
    for then in seen:
        expected = of_interest(then.rights, then, life)
        for ask in (by_task, by_flag, by_user):
            found = of_interest(ask(life, then), then, life)
            assert found == expected, f"{ask.__name__} after {then.step}"
        for uid, key in keys(life).items():
            state = state_then(task_id=key, at=then.at)
            known = state and (state.settings, state.enabled, state.is_recycled)
            assert known == then.states.get(uid), then.step
    before, after = seen[0], seen[-1]
    assert differing(life, before, after) == of_interest(after.rights, after, life)


def test_histories_are_rich(committed: Governed) -> None:
    """Histories in which nothing happens, or nobody may do anything, would prove nothing."""
    different: list[int] = []

    @settings(max_examples=12, database=None, derandomize=True, deadline=None)
    @given(happened=steps())
    def look_at(happened: list[Step]) -> None:
        life = Life(committed)
        life.begin()
        seen = []
        for step in happened:
            life.live(step)
            seen.append(frozenset(life.see(step).rights.items()))
        different.append(len(set(seen)))

    look_at()
    assert sorted(different)[len(different) // 2] >= 3
