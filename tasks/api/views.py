"""What the views of both vendors share: every answer in the vendor's shape, one batch per request.

A vendor's view reads its body into a batch and says how a result looks; everything else is here.
"""

import json
from abc import abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, ClassVar, Protocol, cast
from uuid import UUID

import structlog
from django.contrib.auth.models import User
from django.http import Http404, HttpResponse
from django.http.response import HttpResponseBase
from rest_framework.renderers import BaseRenderer, JSONRenderer
from rest_framework.request import Request
from rest_framework.views import APIView

from audit.context import Origin, Token
from audit.models import Channel, Operation, State
from tasks.api.faults import Fault, FaultCode, LengthRequired, fault_of
from tasks.api.idempotency import Answer, AnsweredBefore, KeyReceipt, digest_of
from tasks.api.parser import StrictJSONParser
from tasks.api.plans import plan_data
from tasks.api.terms import Terms, read_terms
from tasks.batch import pipeline
from tasks.batch.errors import Malformed, PlanRefused
from tasks.batch.pipeline import Applied, Batch, Receipt
from tasks.batch.plan import Plan


_OPERATIONS = "/api/v2/operations/"

logger = structlog.get_logger(__name__)


class Asked(Protocol):
    """What a request asks for, ready to be previewed and applied."""

    def preview(self, *, actor: User) -> Plan:
        """Return what it would do now."""

    def apply(self, *, actor: User, receipt: Receipt | None, in_worker: bool) -> Applied:
        """Do it now, or accept it for the worker."""


@dataclass(frozen=True)
class AskedBatch:
    """A batch that a request asks for."""

    batch: Batch

    def preview(self, *, actor: User) -> Plan:
        """Return what the batch would do now."""
        return pipeline.preview(actor=actor, batch=self.batch)

    def apply(self, *, actor: User, receipt: Receipt | None, in_worker: bool) -> Applied:
        """Apply the batch, or submit it."""
        carry_out = pipeline.submit if in_worker else pipeline.apply
        return carry_out(actor=actor, batch=self.batch, receipt=receipt)


class InterfaceView(APIView):
    """A view all of whose answers, errors included, have its vendor's shape.

    `scopes` names, per method, the scope that a token needs.
    """

    scopes: Mapping[str, str]

    parser_classes = (StrictJSONParser,)
    renderer_classes: Sequence[type[BaseRenderer]] = (JSONRenderer,)
    http_method_names = ("get", "head", "post")

    @staticmethod
    @abstractmethod
    def fault_body(fault: Fault) -> dict[str, Any]:
        """Return the body that says in the vendor's shape what went wrong."""

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        """Refuse an unknown method before anything else: no token makes it known."""
        method = str(request.method).lower()
        if method not in self.http_method_names or not hasattr(self, method):
            self.http_method_not_allowed(request)
        super().initial(request, *args, **kwargs)

    def handle_exception(self, exc: Exception) -> HttpResponseBase:  # type: ignore[override]
        """Answer an error in the vendor's shape; what was not foreseen goes to the log alone."""
        fault = fault_of(exc)
        if fault.code is FaultCode.UNAUTHENTICATED:
            challenge = self.get_authenticate_header(self.request) or "Bearer"
            fault = replace(fault, headers={"WWW-Authenticate": challenge})
        if fault.code is FaultCode.INTERNAL:
            logger.error("request_failed", exc_info=exc)
        elif fault.code is FaultCode.UNAVAILABLE:
            logger.warning("database_unavailable", exc_info=exc)
        return fault_response(fault, self.fault_body(fault))


