"""The change of settings and its undo."""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any, ClassVar, NamedTuple, Self

from django.conf import settings as django_settings
from django.contrib.auth.models import User
from django.db import connection
from psycopg import sql

from audit.models import Operation
from audit.recorder import Expression, record_update
from audit.trail.facets import settings_facets
from tasks import queries
from tasks.batch.change import Change
from tasks.batch.plan import Outcome, OutcomeKind, Reason
from tasks.changes.places import changed_places
from tasks.changes.restoring import RestorableRow, RestoreTask
from tasks.merge import merge_expression, merge_patch, objects_in, read_json
from tasks.models import Task
from tasks.schemas import (
    CompiledSchema,
    Pointer,
    Problem,
    json_pointer,
    problems_for_any_type,
)
from tasks.secrets import extract_secrets, store_secrets
from tasks.type_schemas import TypeSchema, read_schemas


# An expression of more objects would be no shorter than the documents.
_MOST_OBJECTS = 50

_TOO_LONG = (Problem("", "maxBytes", "the settings would be longer than a task's may be"),)

# Stands where a refused attempt would have put a value.
NOT_KEPT = "(not kept)"


class SettingsRow(NamedTuple):
    """A task as `UpdateSettings` reads it; settings are JSON text until they are needed."""

    id: int
    uid: str
    task_type_id: int
    version: int
    settings: str


class Patched(Outcome):
    """The outcome of a target that a patch, its `write`, changes: spelt out for who asks for it."""

    __slots__ = ()

    @property
    def after(self) -> str:
        """The settings as they will be, as JSON text."""
        merged, _ = merge_patch(json.loads(self.before), self.write)
        return json.dumps(merged, ensure_ascii=False)


def settings_unchanged(*, row: SettingsRow, types: Mapping[int, TypeSchema]) -> Outcome:
    """Return the outcome of a target that has these settings already."""
    return Outcome(
        row.uid,
        OutcomeKind.UNCHANGED,
        task_id=row.id,
        mark=_mark(row, types[row.task_type_id]),
        before=row.settings,
        after=row.settings,
    )


def settings_invalid(
    *, row: SettingsRow, problems: Sequence[Problem], types: Mapping[int, TypeSchema]
) -> Outcome:
    """Return the outcome of a target whose type does not allow the settings."""
    return Outcome(
        row.uid,
        OutcomeKind.INVALID,
        task_id=row.id,
        mark=_mark(row, types[row.task_type_id]),
        before=row.settings,
        reason=Reason.SETTINGS,
        detail="; ".join(f"{place or '/'}: {message}" for place, _, message in problems),
        problems=problems,
    )


def _mark(row: SettingsRow, task_type: TypeSchema) -> str:
    return f"{row.version}.{row.task_type_id}.{task_type.version}"


@dataclass(frozen=True, kw_only=True)
class UpdateSettings(Change[SettingsRow]):
    """Merges a patch into the settings of tasks (RFC 7396); the result must satisfy each task's type.

    `sealed` maps the secret places of the patch, as JSON pointers, to the references that the patch
    holds there once the change is bound; `secrets` holds the raw values until they are stored.
    """

    kind: ClassVar[str] = "update_settings"
    title: ClassVar[str] = "Change settings"
    right: ClassVar[str] = "change_task"
    # What is secret in the type of one target must be secret in those of the others.
    binds_by_type: ClassVar[bool] = True

    patch: Mapping[str, Any] = field(repr=False)
    sealed: Mapping[str, str] = field(default_factory=dict)
    secrets: Mapping[str, str] = field(default_factory=dict, repr=False)
    patch_problems: Mapping[int, Sequence[Problem]] = field(default_factory=dict)
    types: Mapping[int, TypeSchema] = field(default_factory=dict, repr=False)

    @property
    def weight(self) -> int:
        """The length of the patch as JSON text."""
        return len(json.dumps(self.patch))

    @classmethod
    def from_parameters(cls, parameters: Mapping[str, Any]) -> Self:
        """Return the bound change that `parameters()` described."""
        return cls(patch=parameters["settings"], sealed=parameters["sealed"])

    def parameters(self) -> dict[str, Any]:
        """Return the patch with references in place of secrets, and where they stand."""
        return {"settings": dict(self.patch), "sealed": dict(self.sealed)}

    def attempted_parameters(self) -> dict[str, Any]:
        """Return the places of the patch, without their values."""
        return {"settings": _without_values(self.patch)}

    def identity(self) -> Mapping[str, Any]:
        """Return the patch as it was given."""
        return self.patch

    def read(self, *, uids: Sequence[str], lock: bool) -> list[SettingsRow]:
        """Return the tasks with their settings."""
        return _read(queries.READ_SETTINGS + (queries.LOCK_TASKS if lock else ""), uids)

    def bind(self, *, rows: Sequence[SettingsRow]) -> Self:
        """Put references where any target's type has a secret; note what the types say to the patch."""
        types = read_schemas({row.task_type_id for row in rows})
        places = {place for task_type in types.values() for place in task_type.schema.secrets}
        extracted = extract_secrets(
            self.patch,
            places=[place for place in places if json_pointer(place) not in self.sealed],
        )
        sealed = {json_pointer(place): name for place, name in extracted.references.items()}
        everywhere = problems_for_any_type(self.patch, sealed=self.sealed)
        return replace(
            self,
            patch=extracted.document,
            sealed={**self.sealed, **sealed},
            secrets=extracted.to_store,
            patch_problems={
                type_id: everywhere or _secret_problems(task_type.schema, extracted.values)
                for type_id, task_type in types.items()
            },
            types=types,
        )

    def plan(
        self, *, actor: User, rows: Sequence[tuple[SettingsRow, frozenset[str]]]
    ) -> Iterator[Outcome]:
        """Yield each task's settings before and after, or what its type does not allow."""
        del actor
        # A patch has few ways to take effect: the tasks that it changes alike share their pointers.
        pointers: dict[tuple[Pointer, ...], Sequence[str]] = {}
        room = django_settings.BULKHEAD_MAX_SETTINGS_BYTES - self.weight
        for row, _ in rows:
            task_type = self.types[row.task_type_id]
            problems = self.patch_problems[row.task_type_id] or (
                _TOO_LONG if len(row.settings) > room else ()
            )
            if problems:
                yield settings_invalid(row=row, problems=problems, types=self.types)
                continue
            settings = read_json(row.settings)
            merged, places = merge_patch(settings, self.patch)
            if not places:
                yield settings_unchanged(row=row, types=self.types)
                continue
            if problems := task_type.schema.problems(merged):
                yield settings_invalid(row=row, problems=problems, types=self.types)
                continue
            if (changed := pointers.get(key := tuple(places))) is None:
                changed = pointers[key] = tuple(map(json_pointer, places))
            yield Patched(
                row.uid,
                OutcomeKind.CHANGE,
                row.id,
                _mark(row, task_type),
                row.settings,
                changed=changed,
                write=self.patch,
            )

    def facets(self, places: Iterable[str]) -> Iterable[str]:
        """Return the keys of settings that were changed."""
        return settings_facets(places)

    def keep_secrets(self) -> None:
        """Store the raw values under their references."""
        if self.secrets:
            store_secrets(self.secrets)

    def write(self, *, outcomes: Sequence[Outcome], operation: Operation, at: datetime) -> int:
        """Write the merged settings and their history."""
        self.keep_secrets()
        if objects_in(self.patch) > _MOST_OBJECTS:
            documents = [outcome.after for outcome in outcomes]
            return _write_settings(documents, outcomes=outcomes, operation=operation, at=at)
        merged = merge_expression(document=sql.SQL("target.settings"), patch=self.patch)
        return _write_settings(merged, outcomes=outcomes, operation=operation, at=at)


