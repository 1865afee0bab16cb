"""What the page of a preview shows: counts per outcome, one page of targets, and what can be applied."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple
from urllib.parse import urlencode

from django.contrib.auth.models import User
from django.core.paginator import Page, Paginator
from django.http import QueryDict

from audit.context import Origin
from tasks.admin.draft_outcomes import counts_of, refused_in, uids_with
from tasks.admin.drafts import APPLIED_AT_ONCE, change_of
from tasks.admin.outcome_rows import OutcomeRow, outcome_rows
from tasks.batch import pipeline
from tasks.batch.change import Change, Restore
from tasks.batch.pipeline import Batch
from tasks.batch.plan import OutcomeKind
from tasks.batch.remembered import remembered_marks
from tasks.models import Draft


PER_PAGE = 50

TITLES: Mapping[OutcomeKind, str] = {
    OutcomeKind.CHANGE: "Will change",
    OutcomeKind.UNCHANGED: "Unchanged",
    OutcomeKind.MISSING: "Not found",
    OutcomeKind.DENIED: "Not allowed",
    OutcomeKind.INVALID: "Not valid",
    OutcomeKind.CONFLICT: "Changed since",
}


class Tab(NamedTuple):
    """Some of the targets, by a reason to look at them."""

    title: str
    size: int
    query: str
    current: bool = False


@dataclass(frozen=True, kw_only=True)
class PreviewPage:
    """One page of a preview."""

    draft: Draft
    change: Change[Any]
    tabs: Sequence[Tab]
    warnings: Sequence[Tab]
    page: Page[str]
    query: str
    rows: Sequence[OutcomeRow]
    changes: int
    refused: int

    @property
    def conflicts(self) -> int:
        """How many targets of an undo have been changed since."""
        return counts_of(self.draft)[OutcomeKind.CONFLICT]

    @property
    def overwrites(self) -> bool:
        """Whether an undo takes back what has been changed since as well."""
        return isinstance(self.change, Restore) and self.change.overwrite

    @property
    def unchanged(self) -> int:
        """How many targets are already as they shall be."""
        return counts_of(self.draft)[OutcomeKind.UNCHANGED]

    @property
    def is_long(self) -> bool:
        """Whether applying is left to the worker."""
        return (self.changes if self.refused else len(self.draft.uids)) > APPLIED_AT_ONCE

    @property
    def fingerprint(self) -> str:
        """The fingerprint of what can be applied; empty if nothing can."""
        if not self.changes or self.draft.drifted is not None:
            return ""
        return self.draft.fingerprint_of_part or self.draft.fingerprint


def preview_page(*, actor: User, draft: Draft, origin: Origin, asked: QueryDict) -> PreviewPage:
    """Return the page that is asked for; only the targets on it are looked at again.

    Raises:
        DraftUnusable: the draft is bound to no change.
    """
    change = change_of(draft)
    tabs, warnings = _tabs(draft), _warnings(draft)
    offered = {tab.query: tab for tab in (*tabs, *warnings)}
    query = urlencode({key: asked[key] for key in ("outcome", "warning") if key in asked})
    chosen = offered.get(query) or tabs[0]
    page = Paginator(_uids_of(draft, chosen), PER_PAGE).get_page(asked.get("page"))
    outcomes = pipeline.look(
        actor=actor,
        batch=Batch(change=change, uids=draft.uids, origin=origin),
        uids=list(page),
        companions=draft.companions,
    )
    bound_by = draft.fingerprint_of_part or draft.fingerprint
    seen = remembered_marks(fingerprint=bound_by, uids=list(page))
    return PreviewPage(
        draft=draft,
        change=change,
        tabs=[tab._replace(current=tab == chosen) for tab in tabs],
        warnings=[tab._replace(current=tab == chosen) for tab in warnings],
        page=page,
        query=chosen.query,
        rows=outcome_rows(change=change, outcomes=outcomes, seen=seen),
        changes=counts_of(draft)[OutcomeKind.CHANGE],
        refused=refused_in(draft),
    )


def _tabs(draft: Draft) -> list[Tab]:
    drifted = len(draft.drifted or ())
    tabs = [Tab("Changed since the preview", drifted, "outcome=drifted")]
    tabs += [
        Tab(TITLES[kind], count, f"outcome={kind}") for kind, count in counts_of(draft).items()
    ]
    return [tab for tab in tabs if tab.size] or tabs[1:2]


def _warnings(draft: Draft) -> list[Tab]:
    return [
        Tab(warning["detail"], len(warning["targets"]), f"warning={number}")
        for number, warning in enumerate(draft.warnings)
    ]


def _uids_of(draft: Draft, tab: Tab) -> list[str]:
    by, _, value = tab.query.partition("=")
    if by == "warning":
        return [draft.uids[position] for position in draft.warnings[int(value)]["targets"]]
    if value == "drifted":
        return list(draft.drifted or ())
    return uids_with(draft, OutcomeKind(value))
