"""The two fields in which a wish for one setting is written down, and how it becomes part of a patch.

The first field says what shall be done: leave the setting, set it, remove it. The second holds the value
and counts only where the first says so. What kind of field it is follows from the property's schema.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from django import forms
from django.core.exceptions import ValidationError
from unfold.widgets import (
    UnfoldAdminPasswordWidget,
    UnfoldAdminSelectWidget,
    UnfoldAdminTextareaWidget,
    UnfoldAdminTextInputWidget,
)

from tasks.batch.errors import Malformed
from tasks.schemas import json_pointer
from tasks.shared_properties import Kind, SharedProperty
from tasks.strict_json import parse_value


LEAVE, SET, REMOVE = "leave", "set", "remove"
# What stands for the two settings of a switch.
ON, OFF = "on", "off"


class Left:
    """Stands for a setting that shall stay as it is; None is one that shall be removed."""


LEFT: Final = Left()

# A longer text may have more than one line, which an input of one line would silently run together.
_ONE_LINE = 1_000
# A secret that may be so long is one of many lines.
_KEY_FILE = 10_000
_INPUT_TYPES = {"uri": "url", "email": "email", "date": "date"}
_NO_FILL = {"autocomplete": "new-password", "spellcheck": "false"}


class HiddenTextarea(UnfoldAdminTextareaWidget):  # type: ignore[misc]  # the theme has no types
    """A field for a secret of many lines, such as a key; what was written is not shown again."""

    def format_value(self, value: Any) -> None:
        """Show nothing."""
        del value


@dataclass(frozen=True, kw_only=True)
class SettingFields:
    """The fields of one property; `number` tells them apart on the page, `prefix` from others' fields.

    They are named by the property's place, so that a form can be sent to a server that knows more
    properties by now, or fewer.
    """

    subject: SharedProperty
    number: int
    prefix: str = ""

    @property
    def pointer(self) -> str:
        """The place as a JSON pointer."""
        return json_pointer(self.subject.place)

    @property
    def how(self) -> str:
        """The name of the field that says what shall be done."""
        return f"{self.prefix}how{self.pointer}"

    @property
    def value(self) -> str:
        """The name of the field that holds the value."""
        return f"{self.prefix}value{self.pointer}"

    def fields(self) -> Iterator[tuple[str, forms.Field]]:
        """Yield the fields by their names; what can neither be set nor removed has none."""
        if len(choices := list(self._choices())) > 1:
            widget = UnfoldAdminSelectWidget if self._is_choice else forms.RadioSelect
            yield (
                self.how,
                forms.ChoiceField(
                    choices=choices,
                    initial=LEAVE,
                    required=False,
                    widget=widget(attrs={"id": f"{self.prefix}how-{self.number}"}),
                ),
            )
        if self.subject.kind is Kind.CHOICES:
            yield (
                self.value,
                forms.MultipleChoiceField(
                    choices=list(_numbered(self.subject.choices)),
                    required=False,
                    widget=forms.CheckboxSelectMultiple(attrs={"id": self._value_id}),
                ),
            )
        elif self.subject.kind not in _WITHOUT_VALUE:
            label = f"{self.subject.title}: new value"
            widget = _widget(self.subject, {"id": self._value_id, "aria-label": label})
            yield self.value, forms.CharField(required=False, strip=False, widget=widget)

    def wish(self, written: Mapping[str, Any]) -> Any:
        """Return the value to set, None to remove, or LEFT.

        Raises:
            ValidationError: what is written is no value of the property's kind.
        """
        how = written.get(self.how) or LEAVE
        if how == LEAVE:
            return LEFT
        if how == REMOVE:
            return None
        if self.subject.kind is Kind.SWITCH:
            return how == ON
        if self._is_choice:
            return self.subject.choices[int(how)]
        if self.subject.kind is Kind.CHOICES:
            return [self.subject.choices[int(at)] for at in written[self.value]]
        return _READERS[self.subject.kind](written[self.value].replace("\r\n", "\n"))

    @property
    def _is_choice(self) -> bool:
        return self.subject.kind is Kind.CHOICE

    @property
    def _value_id(self) -> str:
        return f"{self.prefix}value-{self.number}"

    def _choices(self) -> Iterator[tuple[str, str]]:
        kind = self.subject.kind
        yield LEAVE, "Leave unchanged" if self._is_choice else "Leave"
        if kind is Kind.SWITCH:
            yield from ((ON, "On"), (OFF, "Off"))
        elif self._is_choice:
            yield from _numbered(self.subject.choices)
        elif kind is Kind.FREE:
            yield SET, "Merge in"
        elif kind is not Kind.GROUP:
            yield SET, "Set"
        if self.subject.removable:
            yield REMOVE, "Remove it" if self._is_choice else "Remove"


def hint_of(shared: SharedProperty) -> str:
    """Return how a value of the property is written, where that needs saying."""
    if shared.kind in {Kind.INTEGER, Kind.NUMBER}:
        return _range(shared)
    return _HINTS.get(shared.kind, "")


_HINTS = {
    Kind.LINES: "One per line; they replace what is there.",
    Kind.NUMBERS: "Numbers, between them blanks or commas; they replace what is there.",
    Kind.FREE: 'A JSON object, {"KEY": "value"}: these keys are set, null removes one, others stay.',
    Kind.JSON: "As JSON; an object is merged into what is there.",
}

_WITHOUT_VALUE = {Kind.GROUP, Kind.SWITCH, Kind.CHOICE}


def _numbered(values: Sequence[Any]) -> Iterator[tuple[str, str]]:
    for number, value in enumerate(values):
        yield str(number), _shown(value)


def _shown(value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    return str(value) or "(empty text)"


def _widget(shared: SharedProperty, attrs: dict[str, Any]) -> Any:  # the theme has no types
    if shared.kind is Kind.SECRET:
        if any(rules.get("maxLength", 0) >= _KEY_FILE for rules in shared.rules):
            return HiddenTextarea({**attrs, **_NO_FILL, "rows": 3, "class": "bh-masked"})
        return UnfoldAdminPasswordWidget({**attrs, **_NO_FILL})
    if shared.kind in {Kind.INTEGER, Kind.NUMBER}:
        return _input("number", {**attrs, "step": "any" if shared.kind is Kind.NUMBER else "1"})
    if shared.kind is Kind.TEXT and (formats := _formats(shared)):
        return _input(_INPUT_TYPES.get(formats.pop(), "text"), attrs)
    if shared.kind is Kind.TEXT and _longest(shared) <= _ONE_LINE:
        return _input("text", attrs)
    code = {} if shared.kind is Kind.TEXT else {"class": "bh-mono"}
    return UnfoldAdminTextareaWidget(attrs={**attrs, **code, "rows": 4, "spellcheck": "false"})


def _input(kind: str, attrs: dict[str, Any]) -> Any:
    widget = UnfoldAdminTextInputWidget(attrs={**attrs, "autocomplete": "off"})
    widget.input_type = kind
    return widget


def _formats(shared: SharedProperty) -> set[str]:
    return {str(rules["format"]) for rules in shared.rules if "format" in rules}


def _longest(shared: SharedProperty) -> float:
    """Return how long the text may be; a pattern is taken for one of a single line."""
    lengths = (
        rules.get("maxLength", _ONE_LINE if "pattern" in rules else float("inf"))
        for rules in shared.rules
    )
    return float(max(lengths))


def _range(shared: SharedProperty) -> str:
    """Return the bounds that hold for all types."""
    low = max((rules["minimum"] for rules in shared.rules if "minimum" in rules), default=None)
    high = min((rules["maximum"] for rules in shared.rules if "maximum" in rules), default=None)
    if low is not None and high is not None:
        return f"From {low} to {high}."
    if low is not None:
        return f"{low} or more."
    return "" if high is None else f"{high} at most."


def _secret(text: str) -> str:
    if not text:
        raise ValidationError("Write the secret, or leave it as it is.")
    return text


def _json(text: str) -> Any:
    try:
        value = parse_value(text.encode(errors="surrogatepass"))
    except Malformed as error:
        raise ValidationError(str(error)) from error
    if value is None:
        raise ValidationError("null removes: choose Remove for that.")
    return value


def _object(text: str) -> Any:
    value = _json(text)
    if not isinstance(value, dict):
        raise ValidationError('Write a JSON object: {"key": "value"}.')
    return value


def _number(text: str) -> Any:
    try:
        value = parse_value(text.strip().encode(errors="surrogatepass"))
    except Malformed:
        value = None
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise ValidationError("Write a number, such as 5 or 0.5.")
    return value


def _whole_number(text: str) -> Any:
    value = _number(text)
    return int(value) if isinstance(value, float) and value.is_integer() else value


def _lines(text: str) -> list[str]:
    return [line.strip() for line in text.split("\n") if line.strip()]


def _numbers(text: str) -> list[Any]:
    return list(map(_number, text.replace(",", " ").split()))


_READERS: Mapping[Kind, Callable[[str], Any]] = {
    Kind.TEXT: str,
    Kind.SECRET: _secret,
    Kind.INTEGER: _whole_number,
    Kind.NUMBER: _number,
    Kind.LINES: _lines,
    Kind.NUMBERS: _numbers,
    Kind.FREE: _object,
    Kind.JSON: _json,
}
