"""What has become of an operation, in words: for its page, and for who waits for it."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import NamedTuple
from uuid import UUID

from django.utils.html import format_html
from django.utils.text import capfirst

from audit.admin.theme import moment
from audit.models import UNFINISHED, Channel, Operation, Progress, RefusedAttempt, Stage, State
from audit.trail.channels import came_in


# A worker that has said nothing for so long waits for something, or is gone.
_SILENCE = timedelta(seconds=15)

_THROUGH = {
    Channel.ADMIN: "in the admin",
    Channel.API: "through the API",
    Channel.COMMAND: "from the command line",
    Channel.DATABASE: "outside the application",
}

_CARRIED_OUT = {
    Channel.IMPORT: "by an import ",
    Channel.WORKER: "by the worker, asked for ",
}

_TONES = {
    State.QUEUED: "info",
    State.RUNNING: "info",
    State.APPLIED: "good",
    State.REFUSED: "warn",
    State.FAILED: "bad",
    State.CANCELLED: "warn",
}
_ICONS = {
    State.QUEUED: "hourglass_empty",
    State.RUNNING: "sync",
    State.APPLIED: "check_circle",
    State.REFUSED: "block",
    State.FAILED: "error",
    State.CANCELLED: "cancel",
}


class Progressed(NamedTuple):
    """How far a running operation has come; without `done`, nobody can tell."""

    total: int
    done: int | None
    words: str


class Result(NamedTuple):
    """What has become of an operation: a headline, what to add to it, and counts by name."""

    operation: Operation
    headline: str
    tone: str
    icon: str
    notes: Sequence[str]
    counts: Sequence[tuple[str, int]]
    progress: Progressed | None
    undid: UUID | None
    undone_by: Sequence[UUID]

    @property
    def through(self) -> str:
        """Where it came in, in words."""
        channel = Channel(self.operation.channel)
        words = _CARRIED_OUT.get(channel, "") + _THROUGH[came_in(self.operation)]
        token = self.operation.token_name
        return f"{words} with the token {token}" if token else words

    @property
    def by(self) -> str:
        """What the name of the actor says: who it was, unless nobody has shown to be them."""
        if self.operation.channel == Channel.DATABASE:
            return "By the database role"
        return "As" if _wording(self.operation).is_claim else "By"

    @property
    def is_finished(self) -> bool:
        """Whether nothing will become of it any more."""
        return self.operation.state not in UNFINISHED


class Wording(NamedTuple):
    """How pages speak of operations of a kind.

    What one target is called and several, what was done to them, what is to be known of those that were
    applied, and whether whoever tried it has not shown to be the one that they named.
    """

    one: str = "task"
    many: str = "tasks"
    done: str = "changed"
    applied: str = ""
    is_claim: bool = False


_USUAL = Wording()
_wordings: dict[str, Wording] = {}


def word_results(*, kind: str, wording: Wording) -> None:
    """Say how pages speak of operations of the kind; without it, as of any change of tasks."""
    _wordings[kind] = wording


def _wording(operation: Operation) -> Wording:
    return _wordings.get(operation.kind, _USUAL)


def result_of(*, operation: Operation, at: datetime) -> Result:
    """Return what has become of the operation by now."""
    state = State(operation.state)
    progress = Progress.objects.filter(operation=operation).first()
    undone_by = operation.reverted_by.filter(state=State.APPLIED).order_by("created_at", "pk")
    return Result(
        operation=operation,
        headline=_HEADLINES.get(state) or _applied(operation),
        tone=_TONES[state],
        icon=_ICONS[state],
        notes=[*_notes(operation, progress, at), *_note_applied(operation)],
        counts=_counts(operation),
        progress=_progressed(operation, progress, at) if state is State.RUNNING else None,
        undid=operation.reverts_id,
        undone_by=list(undone_by.values_list("pk", flat=True)),
    )


def targets_in_words(operation: Operation, number: int) -> str:
    """Return a number of the operation's targets in words."""
    wording = _wording(operation)
    return f"{number:,} {wording.one if number == 1 else wording.many}"


def _applied(operation: Operation) -> str:
    one, many, done, *_ = _wording(operation)
    changed, all_of = operation.changed, operation.targets
    if not all_of:
        return "Applied."
    if not changed:
        was = f"the {one} was" if all_of == 1 else f"all {all_of:,} {many} were"
        return f"Nothing had to be changed: {was} so already."
    if changed < all_of:
        asked = targets_in_words(operation, all_of)
        return f"{changed:,} of {asked} were {done}; the others were so already."
    return f"The {one} was {done}." if all_of == 1 else f"All {all_of:,} {many} were {done}."


