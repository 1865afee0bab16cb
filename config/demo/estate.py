"""The demo's projects and tasks, among them those of the vendors' documentation examples."""

import json
from collections.abc import Iterator, Mapping
from random import Random
from typing import NamedTuple

from django.contrib.auth.models import User
from django.utils import timezone

from audit.models import Operation
from config.demo import components
from config.demo.accounts import CLOSED, OPEN, SHARED, Members, admit
from config.demo.components import Component
from config.demo.recipes import Settings, Site, recipes_for
from permissions.roles import add_role, create_project
from tasks.creation import NewTask, insert_tasks
from tasks.models import Project, TaskType


class Plot(NamedTuple):
    """One project to be: its name, who is in it, and the components that its tasks build."""

    name: str
    members: Members
    components: tuple[Component, ...]
    uid: str | None = None


class TaskToBe(NamedTuple):
    """One task of a plot: its type by key, its name and settings."""

    uid: str
    task_type: str
    name: str
    settings: Settings


# CodeArts Build, example of POST /v1/job/permissions/batch: project, jobs, custom roles. Of three roles
# the documentation at hand does not tell the whole devuc_role_id: without one, any is taken.
EXAMPLE_PROJECT = "6823252f543d4915b49892a5fd9f0ec3"
EXAMPLE_ROLES = (
    (500, "test11", "3409743d2f484bf0ab0195063eba2063"),
    (501, "2", "0201282ff947463f93f1cb1e789a8457"),
    (502, "3", ""),
    (503, "4", ""),
    (504, "5", ""),
)
_SHARED_PARTS = {
    "repository": {"url": "https://git.example/platform-tooling/shared.git", "branch": "develop"},
    "notifications": {"enabled": False},
}
EXAMPLE_TASKS = (
    # The example's two jobs.
    TaskToBe(
        "6a027563492d4d0894eda9ed187d0f5b", "maven-build", "shared parts: build", _SHARED_PARTS
    ),
    TaskToBe(
        "2f211929d0c543feb38824a665ad7fcb", "npm-build", "shared parts: web build", _SHARED_PARTS
    ),
    # Opsera, example of POST /api/v2/settings/tasks.
    TaskToBe("64d7c869b5760b001e46c1a2", "git-sync", "shared parts: mirror", _SHARED_PARTS),
    TaskToBe("64d7c869b5760b001e46c1a3", "git-sync", "shared parts: second mirror", _SHARED_PARTS),
)

PLOTS = (
    Plot("Platform tooling", OPEN, components.PLATFORM, EXAMPLE_PROJECT),
    Plot("Payments", OPEN, components.PAYMENTS),
    Plot("Web shop", OPEN, components.WEB_SHOP),
    Plot("Mobile apps", SHARED, components.MOBILE),
    Plot("Data platform", SHARED, components.DATA),
    Plot("Identity", CLOSED, components.IDENTITY),
    Plot("Logistics", SHARED, components.LOGISTICS),
    Plot("Customer care", CLOSED, components.CARE),
)


def build_estate(
    *, actor: User, users: Mapping[str, User], operation: Operation, random: Random
) -> list[Project]:
    """Make the projects with their members and tasks, under the operation."""
    types = dict(TaskType.objects.values_list("key", "id"))
    creators = [users["manager"].pk, users["developer"].pk, actor.pk]
    now = timezone.now()
    projects = []
    for plot in PLOTS:
        project = create_project(actor=actor, operation=operation, name=plot.name, uid=plot.uid)
        admit(project=project, members=plot.members, users=users)
        tasks = [
            NewTask(
                uid=task.uid,
                name=task.name,
                project_id=project.pk,
                task_type_id=types[task.task_type],
                settings=json.dumps(task.settings),
                created_by_id=random.choice(creators),
                created_at=now,
            )
            for task in tasks_of(plot, random=random)
        ]
        insert_tasks(operation=operation, at=now, tasks=tasks)
        projects.append(project)
    for code, name, external_id in EXAMPLE_ROLES:
        add_role(project=projects[0], name=name, code=code, external_id=external_id)
    return projects


def tasks_of(plot: Plot, *, random: Random) -> Iterator[TaskToBe]:
    """Yield the plot's tasks: the same for the same dice, ids included."""
    if plot.uid == EXAMPLE_PROJECT:
        yield from EXAMPLE_TASKS
    project = plot.name.lower().replace(" ", "-")
    for component in plot.components:
        site = Site(project, component, random)
        for recipe in recipes_for(component):
            yield TaskToBe(
                uid=f"{random.getrandbits(128):032x}",
                task_type=recipe.task_type,
                name=f"{component.name}: {recipe.title}",
                settings=recipe.settings(site),
            )
