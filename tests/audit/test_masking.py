"""What masking hides, and that it hides every reference that settings can hold."""

from typing import Any

import pytest

from audit.masking import MASK, Masked, masked
from tasks.secrets import new_reference


REFERENCE = "secret:" + "a" * 32


@pytest.mark.parametrize(
    ("document", "shown"),
    [
        ({"token": REFERENCE}, {"token": MASK}),
        ({"a": [{"b": REFERENCE}]}, {"a": [{"b": MASK}]}),
        ([f"Bearer {REFERENCE}"], [MASK]),
        ({"branch": "secret:agent"}, {"branch": "secret:agent"}),
        (None, None),
        (7, 7),
    ],
)
def test_references_are_masked_wherever_they_stand(document: Any, shown: Any) -> None:
    assert masked(document) == shown


def test_what_stands_at_a_secret_place_is_masked_whatever_it_is() -> None:
    document = {"a": {"token": "plain", "other": 1}, "b": {"c": 2}, "token": None}
    secrets = [("a", "token"), ("b",), ("token",), ("x", "y")]
    shown = {"a": {"token": MASK, "other": 1}, "b": MASK, "token": None}
    assert masked(document, secrets=secrets) == shown


def test_a_mask_can_be_told_from_a_text_that_reads_the_same() -> None:
    assert isinstance(masked(REFERENCE), Masked)
    assert not isinstance(masked("secret, set"), Masked)


def test_the_references_that_are_made_are_the_ones_that_are_masked() -> None:
    assert masked(new_reference()) is MASK