@dataclass(frozen=True, kw_only=True)
class RestoreSettings(RestoreTask):
    """Gives tasks the settings back that they had before an operation; they must still be valid."""

    kind: ClassVar[str] = "restore_settings"
    title: ClassVar[str] = "Undo a change of settings"
    right: ClassVar[str] = "change_task"

    def plan(
        self, *, actor: User, rows: Sequence[tuple[RestorableRow, frozenset[str]]]
    ) -> Iterator[Outcome]:
        """Yield each task's settings now and as they were."""
        del actor
        types = read_schemas({row.task_type_id for row, _ in rows})
        for row, _ in rows:
            outcome = _restored(row, types)
            untouched = row.settings_untouched or outcome.kind is OutcomeKind.UNCHANGED
            yield (outcome if untouched else self.changed_since(outcome, is_recycled=row.recycled))

    def facets(self, places: Iterable[str]) -> Iterable[str]:
        """Return the keys of settings that were changed."""
        return settings_facets(places)

    def write(self, *, outcomes: Sequence[Outcome], operation: Operation, at: datetime) -> int:
        """Write the former settings and their history."""
        documents = [outcome.write for outcome in outcomes]
        return _write_settings(documents, outcomes=outcomes, operation=operation, at=at)


# An undo is itself an operation, so it can be undone by its like.
UpdateSettings.inverse = RestoreSettings.inverse = RestoreSettings


def _read(statement: str, uids: Sequence[str]) -> list[SettingsRow]:
    with connection.cursor() as cursor:
        cursor.execute(statement, {"uids": list(uids)})
        return [SettingsRow._make(row) for row in cursor.fetchall()]


def _restored(row: RestorableRow, types: Mapping[int, TypeSchema]) -> Outcome:
    """Return the outcome of giving a task the settings back; the schema may have changed since."""
    judged = SettingsRow._make(row[:5])
    now, wanted = read_json(row.settings), read_json(row.settings_before)
    changed = changed_places(now, wanted)
    if not changed:
        return settings_unchanged(row=judged, types=types)
    task_type = types[row.task_type_id]
    if problems := task_type.schema.problems(wanted):
        return settings_invalid(row=judged, problems=problems, types=types)
    return Outcome(
        row.uid,
        OutcomeKind.CHANGE,
        task_id=row.id,
        mark=_mark(judged, task_type),
        before=row.settings,
        after=row.settings_before,
        changed=changed,
        write=row.settings_before,
    )


def _write_settings(
    settings: Sequence[str] | Expression,
    *,
    outcomes: Sequence[Outcome],
    operation: Operation,
    at: datetime,
) -> int:
    return record_update(
        model=Task,
        operation=operation,
        at=at,
        keys=[outcome.task_id for outcome in outcomes if outcome.task_id is not None],
        columns={"settings": settings},
    )


def _without_values(patch: Any) -> Any:
    """Return the patch with nothing but its places, and which of them it removes."""
    if isinstance(patch, Mapping):
        return {key: _without_values(value) for key, value in patch.items()}
    return None if patch is None else NOT_KEPT


def _secret_problems(schema: CompiledSchema, raw: Mapping[Pointer, str]) -> list[Problem]:
    """Return what a type says against the raw secrets; in an open place of another type they would leak."""
    problems = []
    for place, value in raw.items():
        if place in schema.secrets:
            problems += schema.secret_problems(place, value)
        else:
            message = "is secret in another type of this batch; split the batch"
            problems.append(Problem(json_pointer(place), Reason.SECRET_PLACE, message))
    return problems
