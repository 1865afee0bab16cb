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

    payments = _uids(project="Payments", name="main")
    rename = UpdateSettings(patch={"repository": {"branch": "main"}})
    batch(developer, rename, payments, "The default branch is called main now")
    loud = UpdateSettings(patch={"notifications": {"enabled": True}})
    batch(developer, loud, _uids(project="Web shop", name="release"), "Tell us about releases")

    deploys = _uids(project="Payments", name=" deploy ")
    careful = SetPermissions(flags={DEVELOPER: {"is_delete": False, "is_forbidden": False}})
    batch(manager, careful, deploys, "Only managers remove or stop a deployment of payments")
    shown = SetPermissions(flags={VIEWER: {"is_execute": True}})
    preview = _uids(project="Web shop", name="preview")
    mistaken = batch(manager, shown, preview, "Let everybody start previews")
    undo = Undo(
        operation_id=mistaken.pk, skip_conflicts=False, reason="Viewers only view, after all"
    )
    pipeline.apply(actor=manager, batch=batch_to_undo(actor=manager, undo=undo, origin=origin))
    batch(manager, SetPermissions(follow=True), deploys[:5], "These follow the project again")

    tokens = UpdateSettings(patch={"repository": {"token": "a token of the demo, for nothing"}})
    batch(
        manager, tokens, _uids(project="Identity", name="maven-build"), "The repository is closed"
    )

    freeze = SetEnabled(enabled=False, reason="Frozen until the release is out")
    frozen = _uids(project="Logistics", name="hotfix")
    batch(manager, freeze, frozen, "Release 4.2")
    batch(manager, SetEnabled(enabled=True), frozen[: len(frozen) // 2], "4.2 is out")
    retired = SetEnabled(enabled=False, reason="Replaced by the new call router")
    batch(manager, retired, _uids(project="Customer care", name="call-router"), "Spring clean")


def _uids(*, project: str, name: str) -> list[str]:
    found = Task.objects.filter(project__name=project, name__contains=name).order_by("name")
    return list(found.values_list("uid", flat=True))