class BatchView(InterfaceView):
    """One request, one batch, one answer; previews, retries and drift protection included."""

    body_required: ClassVar[bool] = True

    @abstractmethod
    def batch_of(self, *, actor: User, body: dict[str, Any], origin: Origin) -> Batch:
        """Return the batch that the body asks for.

        Raises:
            BatchError: it does not ask for one.
        """

    @abstractmethod
    def applied_body(self, plan: Plan) -> dict[str, Any]:
        """Return what to say of a plan that was carried out."""

    @abstractmethod
    def accepted_body(self, operation: Operation) -> dict[str, Any]:
        """Return what to say of an operation that waits for the worker."""

    @abstractmethod
    def previewed_body(self, plan: Plan) -> dict[str, Any]:
        """Return what to say of a plan that could be carried out."""

    def post(self, request: Request, **_: Any) -> HttpResponse:
        """Preview, apply or submit the batch."""
        terms = read_terms(request)
        actor = cast("User", request.user)
        body = body_of(request, required=self.body_required)
        asked = self.asked_in(
            actor=actor, body=body, origin=origin_of(request), expected=terms.expected
        )
        if terms.dry_run:
            return self._preview(asked.preview(actor=actor))
        receipt = self._receipt(request, terms) if terms.key else None
        try:
            applied = asked.apply(actor=actor, receipt=receipt, in_worker=terms.respond_async)
        except AnsweredBefore as before:
            return _response(before.answer, {"Idempotency-Replayed": "true"})
        settled = receipt.answer if receipt else None
        return _response(settled or self._answer(applied))

    def asked_in(
        self, *, actor: User, body: dict[str, Any], origin: Origin, expected: str
    ) -> Asked:
        """Return what the body asks for: a batch, unless a view says otherwise.

        Raises:
            BatchError: it does not ask for anything.
        """
        batch = self.batch_of(actor=actor, body=body, origin=origin)
        return AskedBatch(replace(batch, expected=expected))

    def _preview(self, plan: Plan) -> HttpResponse:
        """Answer as applying would, and add the plan."""
        headers = {"ETag": f'"{plan.fingerprint}"'}
        if not plan.refusals:
            body = {**self.previewed_body(plan), "plan": plan_data(plan)}
            return json_response(body, headers=headers)
        fault = fault_of(PlanRefused(plan))
        return fault_response(
            replace(fault, headers=headers), {**self.fault_body(fault), "plan": plan_data(plan)}
        )

    def _receipt(self, request: Request, terms: Terms) -> KeyReceipt:
        return KeyReceipt(
            token_id=cast("Token", request.auth).pk,
            key=terms.key,
            digest=digest_of(request),
            answer_of=self._answer,
        )

    def _answer(self, applied: Applied) -> Answer:
        headers = {"Location": f"{_OPERATIONS}{applied.operation.pk}"}
        if applied.operation.state != State.QUEUED:
            body = self.applied_body(applied.plan)
            return Answer(status=200, headers=headers, content=_as_json(body))
        headers["Preference-Applied"] = "respond-async"
        body = self.accepted_body(applied.operation)
        return Answer(status=202, headers=headers, content=_as_json(body))


class UnknownPathView(InterfaceView):
    """Answers every address under an interface's prefix that nothing else answers."""

    authentication_classes = ()
    permission_classes = ()
    throttle_classes = ()
    schema = None

    @property
    def default_response_headers(self) -> dict[str, str]:
        """Name no method: there is nothing that any would be allowed for."""
        return {}

    def initial(self, *_: Any, **__: Any) -> None:
        """Refuse, whatever the method and the token.

        Raises:
            Http404: always.
        """
        raise Http404


def location_of(operation_id: UUID | None) -> str | None:
    """Return where to read of an operation."""
    return f"{_OPERATIONS}{operation_id}" if operation_id else None


def json_response(
    body: Mapping[str, Any], *, status: int = 200, headers: Mapping[str, str] | None = None
) -> HttpResponse:
    """Return the response with this body."""
    return _response(Answer(status=status, headers=headers or {}, content=_as_json(body)))


def fault_response(fault: Fault, body: Mapping[str, Any]) -> HttpResponse:
    """Return the response that says of a fault what the body says."""
    return _response(Answer(status=fault.status, headers=fault.headers, content=_as_json(body)))


def origin_of(request: Request) -> Origin:
    """Return where the request came in."""
    return Origin.of(request, channel=Channel.API, token=cast("Token", request.auth))


def body_of(request: Request, *, required: bool) -> dict[str, Any]:
    """Return the object that came as body, or an empty one where none came.

    Raises:
        Malformed: the body is no JSON object, or is required and not there.
        LengthRequired: it came without its length.
    """
    # Read through Django, which keeps to the size limit, before DRF looks at it.
    if request.body:
        return cast("dict[str, Any]", request.data)
    if "Transfer-Encoding" in request.headers:
        raise LengthRequired
    if required:
        raise Malformed([("", "the body is empty; a JSON object is expected")])
    return {}


def _as_json(body: Mapping[str, Any]) -> str:
    return json.dumps(body, ensure_ascii=False, separators=(",", ":"))


def _response(answer: Answer, headers: Mapping[str, str] | None = None) -> HttpResponse:
    return HttpResponse(
        answer.content,
        status=answer.status,
        content_type="application/json",
        headers={**answer.headers, **(headers or {})},
    )
