"""What a task type's schema says of a merge patch by itself, before it meets any settings.

Owns what can be known early, for who is still writing. What the merged settings must be as a whole is
judged by the pipeline alone, so what is found here is always wrong, and more may be wrong than that.
"""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from itertools import islice
from typing import Any

import jsonschema_rs

from tasks.schemas import MOST_PROBLEMS, Pointer, Problem, compile_rules, json_pointer, problem_of


# Said of an object as a whole, of which a patch holds a part.
_OF_THE_WHOLE = frozenset(
    {
        *("required", "minProperties", "dependentRequired", "dependentSchemas", "dependencies"),
        *("allOf", "anyOf", "oneOf", "not", "if", "then", "else"),
        "unevaluatedProperties",
    }
)
_NOT_UNDERSTOOD = _OF_THE_WHOLE | {"$ref", "$dynamicRef"}


@dataclass(frozen=True, slots=True)
class PatchRules:
    """The rules of one task type for patches: of the values that they set, and of what they remove."""

    schema: Mapping[str, Any]
    validator: jsonschema_rs.Draft202012Validator

    def problems(self, patch: Mapping[str, Any]) -> list[Problem]:
        """Return what no settings of the type could take from the patch, the first twenty if more."""
        return list(islice(self._problems(patch), MOST_PROBLEMS))

    def _problems(self, patch: Mapping[str, Any]) -> Iterator[Problem]:
        yield from _removals(self.schema, patch, ())
        for error in self.validator.iter_errors(_without_nulls(patch)):
            unexpected = getattr(error.kind, "unexpected", None)
            if unexpected is None:
                yield problem_of(error)
                continue
            for name in unexpected:
                place = (*map(str, error.instance_path), name)
                yield Problem(
                    json_pointer(place), "additionalProperties", "there is no such setting"
                )


@lru_cache(maxsize=512)
def patch_rules(text: str) -> PatchRules:
    """Return the rules for patches of the schema given as JSON text; equal texts share one result."""
    schema = json.loads(text)
    try:
        validator = compile_rules(relaxed(schema))
    except (jsonschema_rs.ValidationError, jsonschema_rs.ReferencingError):
        # A $ref leads to what was left out: then only the pipeline can judge.
        validator = compile_rules({})
    return PatchRules(schema, validator)


def relaxed(schema: Any) -> Any:
    """Return the schema without what it says of objects as a whole."""
    if not isinstance(schema, dict):
        return schema
    if not _is_object(schema):
        # What may be an object under some condition is left to the pipeline.
        return True if _NOT_UNDERSTOOD & schema.keys() else schema
    kept = {keyword: value for keyword, value in schema.items() if keyword not in _OF_THE_WHOLE}
    for keyword in ("properties", "patternProperties"):
        if isinstance(rules := kept.get(keyword), dict):
            kept[keyword] = {name: relaxed(inside) for name, inside in rules.items()}
    if "additionalProperties" in kept:
        kept["additionalProperties"] = relaxed(kept["additionalProperties"])
    kept.pop("$ref", None)
    return kept


def _is_object(schema: Mapping[str, Any]) -> bool:
    return schema.get("type") == "object" or isinstance(schema.get("properties"), dict)


def _without_nulls(patch: Any) -> Any:
    """Return the patch without what it removes; the nulls inside arrays are values and stay."""
    if not isinstance(patch, dict):
        return patch
    return {key: _without_nulls(value) for key, value in patch.items() if value is not None}


def _removals(schema: Any, patch: Any, place: Pointer) -> Iterator[Problem]:
    """Yield what the patch removes although every task of the type must have it."""
    if not (isinstance(schema, dict) and isinstance(patch, dict)):
        return
    required = schema.get("required", ())
    properties = schema.get("properties") or {}
    for key, value in patch.items():
        if value is None and key in required:
            message = "every task of this type must have it, so it cannot be removed"
            yield Problem(json_pointer((*place, key)), "required", message)
        else:
            yield from _removals(properties.get(key), value, (*place, key))
