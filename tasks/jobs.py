"""What the worker does: carries out accepted operations, and keeps its own house in order.

A job names an operation and nothing else. It may run twice, or die at any point: the operation's one
transaction makes it count once, and an operation whose job is gone does not stay unfinished.
"""

from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from datetime import timedelta
from uuid import UUID

import structlog
from asgiref.sync import sync_to_async
from django.contrib.auth.models import User
from django.db import DEFAULT_DB_ALIAS, DatabaseError, connections, transaction
from django.utils import timezone
from procrastinate import JobContext, RetryStrategy
from procrastinate.contrib.django import app
from procrastinate.contrib.django.models import ProcrastinateJob
from procrastinate.jobs import Status

from audit.models import UNFINISHED, Operation, Progress, Stage, State
from tasks import queries
from tasks.batch import pipeline
from tasks.batch.errors import Cancelled
from tasks.batch.pipeline import RUN_JOB, Report
from tasks.models import Draft, PreviewedPlan, StoredAnswer


# After the first attempt: whether it raised, or died with its worker.
_RETRIES = 4
_KEPT_FOR = timedelta(hours=24)

logger = structlog.get_logger(__name__)


@app.task(
    name=RUN_JOB,
    pass_context=True,
    retry=RetryStrategy(max_attempts=_RETRIES, exponential_wait=3),
)
def run_operation(context: JobContext, *, operation: str) -> None:
    """Carry out an accepted operation; after the last attempt it has failed."""
    try:
        carry_out(operation_id=operation)
    except Exception:
        if context.job.attempts >= _RETRIES:
            give_up(operation_id=operation)
        raise


@app.periodic(cron="* * * * *")
@app.task(name="tasks.retry_stalled_jobs", queueing_lock="retry_stalled_jobs", pass_context=True)
async def retry_stalled_jobs(context: JobContext, timestamp: int) -> None:
    """Run again what died with its worker; then end the operations whose jobs are gone."""
    del timestamp
    manager = context.app.job_manager
    for job in await manager.get_stalled_jobs():
        logger.warning("job_stalled", job=job.id, task=job.task_name, attempts=job.attempts)
        if job.attempts < _RETRIES:
            await manager.retry_job(job)
        else:
            await manager.finish_job(job, status=Status.FAILED, delete_job=False)
    await sync_to_async(fail_abandoned)()


@app.periodic(cron="17 * * * *")
@app.task(name="tasks.prune", queueing_lock="prune", pass_context=True)
async def prune(context: JobContext, timestamp: int) -> None:
    """Forget what was kept for its time: drafts, previewed plans, stored answers, finished jobs."""
    del timestamp
    await sync_to_async(prune_kept)()
    hours = int(_KEPT_FOR.total_seconds() // 3600)
    await context.app.job_manager.delete_old_jobs(
        nb_hours=hours, include_failed=True, include_cancelled=True, include_aborted=True
    )


def carry_out(*, operation_id: str) -> None:
    """Run the operation on its actor's present authority, unless it is finished."""
    operation = _start(operation_id=operation_id)
    if operation is None:
        return
    # Read anew: the account may be gone, or not active any more.
    actor = User.objects.filter(operations=operation).first()
    if actor is None or not actor.is_active:
        _end(operation.pk, State.REFUSED, "actor_inactive", "its actor's account is not active")
        return
    with _reporting(operation) as report:
        pipeline.run(operation=operation, actor=actor, report=report)


def give_up(*, operation_id: str) -> None:
    """Mark an unfinished operation as failed; the reason is in the log, not in the operation."""
    _end(
        operation_id, State.FAILED, "internal_error", "it failed in the worker; nothing was changed"
    )


def fail_abandoned() -> None:
    """Mark every unfinished operation without a living job as failed."""
    # Read before the jobs: an operation and its job are committed together, so a job that is not
    # there by then is gone.
    unfinished = list(Operation.objects.filter(finished_at=None).values_list("pk", flat=True))
    living = ProcrastinateJob.objects.filter(
        task_name=RUN_JOB, status__in=[Status.TODO.value, Status.DOING.value]
    )
    named = set(living.values_list("args__operation", flat=True))
    for operation_id in map(str, unfinished):
        if operation_id not in named:
            logger.error("operation_abandoned", operation=operation_id)
            give_up(operation_id=operation_id)


def prune_kept() -> None:
    """Delete drafts that are too old to use, and previewed plans and answers older than a day."""
    now = timezone.now()
    before = now - _KEPT_FOR
    Draft.objects.filter(expires_at__lt=now).delete()
    PreviewedPlan.objects.filter(created_at__lt=before).delete()
    StoredAnswer.objects.filter(created_at__lt=before).delete()


def _start(*, operation_id: str) -> Operation | None:
    """Mark the operation as running, for others to see; None if it is finished."""
    now = timezone.now()
    with transaction.atomic():
        started = Operation.objects.filter(pk=operation_id, state__in=UNFINISHED).update(
            state=State.RUNNING, started_at=now
        )
        if not started:
            return None
        operation = Operation.objects.get(pk=operation_id)
        # Made here, because the running transaction locks what its foreign key refers to.
        Progress.objects.update_or_create(
            operation=operation,
            defaults={
                "stage": Stage.READING,
                "done": 0,
                "total": operation.targets,
                "updated_at": now,
            },
        )
    return operation


def _end(operation_id: UUID | str, state: State, code: str, detail: str) -> None:
    Operation.objects.filter(pk=operation_id, state__in=UNFINISHED).update(
        state=state,
        refusals=[{"target": "", "code": code, "detail": detail}],
        requested=None,
        finished_at=timezone.now(),
    )


@contextmanager
def _reporting(operation: Operation) -> Iterator[Report]:
    """Report progress through a connection of its own, so that others see it before the commit."""
    with closing(connections.create_connection(DEFAULT_DB_ALIAS)) as connection:

        def report(stage: Stage, done: int) -> None:
            arguments: dict[str, str | int] = {
                "operation": str(operation.pk),
                "stage": stage,
                "done": done,
            }
            cancelled = False
            # Nobody's operation fails because its progress could not be shown.
            with suppress(DatabaseError), connection.cursor() as cursor:
                cursor.execute(queries.REPORT_PROGRESS, arguments)
                (cancelled,) = cursor.fetchone()
            if cancelled:
                raise Cancelled

        yield report
