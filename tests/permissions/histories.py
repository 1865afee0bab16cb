"""Random histories: what people do to a small world, step by step, and what was so after each step.

Everything is done as the product does it: batches through the pipeline, what governs tasks under an
administrative operation, accounts by whoever writes Django's tables. Each step is committed.
"""

import itertools
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import uuid4

from django.contrib.auth.models import Group, User
from django.db import connection
from guardian.shortcuts import get_perms
from hypothesis import strategies as st

from audit.recorder import administrative_operation
from permissions.changes import SetPermissions
from permissions.flags import ALL, BY_CODENAME, Flag
from permissions.models import RoleMember, RolePermission
from permissions.roles import add_role, create_project
from tasks.batch.errors import BatchError
from tasks.batch.pipeline import Applied
from tasks.changes import RecycleTasks, SetEnabled, UpdateSettings
from tasks.models import Project, Task, new_uid
from tests.batches import apply, undo
from tests.conftest import ORIGIN, Governed, insert_tasks


CODES = (-3, -1, 3, 4, 500)
# Who created a task holds the role of its creators; nobody is its member.
WITH_MEMBERS = CODES[1:]

# A step is a kind and four small numbers, which mean what the kind makes of them.
Step = tuple[str, int, int, int, int]
Rights = dict[tuple[str, str], int]


@dataclass(frozen=True)
class Seen:
    """What was so at a moment: rights by (user's key, task's id), and each task's settings."""

    at: datetime
    step: Step
    rights: Rights
    states: dict[str, tuple[Any, bool, bool]]


