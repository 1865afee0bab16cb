"""What went wrong with a request, once for all interfaces; each vendor's shape is made from it."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from functools import singledispatch
from typing import NamedTuple

from django.core.exceptions import PermissionDenied, RequestDataTooBig
from django.db import InterfaceError, OperationalError
from django.http import Http404, UnreadablePostError
from django.utils.text import capfirst
from rest_framework import exceptions

from tasks.batch.errors import (
    BadTargetIds,
    BatchTooHeavy,
    Malformed,
    NotRevertible,
    OperationUnknown,
    Overtaken,
    PlanDrifted,
    PlanRefused,
    TooLate,
    TooManyTargets,
)
from tasks.batch.plan import OutcomeKind, Reason
from tasks.past import TaskUnknown


class FaultCode(StrEnum):
    """What kind of fault it is, in one word."""

    MALFORMED = "malformed"
    BAD_TARGET_ID = "bad_target_id"
    TOO_MANY_TARGETS = "too_many_targets"
    UNAUTHENTICATED = "unauthenticated"
    FORBIDDEN = "forbidden"
    MISSING = "missing"
    DENIED = "denied"
    CONFLICT = "conflict"
    INVALID = "invalid"
    DRIFTED = "drifted"
    OVERTAKEN = "overtaken"
    KEY_REUSED = "key_reused"
    KEY_IN_USE = "key_in_use"
    NOT_REVERTIBLE = "not_revertible"
    TOO_LATE = "too_late"
    NO_OPERATION = "no_operation"
    UNKNOWN_PATH = "unknown_path"
    METHOD_NOT_ALLOWED = "method_not_allowed"
    NOT_ACCEPTABLE = "not_acceptable"
    LENGTH_REQUIRED = "length_required"
    TOO_LARGE = "too_large"
    UNSUPPORTED_MEDIA_TYPE = "unsupported_media_type"
    THROTTLED = "throttled"
    INTERNAL = "internal_error"
    UNAVAILABLE = "unavailable"


class Offender(NamedTuple):
    """One thing that is wrong: the target if there is one, the reason, and where its settings break."""

    target: str
    code: str
    detail: str
    pointer: str = ""
    rule: str = ""


@dataclass(frozen=True, kw_only=True)
class Fault:
    """Why a request was refused."""

    status: int
    code: FaultCode
    message: str
    offenders: Sequence[Offender] = ()
    headers: Mapping[str, str] = field(default_factory=dict)


class KeyReused(Exception):
    """The idempotency key was used for another request."""


class KeyInUse(Exception):
    """A request with the same idempotency key is still running."""


class LengthRequired(Exception):
    """The request's body comes without its length."""


_RETRY_SOON = {"Retry-After": "1"}
# No id is longer; what is, is shown as far as it takes to recognise it.
_LONGEST_SHOWN = 80

_OF_DRF: Mapping[type[exceptions.APIException], FaultCode] = {
    exceptions.NotAuthenticated: FaultCode.UNAUTHENTICATED,
    exceptions.AuthenticationFailed: FaultCode.UNAUTHENTICATED,
    exceptions.PermissionDenied: FaultCode.FORBIDDEN,
    exceptions.NotFound: FaultCode.UNKNOWN_PATH,
    exceptions.MethodNotAllowed: FaultCode.METHOD_NOT_ALLOWED,
    exceptions.NotAcceptable: FaultCode.NOT_ACCEPTABLE,
    exceptions.ParseError: FaultCode.MALFORMED,
    exceptions.UnsupportedMediaType: FaultCode.UNSUPPORTED_MEDIA_TYPE,
    exceptions.Throttled: FaultCode.THROTTLED,
}

# Refusals of several kinds are answered with the first of these; all offenders are listed.
_OF_OUTCOME: Mapping[OutcomeKind, tuple[int, FaultCode]] = {
    OutcomeKind.MISSING: (404, FaultCode.MISSING),
    OutcomeKind.DENIED: (403, FaultCode.DENIED),
    OutcomeKind.CONFLICT: (409, FaultCode.CONFLICT),
    OutcomeKind.INVALID: (422, FaultCode.INVALID),
}
# The request names what is not there: wrong in itself, whatever the task's type allows.
_BAD_REQUEST = frozenset({Reason.OTHER_PROJECT, Reason.UNKNOWN_ROLE})


@singledispatch
def fault_of(error: Exception) -> Fault:
    """Return what an interface says of the error; whatever is not foreseen is an internal error."""
    del error
    message = "Something went wrong here; the log knows it by this answer's X-Request-Id."
    return Fault(status=500, code=FaultCode.INTERNAL, message=message)


@fault_of.register
def _(error: Malformed) -> Fault:
    code = FaultCode.MALFORMED
    offenders = [
        Offender("", code, f"{place}: {text}" if place else text) for place, text in error.problems
    ]
    return Fault(status=400, code=code, message=_sentence(error), offenders=offenders)


