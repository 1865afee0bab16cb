"""What the schemas of several task types have in common, so that one form can set it for all of them.

Owns which properties those are, of what kind, and why others are left out. It asks nothing of tasks.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, NamedTuple

from tasks.builtin_types import ORDER_KEYWORD
from tasks.merge import same
from tasks.schemas import Pointer, is_secret, properties_of, secret_places


class Kind(StrEnum):
    """How a property's value is written down; the value is what people call it."""

    GROUP = "group"
    TEXT = "text"
    SECRET = "secret"  # noqa: S105  # names a kind of property
    INTEGER = "whole number"
    NUMBER = "number"
    SWITCH = "switch"
    CHOICE = "choice"
    CHOICES = "choice of several"
    LINES = "list"
    NUMBERS = "list of numbers"
    FREE = "object of free keys"
    JSON = "JSON value"


class NamedSchema(NamedTuple):
    """A task type by its name, and its schema."""

    name: str
    schema: Mapping[str, Any]


@dataclass(frozen=True, kw_only=True)
class SharedProperty:
    """A property that all of the types have; `rules` are what each of them says of it.

    `removable`: no type requires it. `choices` are the values that every type allows, of which a
    choice is one and a choice of several are some. `inside` are the properties of a group.
    """

    place: Pointer
    kind: Kind
    rules: Sequence[Any]
    removable: bool
    choices: Sequence[Any] = ()
    inside: Sequence["SharedProperty"] = ()

    @property
    def title(self) -> str:
        """The title that a type gives it, or its name in words."""
        titles = (str(rules.get("title") or "") for rules in self.rules if isinstance(rules, dict))
        return next(filter(None, titles), "") or self.place[-1].replace("_", " ").capitalize()

    @property
    def description(self) -> str:
        """The description, if all types that have one say the same."""
        found = {
            str(text)
            for rules in self.rules
            if isinstance(rules, dict) and (text := rules.get("description"))
        }
        return found.pop() if len(found) == 1 else ""

    @property
    def default(self) -> Any:
        """The default, if all types have the same; None without one."""
        first, *others = (
            rules.get("default") if isinstance(rules, dict) else None for rules in self.rules
        )
        return first if all(same(first, other) for other in others) else None


class LeftOut(NamedTuple):
    """A property that cannot be set for all types at once, and why."""

    place: Pointer
    why: str


class Shared(NamedTuple):
    """What the types have in common, in the order of the first one's schema, and what they do not."""

    properties: Sequence[SharedProperty]
    left_out: Sequence[LeftOut]


def shared_properties(types: Sequence[NamedSchema]) -> Shared:
    """Return the properties that all of the types have in a compatible form, and the others."""
    left_out: list[LeftOut] = []
    found = list(_shared(types, (), left_out))
    return Shared(found, left_out)


def settable(properties: Sequence[SharedProperty]) -> Iterator[SharedProperty]:
    """Yield the properties and what is inside of groups, in order."""
    for each in properties:
        yield each
        yield from settable(each.inside)


def secret_properties(types: Sequence[NamedSchema]) -> list[SharedProperty]:
    """Return the secrets that any of the types knows, by place; the pipeline says who must have one."""
    found: dict[Pointer, list[Any]] = {}
    for each in types:
        for place, rules in secret_places(each.schema):
            found.setdefault(place, []).append(rules)
    return [
        SharedProperty(place=place, kind=Kind.SECRET, rules=rules, removable=True)
        for place, rules in sorted(found.items())
    ]


