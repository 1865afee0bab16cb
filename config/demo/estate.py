"""The demo's projects and tasks, among them those of the vendors' documentation examples."""

import json
from collections.abc import Iterator, Mapping, Sequence
from random import Random
from typing import Any, NamedTuple

from django.contrib.auth.models import User
from django.utils import timezone
from uuid_utils.compat import uuid7

from audit.models import Operation
from audit.recorder import record_insert
from config.demo.accounts import CLOSED, OPEN, SHARED, Members, admit
from permissions.roles import add_role, create_project
from tasks.builtin_types import BuiltInType, builtin_types
from tasks.models import Project, Task, TaskType


class Plot(NamedTuple):
    """One project to be: its name, who is in it, and the components that its tasks build."""

    name: str
    members: Members
    components: tuple[str, ...]
    uid: str | None = None


# CodeArts Build, example of POST /v1/job/permissions/batch: project, jobs, custom roles.
EXAMPLE_PROJECT = "6823252f543d4915b49892a5fd9f0ec3"
EXAMPLE_JOBS = ("6a027563492d4d0894eda9ed187d0f5b", "2f211929d0c543feb38824a665ad7fcb")
EXAMPLE_ROLES = (
    (500, "test11", "3409743d2f484bf0ab0195063eba2063"),
    (501, "2", "0201282ff947463f93f1cb1e789a8457"),
    (502, "3", ""),
    (503, "4", ""),
    (504, "5", ""),
)
# Opsera, example of POST /api/v2/settings/tasks.
EXAMPLE_TASKS = ("64d7c869b5760b001e46c1a2", "64d7c869b5760b001e46c1a3")

PLOTS = (
    Plot(
        "Platform tooling",
        OPEN,
        ("ci-images", "runner-fleet", "artifact-store", "build-cache", "release-bot", "linters"),
        EXAMPLE_PROJECT,
    ),
    Plot("Payments", OPEN, ("ledger", "card-gateway", "settlement", "fraud-check", "refunds")),
    Plot("Web shop", OPEN, ("storefront", "catalogue", "basket", "checkout", "search")),
    Plot("Mobile apps", SHARED, ("android-app", "ios-app", "push-service", "deep-links")),
    Plot("Data platform", SHARED, ("warehouse", "ingest", "reports", "feature-store", "lineage")),
    Plot("Identity", CLOSED, ("sign-in", "accounts", "consent", "audit-relay")),
    Plot("Logistics", SHARED, ("routing", "labels", "stock", "carrier-api", "returns")),
    Plot("Customer care", CLOSED, ("tickets", "chat", "knowledge-base", "call-router")),
)

STAGES = ("main", "nightly", "release", "hotfix", "preview")
TASKS_PER_PROJECT = 250


class NewTask(NamedTuple):
    """One task to be."""

    uid: str
    task_type_id: int
    name: str
    settings: Mapping[str, Any]


def build_estate(
    *, actor: User, users: Mapping[str, User], operation: Operation, random: Random
) -> list[Project]:
    """Make the projects with their members and tasks, under the operation."""
    types = {built_in.key: built_in for built_in in builtin_types()}
    ids = dict(TaskType.objects.values_list("key", "id"))
    projects = []
    for plot in PLOTS:
        project = create_project(actor=actor, operation=operation, name=plot.name, uid=plot.uid)
        admit(project=project, members=plot.members, users=users)
        tasks = list(_examples(types, ids)) if plot.uid else []
        tasks += _tasks(plot, types, ids, random)
        creators = [users["manager"], users["developer"], actor]
        _insert(operation, project, tasks, [random.choice(creators) for _ in tasks])
        projects.append(project)
    example = projects[0]
    for code, name, external_id in EXAMPLE_ROLES:
        add_role(project=example, name=name, code=code, external_id=external_id)
    return projects


def _examples(types: Mapping[str, BuiltInType], ids: Mapping[str, int]) -> Iterator[NewTask]:
    kinds = ("maven-build", "npm-build", "git-sync", "git-sync")
    for uid, kind in zip((*EXAMPLE_JOBS, *EXAMPLE_TASKS), kinds, strict=True):
        yield NewTask(uid, ids[kind], f"example {uid}", types[kind].schema["examples"][0])


def _tasks(
    plot: Plot, types: Mapping[str, BuiltInType], ids: Mapping[str, int], random: Random
) -> list[NewTask]:
    combinations = [
        (component, key, stage)
        for component in plot.components
        for key in types
        for stage in STAGES
    ]
    chosen = random.sample(combinations, min(TASKS_PER_PROJECT, len(combinations)))
    return [
        NewTask(
            uuid7().hex,
            ids[key],
            f"{component} {key} {stage}",
            _settings(types[key], plot, component, stage, random),
        )
        for component, key, stage in chosen
    ]


def _settings(
    built_in: BuiltInType, plot: Plot, component: str, stage: str, random: Random
) -> dict[str, Any]:
    """Return settings like the type's example, of this component."""
    settings: dict[str, Any] = json.loads(json.dumps(built_in.schema["examples"][0]))
    if "repository" in built_in.schema["properties"]:
        branch = {"release": "release/4.2", "hotfix": "hotfix"}.get(stage, "develop")
        folder = plot.name.lower().replace(" ", "-")
        url = f"https://git.example/{folder}/{component}.git"
        settings["repository"] = {**settings.get("repository", {}), "url": url, "branch": branch}
    settings["notifications"] = {"enabled": random.choice((True, True, False))}
    if stage == "nightly":
        hour = random.randrange(1, 6)
        settings["schedule"] = {"enabled": True, "cron": f"{random.randrange(60)} {hour} * * *"}
    return settings


def _insert(
    operation: Operation, project: Project, tasks: Sequence[NewTask], creators: Sequence[User]
) -> None:
    now, count = timezone.now(), len(tasks)
    record_insert(
        model=Task,
        operation=operation,
        at=now,
        columns={
            "uid": [task.uid for task in tasks],
            "project": [project.pk] * count,
            "task_type": [task.task_type_id for task in tasks],
            "name": [task.name for task in tasks],
            "settings": [json.dumps(task.settings) for task in tasks],
            "enabled": [True] * count,
            "disabled_reason": [""] * count,
            "created_by": [creator.pk for creator in creators],
            "created_at": [now] * count,
            "updated_at": [now] * count,
            "version": [1] * count,
        },
    )