@fault_of.register
def _(error: BadTargetIds) -> Fault:
    code, detail = FaultCode.BAD_TARGET_ID, "is no id of 24 or 32 hexadecimal digits"
    offenders = [Offender(_shortened(uid), code, detail) for uid in error.uids]
    return Fault(status=400, code=code, message=_sentence(error), offenders=offenders)


@fault_of.register
def _(error: TooManyTargets) -> Fault:
    return Fault(status=400, code=FaultCode.TOO_MANY_TARGETS, message=_sentence(error))


@fault_of.register
def _(error: BatchTooHeavy) -> Fault:
    return Fault(status=413, code=FaultCode.TOO_LARGE, message=_sentence(error))


@fault_of.register
def _(error: PlanRefused) -> Fault:
    refusals = error.plan.refusals
    kinds = {outcome.kind for outcome in refusals}
    status, code = next(found for kind, found in _OF_OUTCOME.items() if kind in kinds)
    if code is FaultCode.INVALID and all(outcome.reason in _BAD_REQUEST for outcome in refusals):
        status = 400
    offenders = list(_offenders(error))
    return Fault(status=status, code=code, message=_sentence(error), offenders=offenders)


@fault_of.register
def _(error: PlanDrifted) -> Fault:
    code = FaultCode.DRIFTED
    offenders = [Offender(uid, code, "changed since the preview") for uid in error.uids]
    return Fault(status=412, code=code, message=_sentence(error), offenders=offenders)


@fault_of.register
def _(error: Overtaken) -> Fault:
    message = _sentence(error)
    return Fault(status=409, code=FaultCode.OVERTAKEN, message=message, headers=_RETRY_SOON)


@fault_of.register
def _(error: NotRevertible) -> Fault:
    return Fault(status=422, code=FaultCode.NOT_REVERTIBLE, message=_sentence(error))


@fault_of.register
def _(error: TooLate) -> Fault:
    return Fault(status=409, code=FaultCode.TOO_LATE, message=_sentence(error))


@fault_of.register
def _(_: OperationUnknown) -> Fault:
    return Fault(status=404, code=FaultCode.NO_OPERATION, message="There is no such operation.")


@fault_of.register
def _(_: TaskUnknown) -> Fault:
    return Fault(status=404, code=FaultCode.MISSING, message="There is no such task.")


@fault_of.register
def _(_: KeyReused) -> Fault:
    message = "This Idempotency-Key was used for another request; use a new key."
    return Fault(status=422, code=FaultCode.KEY_REUSED, message=message)


@fault_of.register
def _(_: KeyInUse) -> Fault:
    message = "A request with this Idempotency-Key is still running; repeat this one later."
    return Fault(status=409, code=FaultCode.KEY_IN_USE, message=message, headers=_RETRY_SOON)


@fault_of.register
def _(_: LengthRequired) -> Fault:
    message = "Send the body with a Content-Length; chunked bodies are not read."
    return Fault(status=411, code=FaultCode.LENGTH_REQUIRED, message=message)


@fault_of.register
def _(_: RequestDataTooBig) -> Fault:
    message = "The body is larger than a request may be."
    return Fault(status=413, code=FaultCode.TOO_LARGE, message=message)


@fault_of.register
def _(_: UnreadablePostError) -> Fault:
    message = "The body ended before its length was reached."
    return Fault(status=400, code=FaultCode.MALFORMED, message=message)


@fault_of.register
def _(_: Http404) -> Fault:
    message = "There is nothing at this address."
    return Fault(status=404, code=FaultCode.UNKNOWN_PATH, message=message)


@fault_of.register
def _(_: PermissionDenied) -> Fault:
    return Fault(status=403, code=FaultCode.FORBIDDEN, message="You may not do this.")


@fault_of.register(OperationalError)
@fault_of.register(InterfaceError)
def _(_: Exception) -> Fault:
    message = "The database cannot serve the request now; repeat it with its Idempotency-Key."
    return Fault(status=503, code=FaultCode.UNAVAILABLE, message=message, headers=_RETRY_SOON)


@fault_of.register
def _(error: exceptions.APIException) -> Fault:
    code = next((code for kind, code in _OF_DRF.items() if isinstance(error, kind)), None)
    if code is None:
        return fault_of.dispatch(Exception)(error)
    headers = {}
    if wait := getattr(error, "wait", None):
        headers["Retry-After"] = str(max(1, round(wait)))
    return Fault(status=error.status_code, code=code, message=str(error.detail), headers=headers)


def _offenders(error: PlanRefused) -> Iterator[Offender]:
    for outcome in error.plan.refusals:
        code = str(outcome.reason)
        if not outcome.problems:
            yield Offender(outcome.uid, code, outcome.detail)
        for pointer, rule, message in outcome.problems:
            yield Offender(outcome.uid, code, message, pointer, rule)


def _sentence(error: Exception) -> str:
    text = str(error)
    if text.partition(" ")[0].endswith(":"):
        return f"{text}."  # starts with the name of a field, which stays as it is written
    return f"{capfirst(text)}."


def _shortened(text: str) -> str:
    return text if len(text) <= _LONGEST_SHOWN else f"{text[:_LONGEST_SHOWN]}…"