_HEADLINES = {
    State.QUEUED: "Waiting for the worker.",
    State.RUNNING: "Running in the worker.",
    State.REFUSED: "Refused: nothing was changed.",
    State.FAILED: "Failed: nothing was changed.",
    State.CANCELLED: "Cancelled: nothing was changed.",
}


def _notes(operation: Operation, progress: Progress | None, at: datetime) -> list[str]:
    if operation.state == State.QUEUED:
        tasks = targets_in_words(operation, operation.targets)
        return [
            f"{tasks}, accepted {_span(at - operation.created_at)} ago. You may leave this page."
        ]
    if operation.state == State.RUNNING:
        return list(_running_notes(progress, at))
    if operation.state == State.CANCELLED:
        return [f"By {operation.cancelled_by_name or 'an account that is gone'}."]
    if operation.state == State.REFUSED:
        return [*_why_refused(operation), *_tried_again(operation)]
    if operation.state == State.FAILED:
        return [_sentence(refusal["detail"]) for refusal in operation.refusals[:1]]
    return []


def _note_applied(operation: Operation) -> list[str]:
    note = _wording(operation).applied
    return [note] if note and operation.state == State.APPLIED and operation.changed else []


def _why_refused(operation: Operation) -> list[str]:
    if not operation.refused:
        return [_sentence(refusal["detail"]) for refusal in operation.refusals[:1]]
    tasks = targets_in_words(operation, operation.targets)
    stood = (
        "It" if operation.refused == 1 == operation.targets else f"{operation.refused:,} of {tasks}"
    )
    return [f"{stood} stood in the way; the reasons are below."]


def _tried_again(operation: Operation) -> list[str]:
    attempt = RefusedAttempt.objects.filter(operation=operation, times__gt=1).first()
    if attempt is None:
        return []
    tried = "The same, or much like it, was tried {} times within the hour, last at {}."
    return [format_html(tried, f"{attempt.times:,}", moment(attempt.last_at))]


def _running_notes(progress: Progress | None, at: datetime) -> list[str]:
    if progress is None:
        return []
    if progress.cancelled_at:
        return [
            "It is being cancelled: the worker stops when it next looks, and nothing is changed."
        ]
    if at - progress.updated_at > _SILENCE:
        silent = _span(at - progress.updated_at)
        return [f"Nothing new for {silent}: it may be waiting for another operation to finish."]
    return ["You may leave this page and come back."]


def _counts(operation: Operation) -> list[tuple[str, int]]:
    if operation.state in UNFINISHED or not operation.targets:
        return []
    counts = [
        (_wording(operation).done, operation.changed),
        ("so already", operation.unchanged),
        ("stood in the way", operation.refused),
    ]
    return [("asked for", operation.targets), *(each for each in counts if each[1])]


def _progressed(operation: Operation, progress: Progress | None, at: datetime) -> Progressed:
    total = operation.targets
    if progress is None or progress.stage == Stage.READING:
        return Progressed(total, None, f"Reading {targets_in_words(operation, total)}")
    if progress.stage == Stage.WRITING:
        return Progressed(total, None, "Judged all; writing what changes, all of it or nothing")
    words = f"Judged {progress.done:,} of {targets_in_words(operation, total)}"
    seconds = (progress.updated_at - (operation.started_at or at)).total_seconds()
    if progress.done and seconds > 0:
        rate = progress.done / seconds
        left = timedelta(seconds=(total - progress.done) / rate)
        words += f", {rate:,.0f} a second, about {_span(left)} left; then all is written at once"
    return Progressed(total, progress.done, words)


def _span(span: timedelta) -> str:
    """Return a span of time in words, roughly."""
    seconds = max(int(span.total_seconds()), 0)
    for size, name in ((86_400, "day"), (3_600, "hour"), (60, "minute")):
        if seconds >= size:
            number = seconds // size
            return f"{number} {name}{'' if number == 1 else 's'}"
    return f"{seconds} second{'' if seconds == 1 else 's'}"


def _sentence(text: str) -> str:
    return f"{capfirst(text.rstrip('.'))}."
