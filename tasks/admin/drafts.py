"""Drafts: a change on its way from the choice of its targets, through its preview, to its operation.

A draft is its actor's alone and lives for an hour, and for a day once it is left to the worker. It freezes
the targets; previewing binds it to the change and to the plan that was shown, so that nothing else can be
applied with it. The change may hold secrets, so it is kept encrypted.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from uuid import UUID

from django.contrib.auth.models import User
from django.utils import timezone

from audit.context import Origin
from audit.models import UNFINISHED, Operation
from tasks.admin.draft_outcomes import (
    count_projects,
    letters_of,
    one_of_each_type,
    positions_of,
    uids_with,
)
from tasks.batch import pipeline
from tasks.batch.change import Change
from tasks.batch.errors import PlanDrifted
from tasks.batch.pipeline import Applied, Batch
from tasks.batch.plan import REFUSED_KINDS, OutcomeKind
from tasks.batch.remembered import remember
from tasks.models import Draft
from tasks.secrets import SealBroken, seal_text, unseal_text


VALID_FOR = timedelta(hours=1)
# What is left to the worker can be previewed again that long, however it ends.
LEFT_TO_WORKER_FOR = timedelta(hours=24)
# The fingerprint of no plan.
_NOTHING_SEEN = "none"
# Of an actor's drafts the latest so many are kept.
MOST_DRAFTS = 50
# More targets than these are left to the worker.
APPLIED_AT_ONCE = 2_000

# What previewing writes.
_BOUND = (
    "change",
    "outcomes",
    "companions",
    "projects",
    "warnings",
    "fingerprint",
    "fingerprint_of_part",
    "drifted",
    "expires_at",
)


class DraftUnusable(Exception):
    """There is no such draft of this actor's, or it is too old."""


class DraftUsed(Exception):
    """The draft has been applied already."""

    def __init__(self, operation: UUID) -> None:
        super().__init__(str(operation))
        self.operation = operation


def new_draft(
    *, actor: User, action: str, uids: Sequence[str], reverts: UUID | None = None
) -> Draft:
    """Freeze the chosen targets; the actor's oldest drafts make room, if there are too many."""
    draft = Draft.objects.create(
        actor=actor,
        action=action,
        uids=list(uids),
        reverts=reverts,
        expires_at=timezone.now() + VALID_FOR,
    )
    _forget_oldest(actor)
    return draft


def draft_of_batch(*, actor: User, action: str, batch: Batch) -> Draft:
    """Return a draft of a batch that is made already, such as the undo of an operation, previewed.

    Raises:
        BatchTooHeavy: it would write too much to too many.
    """
    draft = new_draft(actor=actor, action=action, uids=batch.uids, reverts=batch.reverts)
    preview_draft(actor=actor, draft=draft, change=batch.change, origin=batch.origin)
    return draft


def draft_of_operation(*, actor: User, operation: Operation) -> Draft | None:
    """Return the actor's draft by which the operation was accepted, as long as it is kept."""
    kept = Draft.objects.filter(actor=actor, operation=operation.pk, expires_at__gt=timezone.now())
    return kept.first()


def draft_again(*, actor: User, draft: Draft, drifted: Sequence[str], origin: Origin) -> Draft:
    """Return a new draft of the same change to the same targets, previewed as of now.

    Of those that have `drifted` it warns: they are not any more what was confirmed.

    Raises:
        DraftUnusable: the first draft's change is not kept any more.
        BatchTooHeavy: it would write too much to too many.
    """
    change, written = change_of(draft), written_in(draft)
    again = new_draft(actor=actor, action=draft.action, uids=draft.uids, reverts=draft.reverts)
    preview_draft(actor=actor, draft=again, change=change, origin=origin, written=written)
    position = {uid: at for at, uid in enumerate(again.uids)}
    if targets := [position[uid] for uid in drifted if uid in position]:
        warning = {
            "code": "drifted",
            "detail": "changed since you confirmed it",
            "targets": targets,
        }
        again.warnings.insert(0, warning)
        again.save(update_fields=["warnings"])
    return again


def left_out(*, actor: User, operation_id: UUID) -> list[str]:
    """Return the targets of the actor's draft that its operation did not take along, if it had a draft."""
    draft = Draft.objects.filter(actor=actor, operation=operation_id).first()
    if draft is None:
        return []
    return [uid for kind in OutcomeKind if kind in REFUSED_KINDS for uid in uids_with(draft, kind)]


def open_draft(*, actor: User, draft_id: UUID, without: Sequence[str] = ()) -> Draft:
    """Return the actor's draft; what it is wanted `without` is read once it is asked for.

    Raises:
        DraftUnusable: it is somebody else's, too old, or none.
    """
    found = Draft.objects.filter(pk=draft_id, actor=actor, expires_at__gt=timezone.now())
    draft = found.defer(*without).first()
    if draft is None:
        raise DraftUnusable
    return draft