@dataclass
class Life:
    """A small world that changes: three people besides the administrator, two groups, a few tasks."""

    governed: Governed
    name: str = field(default_factory=lambda: uuid4().hex[:12])
    people: list[User] = field(default_factory=list)
    groups: list[Group] = field(default_factory=list)
    projects: list[Project] = field(default_factory=list)
    uids: list[str] = field(default_factory=list)
    applied: list[Applied] = field(default_factory=list)
    count: Iterator[int] = field(default_factory=lambda: itertools.count(100))

    def begin(self) -> None:
        for number in range(3):
            self.people.append(User.objects.create_user(f"{self.name}-{number}"))
        self.groups = [Group.objects.create(name=f"{self.name} {number}") for number in range(2)]
        self.project(0, 0, 0, 0)
        self.task(0, 1, 0, 0)
        self.task(0, 2, 0, 0)
        self.belong(1, 0, 0, 0)
        self.member(0, WITH_MEMBERS.index(4), 0, 1)
        self.member(0, WITH_MEMBERS.index(3), 2, 0)

    def live(self, step: Step) -> None:
        """Do one thing; what is refused changes nothing, and that is a step as well."""
        kind, *numbers = step
        act: Callable[..., None] = getattr(self, kind)
        try:
            act(*numbers)
        except BatchError:
            return

    # What can happen.

    def project(self, who: int, _b: int, _c: int, _d: int) -> None:
        with self._operation("add_project") as operation:
            project = create_project(
                actor=self._person(who),
                operation=operation,
                name=f"{self.name} {next(self.count)}",
            )
            add_role(project=project, name="Custom")
        self.projects.append(project)

    def task(self, where: int, who: int, _c: int, _d: int) -> None:
        uid = new_uid()
        with self._operation("add_task") as operation:
            insert_tasks(
                operation=operation,
                project=self._project(where),
                task_type=self.governed.task_type,
                creator=self._person(who),
                uids=[uid],
            )
        self.uids.append(uid)

    def member(self, where: int, code: int, who: int, as_group: int) -> None:
        """Give a role, or take it away."""
        role = self._project(where).roles.get(code=_pick(WITH_MEMBERS, code))
        holder = {"group": _pick(self.groups, who)} if as_group % 2 else {"user": self._person(who)}
        with self._operation("change_members"):
            member, is_new = RoleMember.objects.get_or_create(role=role, **holder)
            if not is_new:
                member.delete()

    def row(self, where: int, code: int, flags: int, _d: int) -> None:
        """Change a row of a project's own matrix."""
        row = RolePermission.objects.get(
            matrix__project=self._project(where),
            matrix__digest=None,
            role_code=_pick((-3, 3, 4, 500), code),
        )
        for flag in Flag:
            setattr(row, flag.vendor_name, bool(flags & flag.bit))
        with self._operation("edit_matrix"):
            row.save()

    def belong(self, who: int, where: int, _c: int, _d: int) -> None:
        """Join a group, or leave it."""
        person, group = self._person(who), _pick(self.groups, where)
        change = person.groups.remove if group in person.groups.all() else person.groups.add
        change(group)

    def account(self, who: int, _b: int, which: int, _d: int) -> None:
        """Change what an account is, in or outside of an operation."""
        person = User.objects.get(pk=self._person(who).pk)
        if which % 4 == 0:
            person.is_superuser = not person.is_superuser
        elif which % 4 == 1:
            person.username = f"{self.name}-{next(self.count)}"
        else:
            person.is_active = not person.is_active
        if which % 2:
            person.save()
            return
        with self._operation("change_user"):
            person.save()

    def leave(self, who: int, _b: int, _c: int, _d: int) -> None:
        """Delete an account that created nothing, and take its roles."""
        person = User.objects.create_user(f"{self.name}-{next(self.count)}")
        self.people.append(person)
        role = self._project(who).roles.get(code=4)
        with self._operation("add_member"):
            RoleMember.objects.create(role=role, user=person)
        with self._operation("delete_user"):
            User.objects.get(pk=person.pk).delete()
        self.people.remove(person)

    def permissions(self, what: int, code: int, flags: int, follow: int) -> None:
        """Change a task's own permissions, or let it follow its project."""
        change = SetPermissions(
            flags={_pick(CODES, code): {f.vendor_name: bool(flags & f.bit) for f in Flag}},
            follow=_pick((None, None, True, False), follow),
        )
        self._apply(change, what)

    def settings(self, what: int, branch: int, _c: int, _d: int) -> None:
        self._apply(UpdateSettings(patch={"repository": {"branch": f"b{branch % 3}"}}), what)

    def enabled(self, what: int, on: int, _c: int, _d: int) -> None:
        self._apply(SetEnabled(enabled=bool(on % 2), reason=""), what)

    def recycle(self, what: int, _b: int, _c: int, _d: int) -> None:
        self._apply(RecycleTasks(), what)

    def undo(self, which: int, _b: int, _c: int, _d: int) -> None:
        if self.applied:
            self.applied.append(undo(self.governed.admin, _pick(self.applied, which)))

    def see(self, step: Step) -> Seen:
        """Ask the live system what is so now, once what was done is committed."""
        tasks = list(Task.objects.filter(uid__in=self.uids))
        people = list(User.objects.filter(pk__in=[person.pk for person in self.people]))
        rights = {
            (str(user.pk), task.uid): _bits(user, task)
            for user, task in itertools.product(people, tasks)
        }
        states = {
            task.uid: (task.settings, task.enabled, task.recycled_at is not None) for task in tasks
        }
        with connection.cursor() as cursor:
            cursor.execute("SELECT clock_timestamp()")
            (now,) = cursor.fetchone()
        return Seen(now, step, rights, states)

    def _apply(self, change: Any, what: int) -> None:
        # Some batches are of all tasks, of which most people see but some.
        uids = self.uids if what % 7 == 6 else [_pick(self.uids, what)]
        self.applied.append(apply(self.governed.admin, change, uids))

    def _operation(self, kind: str) -> Any:
        return administrative_operation(actor=self.governed.admin, kind=kind, origin=ORIGIN)

    def _person(self, number: int) -> User:
        return self.people[number % len(self.people)]

    def _project(self, number: int) -> Project:
        return self.projects[number % len(self.projects)]


# What decides over rights comes up more often than what does not.
KINDS = (
    *("member", "member", "member", "row", "row", "belong", "belong", "account", "account"),
    *("permissions", "permissions", "permissions", "task", "project", "leave"),
    *("settings", "enabled", "recycle", "undo"),
)


def steps() -> st.SearchStrategy[list[Step]]:
    """Draw what happens."""
    number = st.integers(0, ALL)
    step = st.tuples(st.sampled_from(KINDS), number, number, number, number)
    return st.lists(step, min_size=10, max_size=16)


def _bits(user: User, task: Task) -> int:
    return sum(BY_CODENAME[name].bit for name in set(get_perms(user, task)) & BY_CODENAME.keys())


def _pick(choices: Any, number: int) -> Any:
    return choices[number % len(choices)]
