"""A world in which every page of the admin has something to show, and every page's address."""

import base64
import json
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from django.apps import apps
from django.contrib import admin
from django.contrib.auth.models import User
from django.db.models import Model
from django.urls import URLPattern, URLResolver, reverse

from audit.models import Operation
from permissions.changes import SetPermissions
from permissions.models import ApiToken, RoleMember
from tasks.admin.drafts import new_draft, preview_draft
from tasks.admin.import_drafts import BadRow, GoodRow, Told, keep_told, new_import
from tasks.batch import pipeline
from tasks.batch.pipeline import Batch
from tasks.changes import SetEnabled, UpdateSettings
from tasks.models import Draft
from tests.conftest import ORIGIN, Governed, build_governed
from tests.tokens import issue


# Pages that no budget is kept of, each with its reason.
EXEMPT: Mapping[str, str] = {
    "login": "nobody is signed in there",
    "logout": "it ends the visit that is being measured",
    "jsi18n": "a script that asks the database nothing",
    "view_on_site": "no page of ours is on another site",
    "tasks_task_changes": "as many as kinds of objects are on it: tests/tasks/admin/test_told_changes.py",
}
# What a page is asked with, where it shows nothing without.
QUERIES: Mapping[str, Mapping[str, str]] = {
    "autocomplete": {
        "app_label": "permissions",
        "model_name": "role",
        "field_name": "project",
        "term": "pay",
    },
    "search": {"s": "role"},
    "audit_operation_find": {"q": "pay"},
    "tasks_project_preview_permissions": {"grant": "8.is_execute"},
}


class Page(NamedTuple):
    """A page of the admin by its name, and the names of what its address tells."""

    name: str
    model: type[Model] | None
    arguments: tuple[str, ...]


def pages() -> list[Page]:
    """Return every named page that the admin serves."""
    return [
        Page(pattern.name, _model_of(pattern.name), tuple(pattern.pattern.regex.groupindex))
        for pattern in _patterns(admin.site.urls[0])
        if pattern.name and pattern.name not in EXEMPT
    ]


def addresses(governed: Governed) -> dict[str, str]:
    """Return the address of each page; what it is about is the manager's, if it is somebody's."""
    found = {}
    for shown in pages():
        arguments = [_argument(shown, name, governed) for name in shown.arguments]
        query = QUERIES.get(shown.name, {})
        found[shown.name] = reverse(f"admin:{shown.name}", args=arguments, query=query)
    return found


def populate(governed: Governed, *, tasks: int) -> None:
    """Let there be something on every page of the admin."""
    uids = governed.add_tasks(tasks, creator=governed.developer)
    for actor in (governed.manager, governed.developer):
        change = UpdateSettings(patch={"repository": {"branch": actor.username}})
        pipeline.apply(actor=actor, batch=Batch(change=change, uids=uids, origin=ORIGIN))
    own = SetPermissions(flags={8: {"is_execute": True}})
    pipeline.apply(actor=governed.manager, batch=Batch(change=own, uids=uids[:1], origin=ORIGIN))
    for number, owner in enumerate((governed.manager, governed.viewer, governed.admin)):
        issue(owner, name=f"robot {tasks}.{number}")
    draft = new_draft(actor=governed.manager, action="disable", uids=uids)
    stop = SetEnabled(enabled=False, reason="quarter end")
    preview_draft(actor=governed.manager, draft=draft, change=stop, origin=ORIGIN)
    upload = {
        "kind": "import_tasks",
        "file": "tasks.csv",
        "format": 0,
        "project": governed.project.uid,
        "type": governed.task_type.key,
        "ignore_creators": False,
        "content": base64.b64encode(b"name\nbuild\ndeploy\n,\n").decode(),
    }
    draft = new_import(actor=governed.manager, content=json.dumps(upload))
    good = [GoodRow(f"line {number}", f"build {number}", "a", "b") for number in range(tasks)]
    bad = [BadRow(f"line {tasks + number}", ["name: is missing"]) for number in range(tasks)]
    keep_told(draft=draft, told=Told("tasks.csv", "", "0" * 64, tasks, tasks, good, bad))


def grow(governed: Governed) -> None:
    """Add a second project in which the members of the first are, a hundred tasks, members, accounts."""
    populate(governed, tasks=100)
    other = build_governed("ledger")
    populate(other, tasks=5)
    role = governed.role(8)
    RoleMember.objects.bulk_create(
        RoleMember(role=role, user=User.objects.create_user(f"member-{number}"))
        for number in range(6)
    )
    RoleMember.objects.bulk_create(
        RoleMember(role=other.role(8), user=user) for user in (governed.manager, governed.viewer)
    )


def _patterns(given: Any) -> Iterator[URLPattern]:
    for each in given:
        if isinstance(each, URLResolver):
            yield from _patterns(each.url_patterns)
        else:
            yield each


def _model_of(name: str) -> type[Model] | None:
    for model in apps.get_models():
        if admin.site.is_registered(model) and name.startswith(
            f"{model._meta.label_lower.replace('.', '_')}_"
        ):
            return model
    return None


def _argument(shown: Page, name: str, governed: Governed) -> Any:
    if name == "app_label":
        return "tasks"
    if name == "operation_id":
        return _first(Operation, governed)
    if name == "draft_id":
        action = "import_tasks" if "import" in shown.name else "disable"
        return Draft.objects.filter(action=action).earliest("pk").pk
    assert name in {"object_id", "id"}, f"say in tests/admin_world.py what {name} is"
    assert shown.model, f"say in tests/admin_world.py what {shown.name} is about"
    return _first(shown.model, governed)


def _first(model: type[Model], governed: Governed) -> Any:
    """Return the key of one that the manager sees, if it is the accounts' own."""
    of_manager = {Operation: "actor", ApiToken: "owner"}
    found = model._default_manager.order_by("pk")
    if model in of_manager:
        found = found.filter(**{of_manager[model]: governed.manager})
    first = found.first()
    assert first, f"there is no {model._meta.label} in tests/admin_world.py"
    return first.pk
