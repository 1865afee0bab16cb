"""What a task type's JSON Schema (draft 2020-12) says of settings: valid or not, and which are secret.

A secret is a string property marked `writeOnly`. Settings hold a reference in its place, so two
validators exist: one for whole settings, in which a secret is a reference, and one for each secret's
raw value. Messages name the place and the rule, never the value.
"""

import json
import math
import re
from collections.abc import Collection, Container, Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from itertools import islice
from typing import Any, NamedTuple

import jsonschema_rs


REFERENCE_PREFIX = "secret:"
REFERENCE_PATTERN = r"^secret:[0-9a-f]{32}$"

Pointer = tuple[str, ...]

_DRAFT = "https://json-schema.org/draft/2020-12/schema"
_MAX_DEPTH = 32
_REFERENCE = re.compile(REFERENCE_PATTERN)
# PostgreSQL stores neither in jsonb, nor in text.
_UNSTORABLE_TEXT = re.compile("[\\0\ud800-\udfff]")
# What is said is said again for every target of a batch: enough to repair settings by, and no more.
MOST_PROBLEMS = 20
_LONGEST_MESSAGE = 300
_LONGEST_KEY = 255
# What a schema must be itself.
_RULES_OF_SCHEMAS = jsonschema_rs.Draft202012Validator({"$ref": _DRAFT}, offline=True)
_TYPES = "array, boolean, integer, null, number, object, string, or a list of these"


class Problem(NamedTuple):
    """One way in which settings break their schema: a JSON pointer (RFC 6901) and the rule."""

    pointer: str
    rule: str
    message: str


class SchemaInvalid(Exception):
    """The schema of a task type cannot be used; the problems say where in it and why."""

    def __init__(self, *problems: Problem) -> None:
        told = (": ".join(filter(None, (found.pointer, found.message))) for found in problems)
        super().__init__("; ".join(told))
        self.problems = problems


@dataclass(frozen=True, slots=True)
class CompiledSchema:
    """A schema ready for use; `secrets` maps each `writeOnly` place to the validator of its value."""

    validator: jsonschema_rs.Draft202012Validator
    secrets: Mapping[Pointer, jsonschema_rs.Draft202012Validator]

    def problems(self, settings: Any) -> list[Problem]:
        """Return the rules that the settings break, the first twenty if there are more."""
        if self.validator.is_valid(settings):
            return []
        return list(map(problem_of, islice(self.validator.iter_errors(settings), MOST_PROBLEMS)))

    def secret_problems(self, place: Pointer, value: Any) -> list[Problem]:
        """Return every rule that the raw value for a secret place breaks."""
        return [problem_of(error, prefix=place) for error in self.secrets[place].iter_errors(value)]


def check_schema(schema: Any) -> None:
    """Check that a task type can use `schema`.

    Raises:
        SchemaInvalid: it is no schema for an object, refers elsewhere, or hides a secret where
            settings cannot hold a reference.
    """
    if not isinstance(schema, dict) or schema.get("type") != "object":
        raise _invalid((), 'a task type\'s schema must be an object with "type": "object"')
    # The library would fetch the rules of a dialect that it does not know.
    if schema.get("$schema", _DRAFT) != _DRAFT:
        raise _invalid(("$schema",), f"must be {_DRAFT}")
    _refuse_unusable_keywords(schema)
    if found := list(islice(_RULES_OF_SCHEMAS.iter_errors(schema), MOST_PROBLEMS)):
        raise SchemaInvalid(*map(_problem_of_schema, found))
    try:
        compiled_schema(json.dumps(schema))
    except jsonschema_rs.ValidationError as error:
        raise SchemaInvalid(_problem_of_schema(error)) from error
    except (jsonschema_rs.ReferencingError, ValueError) as error:
        raise _invalid((), str(error)) from error


@lru_cache(maxsize=512)
def compiled_schema(text: str) -> CompiledSchema:
    """Compile the schema given as JSON text; equal texts share one result."""
    schema = json.loads(text)
    secrets = {place: compile_rules(rules) for place, rules in secret_places(schema)}
    return CompiledSchema(validator=compile_rules(_with_references(schema)), secrets=secrets)


def problems_for_any_type(document: Any, *, sealed: Container[str]) -> list[Problem]:
    """Return what settings of no type may hold, the first twenty places if there are more.

    `sealed` are the places of references made by us: one that somebody else wrote would name a secret
    that is not theirs.
    """
    return list(islice(_problems_inside(document, sealed, ()), MOST_PROBLEMS))


def json_pointer(place: Pointer) -> str:
    """Return the RFC 6901 form of a place."""
    return "".join("/" + step.replace("~", "~0").replace("/", "~1") for step in place)


