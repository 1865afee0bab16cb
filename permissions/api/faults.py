"""Errors as CodeArts Build says them: `{"error_code", "error_msg"}`, which is what its SDK reads."""

from collections.abc import Mapping
from itertools import groupby
from typing import Any

from tasks.api.faults import Fault, FaultCode


# The vendor's own codes, where it publishes one.
_PUBLISHED: Mapping[FaultCode, str] = {
    FaultCode.MALFORMED: "CB.00060200",
    FaultCode.TOO_MANY_TARGETS: "CB.00060200",
    FaultCode.INVALID: "CB.00060200",
    FaultCode.BAD_TARGET_ID: "CB.00060201",
    FaultCode.MISSING: "CB.00060201",
    FaultCode.UNAUTHENTICATED: "APIGW.0301",
    FaultCode.UNKNOWN_PATH: "CB.00060214",
    FaultCode.THROTTLED: "CB.00060211",
    FaultCode.INTERNAL: "CB.00060101",
    FaultCode.UNAVAILABLE: "CB.00060100",
}


def error_code_of(fault: Fault) -> str:
    """Return the vendor's code, or one of ours: CB.00060 and the HTTP status."""
    return _PUBLISHED.get(fault.code) or f"CB.00060{fault.status}"


def fault_body(fault: Fault) -> dict[str, Any]:
    """Return the body of an error; its message names every task and what stands in the way."""
    return {"error_code": error_code_of(fault), "error_msg": _message(fault)}


def _message(fault: Fault) -> str:
    if fault.code is FaultCode.MALFORMED:
        return fault.message  # names the places itself
    by_detail = sorted(fault.offenders, key=lambda offender: offender.detail)
    groups = [
        f"{detail}: {', '.join(offender.target or '(empty)' for offender in offenders)}"
        for detail, offenders in groupby(by_detail, key=lambda offender: offender.detail)
    ]
    return " ".join([fault.message, "; ".join(groups)]) if groups else fault.message
