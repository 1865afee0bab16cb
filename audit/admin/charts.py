"""Charts: what pages draw, each from a table that says the same."""

import json
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from django.db.models import QuerySet
from django.http import HttpRequest, QueryDict

from audit.models import Operation
from audit.trail.activity import MOST_LISTED, Spell, read_activity


class Bar(NamedTuple):
    """One bar of a chart: what it stands for, its height, that in words, and where it leads.

    Of a chart with parts it has as many, one upon the other.
    """

    label: str
    value: int
    words: Sequence[str]
    url: str = ""
    parts: Sequence[int] = ()


class Chart(NamedTuple):
    """A chart and the table that says the same; a lying one has its bars from left to right.

    `parts` names what each bar is made of, if it is.
    """

    name: str
    title: str
    headings: Sequence[str]
    bars: Sequence[Bar]
    without: str
    note: str = ""
    is_lying: bool = False
    parts: Sequence[str] = ()

    @property
    def data(self) -> str:
        """What the script draws, as JSON."""
        drawn = {
            "lying": self.is_lying,
            "labels": [bar.label for bar in self.bars],
            "values": [bar.value for bar in self.bars],
            "parts": [
                [name, [bar.parts[at] for bar in self.bars]] for at, name in enumerate(self.parts)
            ],
            "words": [bar.words for bar in self.bars],
            "addresses": [bar.url for bar in self.bars],
        }
        return json.dumps(drawn)


def chart_of_activity(*, request: HttpRequest, operations: QuerySet[Operation]) -> Chart | None:
    """Return a chart of when the listed operations were asked for, and by whom; None of a single moment.

    Each bar leads to the list of what it stands for, with the filters that there are.
    """
    activity = read_activity(operations=operations)
    if len(activity.spells) < 2:  # noqa: PLR2004  # nothing to compare
        return None
    return Chart(
        name="activity",
        title="When, and by whom",
        headings=("From (UTC)", "People", "Programs", "Refused"),
        bars=[_bar(spell, request.GET) for spell in activity.spells],
        without="",
        note=f"Only the latest {MOST_LISTED:,} are counted." if activity.is_cut else "",
        parts=("People", "Programs", "Refused"),
    )


def _bar(spell: Spell, asked: QueryDict) -> Bar:
    counts = (spell.people, spell.programs, spell.refused)
    span = spell.last - spell.begin
    label = f"{spell.begin:%-d %b %Y}" if span > timedelta(days=7) else f"{spell.begin:%-d %b}"
    query = asked.copy()
    query.pop("p", None)
    for name, value in _period(spell.begin, spell.last):
        query[name] = value
    return Bar(
        label=f"{label}, {spell.begin:%H:%M}" if not span else label,
        value=sum(counts),
        words=[f"{count:,}" for count in counts],
        url=f"?{query.urlencode()}",
        parts=counts,
    )


def _period(begin: datetime, last: datetime) -> Sequence[tuple[str, Any]]:
    """Return what the filter of the list is asked for so long, whole hours."""
    return (
        ("created_at_from_0", f"{begin:%Y-%m-%d}"),
        ("created_at_from_1", f"{begin:%H:%M:%S}"),
        ("created_at_to_0", f"{last:%Y-%m-%d}"),
        ("created_at_to_1", f"{last:%H}:59:59"),
    )
