from datetime import timedelta

import pytest
from django.core.exceptions import ImproperlyConfigured

from config import environment


@pytest.mark.parametrize("value", [None, ""])
def test_a_text_that_is_not_set_is_its_default(
    monkeypatch: pytest.MonkeyPatch, value: str | None
) -> None:
    monkeypatch.delenv("NAME", raising=False)
    if value is not None:
        monkeypatch.setenv("NAME", value)

    assert environment.text("NAME", default="default") == "default"
    with pytest.raises(ImproperlyConfigured, match="NAME"):
        environment.text("NAME")


@pytest.mark.parametrize(("value", "expected"), [("on", True), ("TRUE", True), ("0", False)])
def test_a_switch_understands_the_usual_words(
    monkeypatch: pytest.MonkeyPatch, value: str, expected: bool
) -> None:
    monkeypatch.setenv("NAME", value)

    assert environment.switch("NAME", default=not expected) is expected


@pytest.mark.parametrize("value", ["maybe", "2", "falsch"])
def test_a_switch_refuses_other_words(monkeypatch: pytest.MonkeyPatch, value: str) -> None:
    monkeypatch.setenv("NAME", value)

    with pytest.raises(ImproperlyConfigured, match="NAME"):
        environment.switch("NAME", default=True)


@pytest.mark.parametrize("value", ["-1", "1.5", "many", "²", "٣"])
def test_a_number_refuses_what_is_no_whole_number(
    monkeypatch: pytest.MonkeyPatch, value: str
) -> None:
    monkeypatch.setenv("NAME", value)

    with pytest.raises(ImproperlyConfigured, match="NAME"):
        environment.number("NAME", default=1)


def test_words_are_separated_by_commas(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NAME", " one.example, two.example ,")

    assert environment.words("NAME") == ["one.example", "two.example"]


def test_words_without_a_default_must_be_there(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NAME", " , ")

    assert environment.words("NAME", default=["default"]) == ["default"]
    with pytest.raises(ImproperlyConfigured, match="NAME"):
        environment.words("NAME")


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("600/min", (600, timedelta(minutes=1))),
        ("1/sec", (1, timedelta(seconds=1))),
        ("90/hour", (90, timedelta(hours=1))),
    ],
)
def test_a_rate_is_a_count_per_period(
    monkeypatch: pytest.MonkeyPatch, value: str, expected: tuple[int, timedelta]
) -> None:
    monkeypatch.setenv("NAME", value)

    assert environment.rate("NAME", default="5/min") == expected


@pytest.mark.parametrize("value", ["0/min", "10", "10/day", "-1/min", "1.5/sec", "10 / min"])
def test_a_rate_refuses_anything_else(monkeypatch: pytest.MonkeyPatch, value: str) -> None:
    monkeypatch.setenv("NAME", value)

    with pytest.raises(ImproperlyConfigured, match="NAME"):
        environment.rate("NAME", default="5/min")


@pytest.mark.parametrize(
    "value", ["", "https://keep.example/seals?of=us", "http://127.0.0.1:8/", "http://[::1]/a"]
)
def test_an_address_of_the_web_is_https_or_on_this_machine(
    monkeypatch: pytest.MonkeyPatch, value: str
) -> None:
    monkeypatch.setenv("NAME", value)

    assert environment.secure_address("NAME") == value


@pytest.mark.parametrize(
    "value",
    [
        "http://keep.example/",
        "http://127.0.0.1.example/",
        "http://localhost@keep.example/",
        "https://",
        "https://user:password@keep.example/",
        "https://keep.example:99999/",
        "file:///etc/passwd",
        "keep.example",
    ],
)
def test_other_addresses_are_refused(monkeypatch: pytest.MonkeyPatch, value: str) -> None:
    monkeypatch.setenv("NAME", value)

    with pytest.raises(ImproperlyConfigured, match="NAME must be an https address"):
        environment.secure_address("NAME")
