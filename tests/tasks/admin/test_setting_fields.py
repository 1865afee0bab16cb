"""Whatever a schema allows can be written down, and is what the patch then holds."""

import json
from collections.abc import Mapping
from typing import Any

import pytest
from django import forms
from django.http import QueryDict
from hypothesis import given
from hypothesis import strategies as st

from tasks.admin.setting_fields import LEFT, REMOVE, SET, SettingFields
from tasks.merge import same
from tasks.shared_properties import NamedSchema, SharedProperty, shared_properties


ALLOWED: list[Any] = ["rolling", "", "0", 1, 2.5, True]
WEEK = ["mon", "tue", "wed"]
RULES: dict[str, Any] = {
    "text": {"type": "string"},
    "line": {"type": "string", "maxLength": 100},
    "address": {"type": "string", "format": "uri"},
    "secret": {"type": "string", "writeOnly": True},
    "key": {"type": "string", "writeOnly": True, "maxLength": 20_000},
    "count": {"type": "integer"},
    "share": {"type": "number"},
    "switch": {"type": "boolean"},
    "choice": {"enum": ALLOWED},
    "days": {"type": "array", "items": {"enum": WEEK}, "uniqueItems": True},
    "lines": {"type": "array", "items": {"type": "string"}},
    "numbers": {"type": "array", "items": {"type": "number"}},
    "free": {"type": "object"},
    "json": {"oneOf": [{"type": "string"}, {"type": "array"}]},
}
# What a browser sends: neither controls nor halves of pairs; it ends lines with CR LF.
TEXT = st.text(st.characters(exclude_categories=["Cc", "Cs"]) | st.just("\n"))
LINE = st.text(st.characters(exclude_categories=["Cc", "Cs", "Zs", "Zl", "Zp"]), min_size=1)
NUMBER = st.integers() | st.floats(allow_nan=False, allow_infinity=False)
JSON = st.recursive(
    st.booleans() | NUMBER | TEXT,
    lambda inside: st.lists(inside, max_size=3) | st.dictionaries(TEXT, inside, max_size=3),
    max_leaves=5,
)
VALUES: Mapping[str, st.SearchStrategy[Any]] = {
    "text": TEXT,
    "line": TEXT.map(lambda text: text.replace("\n", "")),
    "address": LINE,
    "secret": LINE,
    "key": TEXT.filter(bool),
    "count": st.integers(),
    "share": NUMBER,
    "switch": st.booleans(),
    "choice": st.sampled_from(ALLOWED),
    "days": st.lists(st.sampled_from(WEEK), unique=True),
    "lines": st.lists(LINE),
    "numbers": st.lists(NUMBER),
    "free": st.dictionaries(TEXT, JSON | st.none(), max_size=3),
    "json": JSON,
}


def fields_of(name: str, *, required: bool = False) -> SettingFields:
    schema = {"properties": {name: RULES[name]}, "required": [name] if required else []}
    (subject,) = shared_properties([NamedSchema("A", schema)]).properties
    return SettingFields(subject=subject, number=0)


def sent(fields: SettingFields, value: Any) -> QueryDict:
    """Return what a browser sends when the value is written down."""
    data = QueryDict(mutable=True)
    name = fields.subject.place[0]
    if name == "switch":
        data[fields.how] = "on" if value else "off"
    elif name == "choice":
        data[fields.how] = str([same(value, each) for each in ALLOWED].index(True))
    else:
        data[fields.how] = SET
        data.setlist(fields.value, written(name, value))
    return data


def written(name: str, value: Any) -> list[str]:
    if name == "days":
        return [str(WEEK.index(day)) for day in value]
    if name in {"lines", "numbers"}:
        return ["\r\n".join(map(str if name == "lines" else json.dumps, value))]
    if name in {"text", "line", "address", "secret", "key"}:
        return [value.replace("\n", "\r\n")]
    return [json.dumps(value)]


def wish(fields: SettingFields, data: QueryDict) -> Any:
    form = forms.Form(data)
    form.fields.update(fields.fields())
    assert form.is_valid(), form.errors
    return fields.wish(form.cleaned_data)


@given(st.sampled_from(sorted(RULES)).flatmap(lambda name: st.tuples(st.just(name), VALUES[name])))
def test_every_value_comes_back_as_it_was_written(case: tuple[str, Any]) -> None:
    name, value = case
    fields = fields_of(name)
    found = wish(fields, sent(fields, value))
    assert same(sorted(found), sorted(value)) if name == "days" else same(found, value)


@pytest.mark.parametrize("name", sorted(RULES))
def test_a_setting_is_left_unless_said_otherwise_and_can_be_removed_unless_required(
    name: str,
) -> None:
    fields = fields_of(name)
    assert wish(fields, QueryDict(f"{fields.value}=1")) is LEFT
    assert wish(fields, QueryDict(f"{fields.how}=leave&{fields.value}=1")) is LEFT
    assert wish(fields, QueryDict(f"{fields.how}={REMOVE}")) is None
    how = dict(fields_of(name, required=True).fields())[fields.how]
    assert isinstance(how, forms.ChoiceField)
    assert not how.valid_value(REMOVE)


@pytest.mark.parametrize(
    ("name", "text", "says"),
    [
        ("count", "", "Write a number"),
        ("count", "five", "Write a number"),
        ("count", "true", "Write a number"),
        ("share", "NaN", "Write a number"),
        ("numbers", "1 2 x", "Write a number"),
        ("secret", "", "Write the secret"),
        ("free", "[1]", "Write a JSON object"),
        ("free", '{"a": 1, "a": 2}', "more than once"),
        ("json", "null", "choose Remove"),
        ("json", "{", "line 1 column 2"),
    ],
)
def test_what_is_no_such_value_is_refused_with_what_is_wanted(
    name: str, text: str, says: str
) -> None:
    fields = fields_of(name)
    with pytest.raises(forms.ValidationError, match=says):
        fields.wish({fields.how: SET, fields.value: text})


@pytest.mark.parametrize("name", ["secret", "key"])
def test_a_secret_is_never_written_back(name: str) -> None:
    fields = fields_of(name)
    form = forms.Form({fields.how: SET, fields.value: "correct horse"})
    form.fields.update(fields.fields())
    assert "correct horse" not in form.as_p()
    assert ('type="password"' in form.as_p()) is (name == "secret")


def test_a_group_that_is_required_asks_nothing() -> None:
    rules = {"type": "object", "properties": {"x": {}}}
    schema = {"properties": {"g": rules}, "required": ["g"]}
    group: SharedProperty = shared_properties([NamedSchema("A", schema)]).properties[0]
    assert not list(SettingFields(subject=group, number=0).fields())
