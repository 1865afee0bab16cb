"""The projects, task types and accounts that a file names, each looked up once."""

import json
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from django.contrib.auth.models import User
from django.db.models import Q

from tasks.batch.authority import authority
from tasks.models import Project, TaskType
from tasks.schemas import CompiledSchema, Pointer, compiled_schema


class KnownProject(NamedTuple):
    """A project, and whether the actor may add tasks to it."""

    id: int
    name: str
    may_add: bool


@dataclass(frozen=True)
class KnownType:
    """A task type: its schema as it is written, and ready for use."""

    id: int
    rules: Mapping[str, Any]
    schema: CompiledSchema
    _found: dict[Pointer, Mapping[str, Any]] = field(default_factory=dict)

    def rules_at(self, place: Pointer) -> Mapping[str, Any]:
        """Return what the schema says of one place, looked up once; nothing if it names no such."""
        if place not in self._found:
            rules: Any = self.rules
            for step in place:
                inner = rules.get("properties") if isinstance(rules, dict) else None
                rules = inner.get(step) if isinstance(inner, dict) else None
            self._found[place] = rules if isinstance(rules, dict) else {}
        return self._found[place]


def may_not_add(*, actor: User, project: KnownProject) -> str:
    """Return the sentence that tells an actor who might have."""
    return (
        f"{actor.get_username()!r} may not add tasks to {project.name!r}; superusers may,"
        " and who administers or manages the project (roles -1 and 3)"
    )


class Directory:
    """Remembers what was found, so that only names not met before are asked for.

    What it holds is bounded by what the database holds; names that were not found are not kept.
    """

    def __init__(self, *, actor: User) -> None:
        self._actor = actor
        self.projects: dict[str, KnownProject] = {}
        self.types: dict[str, KnownType] = {}
        self.accounts: dict[str, int] = {actor.get_username(): actor.pk}

    def learn_projects(self, names: Collection[str]) -> None:
        """Look up projects by id or name; an id comes before an equal name."""
        if not (unknown := set(names) - self.projects.keys()):
            return
        found = list(
            Project.objects.filter(Q(uid__in=unknown) | Q(name__in=unknown)).only("uid", "name")
        )
        may_add = authority().may_add_tasks(
            actor=self._actor, project_ids=[project.pk for project in found]
        )
        known = {
            project: KnownProject(project.pk, project.name, project.pk in may_add)
            for project in found
        }
        self.projects.update({project.name: entry for project, entry in known.items()})
        self.projects.update({project.uid: entry for project, entry in known.items()})

    def learn_types(self, keys: Collection[str]) -> None:
        """Look up task types by key."""
        if unknown := set(keys) - self.types.keys():
            for task_type in TaskType.objects.filter(key__in=unknown):
                schema = compiled_schema(json.dumps(task_type.schema))
                self.types[task_type.key] = KnownType(task_type.pk, task_type.schema, schema)

    def learn_accounts(self, names: Collection[str]) -> None:
        """Look up accounts by the name they log in with."""
        if unknown := set(names) - self.accounts.keys():
            found = User.objects.filter(username__in=unknown).values_list("username", "pk")
            self.accounts.update(found)
