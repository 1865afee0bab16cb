"""Exports of the trail as events of the trail: that one began, and how it ended.

What leaves the system is recorded before the first byte goes. At the end a second event says what the
manifest says (rows, SHA-256, the newest seal before the export), or after how many rows it broke off. An
export without an end was taken away from the process that wrote it.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.contrib.auth.models import User
from django.utils import timezone

from audit.context import Origin
from audit.models import Operation, State
from audit.noted import note_event
from audit.proof.documents import sha256
from audit.proof.seal_documents import newest_seal
from audit.recorder import new_operation
from audit.titles import name_kind


EXPORT = "export_trail"
EXPORT_FINISHED = "export_trail_finished"
name_kind(kind=EXPORT, title="Export of the trail")
name_kind(kind=EXPORT_FINISHED, title="End of an export")


@dataclass(frozen=True, kw_only=True)
class Terms:
    """What an export is of: who asked for what, when and through what, and the newest seal before it."""

    actor: User
    origin: Origin
    asked: Mapping[str, Any]
    form: str
    asked_at: datetime
    export_id: str
    seal: Mapping[str, Any] | None

    def described(self) -> dict[str, Any]:
        """Return what a manifest says of them."""
        return {
            "asked": dict(self.asked),
            "asked_at": self.asked_at.isoformat(),
            "asked_by": self.actor.get_username(),
            "export": self.export_id,
            "seal": self.seal,
        }


def begin_export(*, actor: User, origin: Origin, asked: Mapping[str, Any], form: str) -> Terms:
    """Record that the actor exports what is asked for; return the terms, for the manifest."""
    seal = _reference_to_newest_seal()
    parameters = {"asked": dict(asked), "form": form, "seal": seal}
    noted = note_event(actor=actor, kind=EXPORT, origin=origin, parameters=parameters)
    return Terms(
        actor=actor,
        origin=origin,
        asked=asked,
        form=form,
        asked_at=noted.created_at,
        export_id=str(noted.pk),
        seal=seal,
    )


def end_export(*, terms: Terms, manifest: Mapping[str, Any] | None, rows: int) -> Operation:
    """Record with which manifest the export ended; or, without one, after how many rows it broke off."""
    now = timezone.now()
    said = {"export": terms.export_id, "form": terms.form, "asked": dict(terms.asked)}
    ended = new_operation(
        actor=terms.actor,
        kind=EXPORT_FINISHED,
        origin=terms.origin,
        at=now,
        parameters={**said, "seal": terms.seal, **(manifest or {"rows": rows})},
    )
    ended.state, ended.finished_at = State.APPLIED, now
    if manifest is None:
        ended.state = State.FAILED
        detail = f"it broke off after {rows:,} rows"
        ended.refusals = [{"target": "", "code": "broken_off", "detail": detail}]
    ended.save(force_insert=True)
    return ended


def _reference_to_newest_seal() -> dict[str, Any] | None:
    """Return which seal is the newest, and the digest by which it is known."""
    seal = newest_seal()
    if seal is None:
        return None
    return {"number": seal.number, "sha256": sha256(seal.document.encode())}
