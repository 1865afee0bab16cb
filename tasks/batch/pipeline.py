"""Preview, apply, submit, run: the only ways a batch of tasks changes.

The number of SQL statements does not depend on the number of targets. Applying opens the one durable
transaction; everything below assumes it. Targets are locked in key order before they are judged, so
overlapping batches queue instead of deadlocking, and a right revoked meanwhile is noticed.
"""

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from django.conf import settings
from django.contrib.auth.models import User
from django.db import transaction
from django.utils import timezone
from procrastinate.contrib.django import app as jobs

from audit.context import Origin, recording
from audit.models import UNFINISHED, Channel, Operation, Stage, State
from audit.recorder import RecordedCountDiffers, new_operation
from tasks.batch.authority import VIEW, authority, rights_on
from tasks.batch.batch import Applied, Batch, Receipt
from tasks.batch.cancelling import end_as_cancelled, refuse_if_cancelled
from tasks.batch.change import Change, Row
from tasks.batch.errors import (
    BatchTooHeavy,
    Cancelled,
    Malformed,
    PlanDrifted,
    PlanRefused,
    TokenInvalid,
)
from tasks.batch.missing import missing, not_found
from tasks.batch.overtaken import again_if_overtaken
from tasks.batch.plan import Outcome, OutcomeKind, Plan, Reason
from tasks.batch.query_plans import planned_for_the_targets
from tasks.batch.refusals import recording_refusals, refusals_of
from tasks.batch.remembered import drifted, remember


# What is done with a batch, and what it is made of.
__all__ = [
    "RUN_JOB",
    "Applied",
    "Batch",
    "Receipt",
    "Report",
    "apply",
    "look",
    "preview",
    "run",
    "submit",
]

RUN_JOB = "tasks.run_operation"
_REPORT_EVERY = 1000

# Is told what the worker is busy with and how many targets have been judged; raises Cancelled.
Report = Callable[[Stage, int], None]


def preview(*, actor: User, batch: Batch) -> Plan:
    """Return what applying the batch now would do, and remember it so that drift can be named.

    Raises:
        BatchTooHeavy: it would write too much to too many.
        PlanDrifted: the plan is not the expected one.
    """
    with planned_for_the_targets():
        change, plan = _plan(actor=actor, batch=batch, lock=False)
        plan = replace(plan, warnings=change.warnings(outcomes=plan.changes))
    _check_expected(batch=batch, plan=plan)
    # A plan that cannot be applied binds nothing, and whoever may do nothing shall fill no table.
    if not plan.refusals:
        remember(plan)
    return plan


def look(
    *, actor: User, batch: Batch, uids: Sequence[str], companions: Sequence[str] = ()
) -> list[Outcome]:
    """Return the outcomes that some of the batch's targets would have now; nothing is remembered.

    Of the others only `companions` are read, on which these depend.
    """
    shown = set(uids)
    read = [*uids, *(uid for uid in companions if uid not in shown)]
    batch = replace(batch, uids=read)
    with planned_for_the_targets():
        _, plan = _plan(actor=actor, batch=batch, lock=False)
    return [outcome for outcome in plan.outcomes if outcome.uid in shown]


def apply(*, actor: User, batch: Batch, receipt: Receipt | None = None) -> Applied:
    """Apply the batch, all or nothing.

    Raises:
        Malformed: there are no targets.
        PlanRefused: some target is missing, denied, invalid or in conflict.
        PlanDrifted: the plan is not the expected one.
        Overtaken: other writers kept taking names that the plan gave.
    """
    with recording_refusals(actor=actor, batch=batch):
        return again_if_overtaken(lambda: _apply(actor=actor, batch=batch, receipt=receipt))


def _apply(*, actor: User, batch: Batch, receipt: Receipt | None) -> Applied:
    with planned_for_the_targets(), transaction.atomic(durable=True):
        if receipt:
            receipt.claim()
        change, plan = _plan(actor=actor, batch=batch, lock=True)
        _check(batch=batch, plan=plan)
        now = timezone.now()
        operation = _operation(actor=actor, batch=batch, change=change, plan=plan, at=now)
        _write(operation=operation, change=change, plan=plan, at=now)
        operation.save(force_insert=True)
        applied = Applied(operation, plan)
        if receipt:
            receipt.settle(applied=applied)
    return applied


