"""Which differences of settings the trail tells of two documents, as the database writes them."""

import json
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import pytest

from audit.differences import ABSENT, Difference
from audit.trail.subjects import ADDED, CHANGED, REMOVED, Entry, subject_named


pytestmark = pytest.mark.django_db


def told(before: str | None, after: str | None, *, kind: str = CHANGED) -> list[Difference]:
    """Return what is told of a task whose settings were, and became, what the texts say."""
    subject = subject_named("task")
    was, became = (
        {**dict.fromkeys(subject.values), "settings": text, "type": 0} for text in (before, after)
    )
    entry = Entry(
        *("task", 1, kind, "f" * 32, "deploy", None, "f" * 32, None),
        after=became,
        before=was,
        operation_id=UUID(int=1),
        finished_at=datetime(2026, 5, 3, tzinfo=UTC),
    )
    (change,) = subject.changes([entry])
    return list(change.differences)


@pytest.mark.parametrize(
    ("before", "after", "expected"),
    [
        ({"a": 1, "b": 2}, {"a": 1, "b": 3}, [("/b", 2, 3)]),
        ({"a": 1}, {"a": True}, [("/a", 1, True)]),
        ({"a": 1, "b": [1, {"c": 10}]}, {"a": 1.0, "b": [1.0, {"c": 1e1}]}, []),
        ({"a": {"b": 1}}, {"a": {"b": 1.0, "c": None}}, [("/a/c", ABSENT, None)]),
        ({"a": {}}, {}, [("/a", {}, ABSENT)]),
        ({}, {"a": {"b": {}, "c": 1}}, [("/a/b", ABSENT, {}), ("/a/c", ABSENT, 1)]),
        ({"a": {"b": [1]}}, {"a": "x"}, [("/a", {"b": [1]}, "x")]),
        ({"b": 0, "a/~": {"ü": "é"}}, {"b": 1}, [("/a~1~0/ü", "é", ABSENT), ("/b", 0, 1)]),
        ({"a": 1}, [1], [("", {"a": 1}, [1])]),
    ],
)
def test_places_are_told_that_hold_another_value(before: Any, after: Any, expected: Any) -> None:
    found = told(*(json.dumps(side, ensure_ascii=False) for side in (before, after)))
    assert repr(found) == repr(
        [Difference(f"/settings{place}", *sides) for place, *sides in expected]
    )


def test_of_what_is_added_or_removed_everything_is_told() -> None:
    text = '{"a": {"b": 1}, "c": []}'
    places = ["/settings/a/b", "/settings/c"]
    assert told(None, text, kind=ADDED) == [
        Difference(place, after=value) for place, value in zip(places, (1, []), strict=True)
    ]
    assert told(None, text, kind=REMOVED) == [
        Difference(place, before=value) for place, value in zip(places, (1, []), strict=True)
    ]


def test_a_number_that_no_program_can_hold_does_not_end_an_export() -> None:
    large = "1" + "0" * 400
    (found,) = told(f'{{"a": {large}.5, "b": {"9" * 5000}}}', f'{{"a": 1, "b": {"9" * 5000}}}')
    assert found == Difference("/settings/a", float("inf"), 1)