def preview_draft(
    *,
    actor: User,
    draft: Draft,
    change: Change[Any],
    origin: Origin,
    written: Mapping[str, Any] | None = None,
) -> None:
    """Preview the change for the draft's targets, bind the draft to it, and renew the draft.

    `written` is what its form was filled with; without it, the draft keeps what was written before.

    Raises:
        BatchTooHeavy: it would write too much to too many.
        DraftUsed: it has been applied meanwhile, from another window.
        DraftUnusable: it has been forgotten meanwhile.
    """
    batch = Batch(change=change, uids=draft.uids, origin=origin)
    plan = pipeline.preview(actor=actor, batch=batch)
    content = {
        "kind": change.kind,
        "parameters": change.parameters(),
        "written": dict(written_in(draft) if written is None else written),
    }
    draft.change = seal_text(json.dumps(content))
    draft.outcomes = letters_of(plan)
    draft.companions = change.companions(outcomes=plan.outcomes)
    if change.binds_by_type:
        draft.companions += one_of_each_type(draft)
    draft.projects = count_projects(draft)
    draft.warnings = positions_of(plan)
    draft.fingerprint, draft.fingerprint_of_part = plan.fingerprint, ""
    if plan.refusals and plan.changes:
        part = plan.part
        remember(part)
        draft.fingerprint_of_part = part.fingerprint
    draft.drifted = None
    draft.expires_at = timezone.now() + VALID_FOR
    _bind(draft)


def _bind(draft: Draft) -> None:
    """Write down what the draft is bound to, unless another window was faster: what was applied stays."""
    bound = {name: getattr(draft, name) for name in _BOUND}
    if Draft.objects.filter(pk=draft.pk, operation=None).update(**bound):
        return
    kept = Draft.objects.filter(pk=draft.pk).first()
    if kept and kept.operation:
        raise DraftUsed(kept.operation)
    raise DraftUnusable


def change_of(draft: Draft) -> Change[Any]:
    """Return the change that the draft is bound to.

    Raises:
        DraftUnusable: it is bound to none, or has been for too long.
    """
    content = _unsealed(draft)
    kind = Change.of_kind(content["kind"])
    if kind is None:
        raise DraftUnusable
    return kind.from_parameters(content["parameters"])


def written_in(draft: Draft) -> Mapping[str, Any]:
    """Return what was written in the form of the draft's change, without secrets; so far maybe nothing.

    Raises:
        DraftUnusable: it was written too long ago.
    """
    written: Mapping[str, Any] = _unsealed(draft)["written"] if draft.change else {}
    return written


def _unsealed(draft: Draft) -> dict[str, Any]:
    valid_for = LEFT_TO_WORKER_FOR if draft.operation else VALID_FOR
    try:
        content: dict[str, Any] = json.loads(unseal_text(draft.change, valid_for=valid_for))
    except SealBroken as error:
        raise DraftUnusable from error
    return content


@dataclass(frozen=True, kw_only=True)
class Confirmed:
    """What the actor confirmed: the fingerprint that was shown, and why it is done."""

    fingerprint: str
    reason: str = ""


def apply_draft(*, actor: User, draft: Draft, confirmed: Confirmed, origin: Origin) -> Applied:
    """Apply what was confirmed: all targets of the draft, or the part of them that can be changed.

    Raises:
        DraftUnusable: the draft is bound to no change.
        DraftUsed: it has been applied.
        PlanDrifted: it is not any more what was confirmed; the draft notes which targets drifted.
        BatchError: nothing was changed for another reason.
    """
    change = change_of(draft)
    uids = draft.uids
    if draft.fingerprint_of_part and confirmed.fingerprint == draft.fingerprint_of_part:
        uids = uids_with(draft, OutcomeKind.CHANGE)
    batch = Batch(
        change=change,
        uids=uids,
        origin=origin,
        # What is not the draft's is compared as well, so that it is refused and recorded like all drift.
        expected=confirmed.fingerprint if confirmed.fingerprint.isalnum() else _NOTHING_SEEN,
        reason=confirmed.reason,
        reverts=draft.reverts,
    )
    carry_out = pipeline.apply if len(uids) <= APPLIED_AT_ONCE else pipeline.submit
    try:
        return carry_out(actor=actor, batch=batch, receipt=DraftReceipt(draft))
    except PlanDrifted as error:
        Draft.objects.filter(pk=draft.pk).update(drifted=list(error.uids))
        raise


def _forget_oldest(actor: User) -> None:
    """Forget the actor's oldest drafts, but for those that the worker has not done yet."""
    drafts = Draft.objects.filter(actor=actor)
    latest = drafts.order_by("-pk").values("pk")[:MOST_DRAFTS]
    unfinished = Operation.objects.filter(finished_at=None).values("pk")
    drafts.exclude(pk__in=latest).exclude(operation__in=unfinished).delete()


@dataclass(frozen=True)
class DraftReceipt:
    """Lets a draft be applied once, however often and wherever its button is pressed."""

    draft: Draft

    def claim(self) -> None:
        """Lock the draft.

        Raises:
            DraftUsed: it has been applied.
            DraftUnusable: it has been forgotten meanwhile.
        """
        draft = Draft.objects.select_for_update().only("operation").filter(pk=self.draft.pk).first()
        if draft is None:
            raise DraftUnusable
        if draft.operation:
            raise DraftUsed(draft.operation)

    def settle(self, *, applied: Applied) -> None:
        """Remember the operation; what the worker has yet to do may have to be previewed again."""
        kept: dict[str, Any] = {"operation": applied.operation.pk}
        if applied.operation.state in UNFINISHED:
            kept["expires_at"] = timezone.now() + LEFT_TO_WORKER_FOR
        Draft.objects.filter(pk=self.draft.pk).update(**kept)