def _problems_inside(document: Any, sealed: Container[str], place: Pointer) -> Iterator[Problem]:
    if isinstance(document, dict):
        for key, value in document.items():
            if message := _problem_of_key(key):
                yield Problem(json_pointer(place), "text", message)
            else:
                yield from _problems_inside(value, sealed, (*place, key))
    elif isinstance(document, list):
        for index, value in enumerate(document):
            yield from _problems_inside(value, sealed, (*place, str(index)))
    elif isinstance(document, float) and not math.isfinite(document):
        yield Problem(json_pointer(place), "number", "the value is not a finite number")
    elif isinstance(document, str):
        if _UNSTORABLE_TEXT.search(document):
            yield Problem(
                json_pointer(place), "text", "the value holds a character that is no text"
            )
        if _REFERENCE.fullmatch(document) and json_pointer(place) not in sealed:
            message = "the value names a stored secret; send the secret itself, or leave it out"
            yield Problem(json_pointer(place), "reference", message)


def _problem_of_key(key: str) -> str:
    if _UNSTORABLE_TEXT.search(key):
        return "a key holds a character that is no text"
    if len(key) > _LONGEST_KEY:
        return f"a key is longer than {_LONGEST_KEY} characters"
    return ""


def hides(secrets: Collection[Pointer], place: Pointer) -> bool:
    """Return whether the place is one of the secret ones, holds one, or is inside one."""
    return any(place[: len(secret)] == secret[: len(place)] for secret in secrets)


def compile_rules(schema: Any) -> jsonschema_rs.Draft202012Validator:
    """Compile a schema, or a part of one, so that it neither stalls, nor tells values, nor fetches."""
    # The linear-time engine: a pattern in a schema must not be able to stall a batch.
    return jsonschema_rs.Draft202012Validator(
        schema,
        validate_formats=True,
        mask="the value",
        pattern_options=jsonschema_rs.RegexOptions(),
        offline=True,
    )


def problem_of(error: jsonschema_rs.ValidationError, prefix: Pointer = ()) -> Problem:
    """Return what the library found, told by the place and the rule."""
    place = (*prefix, *map(str, error.instance_path))
    rule = str(error.schema_path[-1]) if error.schema_path else "false schema"
    return Problem(json_pointer(place), rule, _shortened(error.message))


def _shortened(message: str) -> str:
    """Return the message without its end if that is far: some list every key of an object."""
    if len(message) <= _LONGEST_MESSAGE:
        return message
    return f"{message[:_LONGEST_MESSAGE]}…"


def _problem_of_schema(error: jsonschema_rs.ValidationError) -> Problem:
    found = problem_of(error)
    # The rule allows one or a list, and says only that it is neither.
    if found.pointer.endswith("/type") and found.rule == "anyOf":
        return found._replace(message=f"must be one of {_TYPES}")
    return found


def _invalid(place: Pointer, message: str) -> SchemaInvalid:
    return SchemaInvalid(Problem(json_pointer(place), "schema", message))


def secret_places(schema: Any, place: Pointer = ()) -> Iterator[tuple[Pointer, Any]]:
    """Yield the place and the rules of each secret that the schema knows."""
    for name, rules in properties_of(schema).items():
        if is_secret(rules):
            yield (*place, name), rules
        else:
            yield from secret_places(rules, (*place, name))


def _with_references(schema: Any) -> Any:
    """Return the schema in which every secret is a reference."""
    if is_secret(schema):
        return {"type": "string", "pattern": REFERENCE_PATTERN}
    properties = properties_of(schema)
    if not properties:
        return schema
    replaced = {name: _with_references(rules) for name, rules in properties.items()}
    return {**schema, "properties": replaced}


def properties_of(schema: Any) -> Mapping[str, Any]:
    """Return the properties that a schema names, if it is one of an object."""
    properties = schema.get("properties") if isinstance(schema, dict) else None
    return properties if isinstance(properties, dict) else {}


def is_secret(schema: Any) -> bool:
    """Return whether what the schema describes is a secret."""
    return isinstance(schema, dict) and schema.get("writeOnly") is True


def _refuse_unusable_keywords(schema: Any, place: Pointer = (), *, held: bool = True) -> None:
    """Walk the whole schema; `held` says whether a secret may stand at this place.

    Under keywords that nobody knows too: a `$ref` reaches anything.
    """
    if len(place) > _MAX_DEPTH:
        raise _invalid(place, f"nested more than {_MAX_DEPTH} deep")
    if isinstance(schema, list):
        for index, item in enumerate(schema):
            _refuse_unusable_keywords(item, (*place, str(index)), held=False)
    if not isinstance(schema, dict):
        return
    if not str(schema.get("$ref", "#")).startswith("#"):
        raise _invalid((*place, "$ref"), "a $ref must stay inside the schema")
    if is_secret(schema) and not (held and place and schema.get("type") == "string"):
        message = "writeOnly is for string properties outside combinators"
        raise _invalid((*place, "writeOnly"), message)
    properties = properties_of(schema)
    for name, rules in properties.items():
        _refuse_unusable_keywords(rules, (*place, "properties", name), held=held)
    for keyword, value in schema.items():
        if value is not properties:
            _refuse_unusable_keywords(value, (*place, keyword), held=False)