def _shared(
    types: Sequence[NamedSchema], place: Pointer, left_out: list[LeftOut]
) -> Iterator[SharedProperty]:
    names = dict.fromkeys(name for each in types for name in _ordered(each.schema))
    for name in names:
        having = [each for each in types if name in properties_of(each.schema)]
        inside = [NamedSchema(each.name, properties_of(each.schema)[name]) for each in having]
        here = (*place, name)
        if why := _why_not_shared(types, inside):
            left_out.append(LeftOut(here, why))
            continue
        kind, rules = _kind(inside[0].schema), [each.schema for each in inside]
        choices = _choices(kind, rules)
        if kind in {Kind.CHOICE, Kind.CHOICES} and not choices:
            left_out.append(LeftOut(here, "no value is allowed by all of the types"))
            continue
        yield SharedProperty(
            place=here,
            kind=kind,
            rules=rules,
            removable=not any(name in each.schema.get("required", ()) for each in types),
            choices=choices,
            inside=list(_shared(inside, here, left_out)) if kind is Kind.GROUP else (),
        )


def _why_not_shared(types: Sequence[NamedSchema], having: Sequence[NamedSchema]) -> str:
    """Return why the types do not share a property that some of them have; empty if they do."""
    if len(having) < len(types):
        names = [each.name for each in having]
        return f"only {enumerated(names)} {'has' if len(names) == 1 else 'have'} it"
    kinds: dict[Kind, list[str]] = {}
    for each in having:
        kinds.setdefault(_kind(each.schema), []).append(each.name)
    if len(kinds) > 1:
        says = (f"a {kind} in {enumerated(names)}" for kind, names in kinds.items())
        return f"it is {', '.join(says)}"
    return ""


def enumerated(names: Sequence[str], most: int = 3) -> str:
    """Return the names as a list in words, of more than so many only the first ones."""
    if len(names) > most:
        return f"{', '.join(names[: most - 1])} and {len(names) - most + 1} others"
    return " and ".join(filter(None, [", ".join(names[:-1]), names[-1]]))


def _ordered(schema: Mapping[str, Any]) -> list[str]:
    """Return the names of the properties as their schema orders them; the others follow."""
    names, order = properties_of(schema), schema.get(ORDER_KEYWORD)
    first = [name for name in order if name in names] if isinstance(order, list) else []
    return list(dict.fromkeys([*first, *names]))


# What one field cannot express: such a value is written as JSON.
_COMBINATORS = frozenset(
    {"$ref", "$dynamicRef", "allOf", "anyOf", "oneOf", "not", "if", "prefixItems", "const"}
)
_SIMPLE = {
    "string": Kind.TEXT,
    "integer": Kind.INTEGER,
    "number": Kind.NUMBER,
    "boolean": Kind.SWITCH,
}


def _kind(rules: Any) -> Kind:
    if not isinstance(rules, dict) or _COMBINATORS & rules.keys():
        return Kind.JSON
    if is_secret(rules):
        return Kind.SECRET
    if "enum" in rules:
        return Kind.CHOICE if _are_scalars(rules["enum"]) else Kind.JSON
    wanted = rules.get("type")
    if wanted == "object":
        return Kind.GROUP if properties_of(rules) else Kind.FREE
    if wanted == "array":
        return _kind_of_array(rules)
    return _SIMPLE.get(wanted, Kind.JSON) if isinstance(wanted, str) else Kind.JSON


def _kind_of_array(rules: Mapping[str, Any]) -> Kind:
    item = _kind(rules.get("items"))
    # A tick says neither how often nor in which place.
    if item is Kind.CHOICE and rules.get("uniqueItems") is True:
        return Kind.CHOICES
    if item in {Kind.INTEGER, Kind.NUMBER}:
        return Kind.NUMBERS
    return Kind.LINES if item is Kind.TEXT else Kind.JSON


def _are_scalars(values: Sequence[Any]) -> bool:
    """Return whether all are scalars; null is no value that a patch could set."""
    return all(isinstance(value, str | int | float) for value in values)


def _choices(kind: Kind, rules: Sequence[Any]) -> list[Any]:
    if kind not in {Kind.CHOICE, Kind.CHOICES}:
        return []
    allowed = [(each["items"] if kind is Kind.CHOICES else each)["enum"] for each in rules]
    return [
        value
        for value in allowed[0]
        if all(any(same(value, other) for other in others) for others in allowed[1:])
    ]
