"""Small, crowded random worlds: who is what, and what follows from it, said without any database.

Few people hold few roles in many ways, so that the ways overlap.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass

from django.contrib.auth.models import Group, Permission, User
from django.db import transaction
from django.utils import timezone
from hypothesis import strategies as st

from audit.models import Operation
from audit.recorder import administrative_operation, record_update
from permissions.flags import ALL, Flag
from permissions.matrix import Grant, Interned, digest_of, intern_matrices
from permissions.models import PermissionMatrix, RoleMember, RolePermission, TaskPermission
from permissions.roles import add_role, create_project
from tasks.models import Project, Task, TaskType
from tests.conftest import ORIGIN, Governed, insert_tasks


CODES = (-3, -1, 3, 4, 500)
# Nobody is made a member of the task creators: whoever creates a task holds that role on it.
CODES_WITH_MEMBERS = CODES[1:]
CODENAMES = [flag.codename for flag in Flag]
# role code → flags as bits
Matrix = Mapping[int, int]


@dataclass(frozen=True)
class Person:
    active: bool
    superuser: bool
    groups: frozenset[int]
    grants_on_the_model: frozenset[str]


@dataclass(frozen=True)
class Membership:
    project: int
    code: int
    person: int | None
    group: int | None


@dataclass(frozen=True)
class Boundary:
    creator: int
    matrix: Matrix


@dataclass(frozen=True)
class Job:
    project: int
    creator: int
    follows: bool
    own: Matrix | None
    recycled: bool


@dataclass(frozen=True)
class World:
    people: tuple[Person, ...]
    boundaries: tuple[Boundary, ...]
    memberships: frozenset[Membership]
    jobs: tuple[Job, ...]

    def flags(self, who: int, what: int) -> int:
        """Say, from what was drawn and nothing else, what the person may do to the job."""
        person, job = self.people[who], self.jobs[what]
        if not person.active or person.superuser:
            return ALL if person.active else 0
        boundary = self.boundaries[job.project]
        matrix = boundary.matrix if job.follows or job.own is None else job.own
        held = {
            member.code
            for member in self.memberships
            if member.project == job.project
            and (member.person == who or member.group in person.groups)
        }
        held |= {-1} if boundary.creator == who else set()
        held |= {-3} if job.creator == who else set()
        bits = 0
        for code in held:
            bits |= matrix.get(code, 0)
        return bits


def matrices(codes: st.SearchStrategy[frozenset[int]]) -> st.SearchStrategy[dict[int, int]]:
    """Draw the rows of a matrix; the administrator's row, if there is one, holds everything."""
    flags = st.integers(0, ALL)
    return codes.flatmap(
        lambda chosen: st.fixed_dictionaries(
            {code: st.just(ALL) if code == -1 else flags for code in sorted(chosen)}
        )
    )


@st.composite
def worlds(draw: st.DrawFn) -> World:
    """Draw four people in two groups, two projects, and three tasks."""
    people = st.integers(0, 3)
    person = st.builds(
        Person,
        active=st.sampled_from([True] * 5 + [False]),
        superuser=st.sampled_from([False] * 5 + [True]),
        groups=st.frozensets(st.integers(0, 1)),
        grants_on_the_model=st.frozensets(st.sampled_from(CODENAMES), max_size=2),
    )
    member = st.builds(
        Membership,
        project=st.integers(0, 1),
        code=st.sampled_from(CODES_WITH_MEMBERS),
        person=people,
        group=st.none(),
    ) | st.builds(
        Membership,
        project=st.integers(0, 1),
        code=st.sampled_from(CODES_WITH_MEMBERS),
        person=st.none(),
        group=st.integers(0, 1),
    )
    every_role = matrices(st.just(frozenset(CODES)))
    job = st.builds(
        Job,
        project=st.integers(0, 1),
        creator=people,
        follows=st.booleans(),
        own=st.none() | matrices(st.frozensets(st.sampled_from(CODES), min_size=1)),
        recycled=st.sampled_from([False, False, True]),
    )
    return World(
        people=tuple(draw(st.lists(person, min_size=4, max_size=4))),
        boundaries=tuple(
            draw(st.lists(st.builds(Boundary, people, every_role), min_size=2, max_size=2))
        ),
        memberships=draw(st.frozensets(member, min_size=5, max_size=12)),
        jobs=tuple(draw(st.lists(job, min_size=3, max_size=3))),
    )


@dataclass(frozen=True)
class Built:
    users: list[User]
    tasks: list[Task]


@contextmanager
def built(world: World, governed: Governed) -> Iterator[Built]:
    """Build the world in the database, for as long as the block runs."""
    savepoint = transaction.savepoint()
    with administrative_operation(actor=governed.admin, kind="world", origin=ORIGIN) as operation:
        groups = [Group.objects.create(name=f"group {number}") for number in range(2)]
        users = [
            build_person(person, f"person {number}", groups)
            for number, person in enumerate(world.people)
        ]
        projects = [
            build_project(boundary, users, number, operation)
            for number, boundary in enumerate(world.boundaries)
        ]
        for member in world.memberships:
            RoleMember.objects.create(
                role=projects[member.project].roles.get(code=member.code),
                user=None if member.person is None else users[member.person],
                group=None if member.group is None else groups[member.group],
            )
        tasks = [
            build_task(job, users, projects[job.project], governed.task_type, operation)
            for job in world.jobs
        ]
    try:
        yield Built([User.objects.get(pk=user.pk) for user in users], tasks)
    finally:
        transaction.savepoint_rollback(savepoint)


def build_person(person: Person, name: str, groups: list[Group]) -> User:
    user = User.objects.create_user(name, is_active=person.active, is_superuser=person.superuser)
    user.groups.set([groups[number] for number in person.groups])
    grants = Permission.objects.filter(
        content_type__app_label="tasks", codename__in=person.grants_on_the_model
    )
    user.user_permissions.set(grants)
    for group in groups[:1]:
        group.permissions.set(grants)
    return user


def build_project(
    boundary: Boundary, users: list[User], number: int, operation: Operation
) -> Project:
    project = create_project(
        actor=users[boundary.creator], operation=operation, name=f"project {number}"
    )
    add_role(project=project, name="Custom")
    rows = RolePermission.objects.filter(matrix__project=project, role_code__in=boundary.matrix)
    keys = dict(rows.values_list("role_code", "id"))
    record_update(
        model=RolePermission,
        operation=operation,
        at=timezone.now(),
        keys=[keys[code] for code in boundary.matrix],
        columns={
            flag.vendor_name: [bool(bits & flag.bit) for bits in boundary.matrix.values()]
            for flag in Flag
        },
    )
    return project


def build_task(
    job: Job, users: list[User], project: Project, task_type: TaskType, operation: Operation
) -> Task:
    uid = f"{Task.objects.count():024x}"
    insert_tasks(
        operation=operation,
        project=project,
        task_type=task_type,
        creator=users[job.creator],
        uids=[uid],
    )
    Task.objects.filter(uid=uid).update(recycled_at=timezone.now() if job.recycled else None)
    task = Task.objects.get(uid=uid)
    if job.own is not None:
        roles = dict(project.roles.values_list("code", "id"))
        rows = {code: Grant(roles[code], bits) for code, bits in job.own.items()}
        name = Interned(project.pk, digest_of(rows))
        own = intern_matrices({name: rows})[name]
        following = PermissionMatrix.objects.get(project=project, digest=None).pk
        TaskPermission.objects.filter(pk=task.pk).update(
            matrix=following if job.follows else own, own_matrix=own if job.follows else None
        )
    return task