def submit(*, actor: User, batch: Batch, receipt: Receipt | None = None) -> Applied:
    """Accept the batch for the worker, which judges it again when it runs.

    Raises:
        Malformed: there are no targets.
        PlanRefused: it could not be applied now.
        PlanDrifted: the plan is not the expected one.
    """
    with recording_refusals(actor=actor, batch=batch):
        return _submit(actor=actor, batch=batch, receipt=receipt)


def _submit(*, actor: User, batch: Batch, receipt: Receipt | None) -> Applied:
    with planned_for_the_targets(), transaction.atomic(durable=True):
        if receipt:
            receipt.claim()
        change, plan = _plan(actor=actor, batch=batch, lock=False)
        _check(batch=batch, plan=plan)
        operation = _operation(
            actor=actor, batch=batch, change=change, plan=plan, at=timezone.now()
        )
        operation.state, operation.channel = State.QUEUED, Channel.WORKER
        operation.changed = operation.unchanged = 0
        operation.requested = list(batch.uids)
        # The present plan is the one that an expected fingerprint was compared with just now; the
        # worker will compare with its marks, however old the preview is by then.
        operation.fingerprint = batch.expected
        if batch.expected:
            remember(plan)
        change.keep_secrets()
        operation.save(force_insert=True)
        applied = Applied(operation, plan)
        if receipt:
            receipt.settle(applied=applied)
        jobs.configure_task(RUN_JOB).defer(operation=str(operation.pk))
    return applied


def run(*, operation: Operation, actor: User, report: Report) -> Operation:
    """Carry out an accepted operation, judged again as of now; a finished one stays as it is.

    Raises:
        Overtaken: other writers kept taking names that the plan gave.
    """
    try:
        return again_if_overtaken(lambda: _run(operation=operation, actor=actor, report=report))
    except Cancelled:
        return end_as_cancelled(operation_id=operation.pk)


def _run(*, operation: Operation, actor: User, report: Report) -> Operation:
    with planned_for_the_targets(), transaction.atomic(durable=True):
        operation = Operation.objects.select_for_update(of=("self",)).get(pk=operation.pk)
        if operation.state not in UNFINISHED:
            return operation
        batch = _accepted_batch(operation)
        report(Stage.READING, 0)
        change, plan = _plan(actor=actor, batch=batch, lock=True, report=report)
        report(Stage.WRITING, len(plan.outcomes))
        # A type may have declared a secret since, which the operation still holds in the open.
        operation.parameters = change.parameters()
        try:
            _check_token(operation)
            _check(batch=batch, plan=plan)
        except (TokenInvalid, PlanRefused, PlanDrifted) as error:
            operation.state = State.REFUSED
            operation.refusals = refusals_of(error)
            operation.refused = sum(1 for refusal in operation.refusals if refusal["target"])
            operation.finished_at = timezone.now()
        else:
            operation.changed = plan.counts[OutcomeKind.CHANGE]
            operation.unchanged = plan.counts[OutcomeKind.UNCHANGED]
            _write(operation=operation, change=change, plan=plan, at=timezone.now())
        operation.requested = None
        operation.save()
        refuse_if_cancelled(operation_id=operation.pk)
    return operation


def _check_token(operation: Operation) -> None:
    """Ask for the token after the locks were granted, as for the rights."""
    if operation.token_id is not None and not authority().token_is_valid(
        token_id=operation.token_id, at_address=operation.address
    ):
        raise TokenInvalid


def _accepted_batch(operation: Operation) -> Batch:
    kind = Change.of_kind(operation.kind)
    if kind is None:
        msg = f"no change is of the kind {operation.kind!r}"
        raise LookupError(msg)
    return Batch(
        change=kind.from_parameters(operation.parameters),
        uids=operation.requested or [],
        origin=Origin(channel=operation.channel),  # type: ignore[arg-type]  # a choice's value
        seen=operation.fingerprint,
    )


