"""Why a batch was refused, as data: what operations keep, and pages and endpoints show."""

from tasks.batch.errors import PlanDrifted, PlanRefused, TokenInvalid


def refusals_of(error: TokenInvalid | PlanRefused | PlanDrifted) -> list[dict[str, str]]:
    """Return every offender as data: target, code and detail."""
    if isinstance(error, TokenInvalid):
        return [{"target": "", "code": "token_invalid", "detail": str(error)}]
    if isinstance(error, PlanDrifted):
        return [
            {"target": uid, "code": "drifted", "detail": "changed since the preview"}
            for uid in error.uids
        ] or [{"target": "", "code": "drifted", "detail": str(error)}]
    return [
        {"target": outcome.uid, "code": str(outcome.reason), "detail": outcome.detail}
        for outcome in error.plan.refusals
    ]
