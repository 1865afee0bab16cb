"""A preview as CSV: a row for each thing that would differ, and one for each target that would not."""

from collections.abc import Iterator, Sequence
from itertools import islice

from django.contrib.auth.models import User

from audit.context import Origin
from audit.spreadsheet import csv_text
from tasks.admin.drafts import change_of
from tasks.admin.outcome_rows import OutcomeRow, outcome_rows
from tasks.admin.preview_page import TITLES
from tasks.batch import pipeline
from tasks.batch.pipeline import Batch
from tasks.models import Draft


_COLUMNS = ("id", "name", "project", "outcome", "what", "before", "after", "why")
# So many targets are put into words in one go.
_CHUNK = 500


def preview_csv(*, actor: User, draft: Draft, origin: Origin) -> Iterator[str]:
    """Yield the preview as it is now, piece by piece.

    Raises:
        DraftUnusable: the draft is bound to no change.
    """
    change = change_of(draft)
    batch = Batch(change=change, uids=draft.uids, origin=origin)
    outcomes = iter(pipeline.look(actor=actor, batch=batch, uids=draft.uids))

    def pieces() -> Iterator[str]:
        yield csv_text([_COLUMNS])
        while chunk := list(islice(outcomes, _CHUNK)):
            rows = outcome_rows(change=change, outcomes=chunk, seen={})
            yield csv_text(cells for row in rows for cells in _cells(row))

    return pieces()


def _cells(row: OutcomeRow) -> Iterator[Sequence[str]]:
    name, project = (row.task.name, row.task.project.name) if row.task else ("", "")
    target = (row.uid, name, project, TITLES[row.kind])
    why = "; ".join(row.why)
    for difference in row.differences:
        yield (*target, *difference, why)
    if not row.differences:
        yield (*target, "", "", "", why)
