"""On what terms a caller wants a batch: query parameters and headers, the same for every vendor."""

import re
from dataclasses import dataclass

from rest_framework.request import Request

from tasks.batch.errors import Malformed, PlanDrifted


_DRY_RUN = "dry_run"
_STRONG_TAG = re.compile(r'"([\x21\x23-\x7e]*)"')
_WEAK_TAG = re.compile(r'W/"[\x21\x23-\x7e]*"')
_KEY = re.compile(r"[\x21-\x7e]{1,255}")


@dataclass(frozen=True, kw_only=True)
class Terms:
    """Preview only; the fingerprint that the plan must have; in the worker; the idempotency key."""

    dry_run: bool = False
    expected: str = ""
    respond_async: bool = False
    key: str = ""


def read_terms(request: Request) -> Terms:
    """Return the terms of the request.

    Raises:
        Malformed: naming every parameter and header that does not say what it must.
        PlanDrifted: the fingerprint is a weak tag, which never matches.
    """
    problems: list[tuple[str, str]] = []
    terms = Terms(
        dry_run=_dry_run(request, problems),
        expected=_expected(request, problems),
        respond_async=_respond_async(request),
        key=_key(request, problems),
    )
    if problems:
        raise Malformed(problems)
    return terms


def _dry_run(request: Request, problems: list[tuple[str, str]]) -> bool:
    # A misspelt dry_run must not apply the batch, so nothing unknown is passed over.
    unknown = sorted(request.query_params.keys() - {_DRY_RUN})
    problems += [(name, "is no query parameter here") for name in unknown]
    given = request.query_params.getlist(_DRY_RUN)
    if given not in ([], ["true"], ["false"]):
        problems.append((_DRY_RUN, "must be true or false, once"))
    return given == ["true"]


def _expected(request: Request, problems: list[tuple[str, str]]) -> str:
    given = request.headers.get("If-Match")
    if given is None:
        return ""
    if _WEAK_TAG.fullmatch(given):
        raise PlanDrifted(uids=[])
    tag = _STRONG_TAG.fullmatch(given)
    if tag is None or not tag[1]:
        problems.append(("If-Match", "must be one fingerprint in double quotes"))
        return ""
    return tag[1]


def _respond_async(request: Request) -> bool:
    """Return whether the preference is among those given; others may be ignored (RFC 7240)."""
    preferences = request.headers.get("Prefer", "").split(",")
    return any(
        preference.split(";")[0].strip().lower() == "respond-async" for preference in preferences
    )


def _key(request: Request, problems: list[tuple[str, str]]) -> str:
    given = request.headers.get("Idempotency-Key")
    if given is None:
        return ""
    if not _KEY.fullmatch(given):
        problems.append(("Idempotency-Key", "must be 1 to 255 visible ASCII characters"))
    return given
