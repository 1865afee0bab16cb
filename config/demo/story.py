"""What has happened in the demo since its tasks were made: batches by several actors, with reasons."""

from collections.abc import Mapping
from typing import Any

from django.contrib.auth.models import User

from audit.context import Origin
from audit.models import Operation
from config.demo.accounts import DEVELOPER, VIEWER
from permissions.changes import SetPermissions
from tasks.batch import pipeline
from tasks.batch.change import Change
from tasks.batch.pipeline import Batch
from tasks.batch.revert import Undo, batch_to_undo
from tasks.changes import SetEnabled, UpdateSettings
from tasks.models import Task


def tell_story(*, users: Mapping[str, User], origin: Origin) -> None:
    """Apply the batches through the pipeline, as their actors would."""
    manager, developer = users["manager"], users["developer"]

    def batch(actor: User, change: Change[Any], uids: list[str], reason: str) -> Operation:
        wanted = Batch(change=change, uids=uids, origin=origin, reason=reason)
        return pipeline.apply(actor=actor, batch=wanted).operation

    scans = _uids(project="Payments", title="static scan")
    renamed = UpdateSettings(patch={"repository": {"branch": "main"}})
    batch(developer, renamed, scans, "The default branch is called main now")
    loud = UpdateSettings(patch={"notifications": {"enabled": True}})
    batch(developer, loud, _uids(project="Web shop", title="build release"), "Tell us of releases")
    newer = UpdateSettings(patch={"build": {"java": 25}})
    batch(developer, newer, _uids(project="Payments", kind="maven-build"), "Java 25 is out")
    patient = UpdateSettings(patch={"runner": {"timeout_minutes": 120, "retries": 1}})
    slow = _uids(project="Data platform", title="nightly build")
    batch(manager, patient, slow, "The nightly builds were cut off twice this week")

    deploys = _uids(project="Payments", title="deploy to production")
    careful = SetPermissions(flags={DEVELOPER: {"is_delete": False, "is_forbidden": False}})
    batch(manager, careful, deploys, "Only managers remove or stop a deployment of payments")
    shown = SetPermissions(flags={VIEWER: {"is_execute": True}})
    previews = _uids(project="Web shop", title="deploy to development")
    mistaken = batch(manager, shown, previews, "Let everybody start a preview")
    undo = Undo(operation_id=mistaken.pk, reason="Viewers only view, after all")
    pipeline.apply(actor=manager, batch=batch_to_undo(actor=manager, undo=undo, origin=origin))
    batch(manager, SetPermissions(follow=True), deploys[:5], "These follow the project again")

    tokens = UpdateSettings(patch={"repository": {"token": "a token of the demo, for nothing"}})
    closed = _uids(project="Identity", kind="maven-build")
    batch(manager, tokens, closed, "The repositories are closed now")

    freeze = SetEnabled(enabled=False, reason="Frozen until the release is out")
    frozen = _uids(project="Logistics", title="deploy to production")
    batch(manager, freeze, frozen, "Release 4.2")
    batch(manager, SetEnabled(enabled=True), frozen[: len(frozen) // 2], "4.2 is out")
    retired = SetEnabled(enabled=False, reason="Replaced by the telephone company's own")
    batch(manager, retired, _uids(project="Customer care", component="call-router"), "Spring clean")


def _uids(*, project: str, component: str = "", title: str = "", kind: str = "") -> list[str]:
    found = Task.objects.filter(
        project__name=project,
        name__startswith=f"{component}: " if component else "",
        name__endswith=f": {title}" if title else "",
        task_type__key__startswith=kind,
    )
    return list(found.order_by("name").values_list("uid", flat=True))