def _plan(
    *,
    actor: User,
    batch: Batch,
    lock: bool,
    report: Report | None = None,
) -> tuple[Change[Any], Plan]:
    _check_weight(batch)
    rows = batch.change.read(uids=batch.uids, lock=lock)
    # Asked after the lock was granted, in a statement of its own, so that it sees what is true now.
    held = rights_on(actor=actor, task_ids=[row.id for row in rows])
    judged: dict[str, Outcome] = {}
    permitted: list[tuple[Any, frozenset[str]]] = []
    for row in rows:
        if refused := _refused_by_right(batch.change, row, held[row.id]):
            judged[row.uid] = refused
        else:
            permitted.append((row, held[row.id]))
    change = batch.change.bind(rows=[row for row, _ in permitted])
    planned = change.plan(actor=actor, rows=permitted)
    for count, outcome in enumerate(planned):
        if report and count % _REPORT_EVERY == 0:
            report(Stage.JUDGING, count)
        judged[outcome.uid] = outcome
    judged |= not_found(actor=actor, uids=[uid for uid in batch.uids if uid not in judged])
    outcomes = [judged[uid] for uid in batch.uids]
    plan = Plan(kind=change.kind, identity=batch.change.identity(), outcomes=outcomes)
    return change, plan


def _check_weight(batch: Batch) -> None:
    given, limit = batch.change.weight * len(batch.uids), settings.BULKHEAD_MAX_BATCH_BYTES
    if given > limit:
        raise BatchTooHeavy(given=given, limit=limit)


def _refused_by_right(change: Change[Any], row: Row, held: frozenset[str]) -> Outcome | None:
    if VIEW not in held:
        # The same as one that does not exist: who may not see a task does not learn of it.
        return missing(row.uid)
    if change.right not in held:
        detail = f"you hold no {change.right} right on this task"
        return Outcome(row.uid, OutcomeKind.DENIED, reason=Reason.NO_RIGHT, detail=detail)
    return None


def _check_expected(*, batch: Batch, plan: Plan) -> None:
    if batch.expected and batch.expected != plan.fingerprint:
        raise PlanDrifted(uids=drifted(fingerprint=batch.expected, plan=plan) or [])


def _check(*, batch: Batch, plan: Plan) -> None:
    if not plan.outcomes:
        # Nothing would bind the change, so an operation could even hold its secrets.
        raise Malformed([("", "there are no targets")])
    _check_expected(batch=batch, plan=plan)
    if batch.seen and (moved := drifted(fingerprint=batch.seen, plan=plan)) != []:
        raise PlanDrifted(uids=moved or [])
    if plan.refusals:
        raise PlanRefused(plan)


def _operation(
    *, actor: User, batch: Batch, change: Change[Any], plan: Plan, at: datetime
) -> Operation:
    operation = new_operation(
        actor=actor,
        kind=change.kind,
        origin=batch.origin,
        at=at,
        parameters=change.parameters(),
        reason=batch.reason,
    )
    operation.fingerprint = plan.fingerprint
    operation.reverts_id = batch.reverts
    operation.targets = len(batch.uids)
    operation.changed = plan.counts[OutcomeKind.CHANGE]
    operation.unchanged = plan.counts[OutcomeKind.UNCHANGED]
    return operation


def _write(*, operation: Operation, change: Change[Any], plan: Plan, at: datetime) -> None:
    """Write what the plan changes; the database must report as many rows as were planned."""
    operation.state = State.APPLIED
    operation.started_at = operation.started_at or at
    if not plan.changes:
        operation.finished_at = timezone.now()
        return
    with recording(operation):
        recorded = change.write(outcomes=plan.changes, operation=operation, at=at)
    if recorded != len(plan.changes):
        raise RecordedCountDiffers(table=change.kind, planned=len(plan.changes), recorded=recorded)
    operation.facets = sorted({*operation.facets, *change.facets(plan.changed_places)})
