"""The trail for programs: operations, what they changed, and exports of it.

Auditors read everything; everybody else what was done to the tasks that they may view, and their own
operations. Pages go by place, not by number: what is added meanwhile moves nothing.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any, ClassVar, cast
from uuid import UUID

from django.contrib.auth.models import User
from django.http import HttpResponse, StreamingHttpResponse
from django.http.response import HttpResponseBase
from django.utils import timezone
from rest_framework.renderers import BaseRenderer, JSONRenderer
from rest_framework.request import Request

from audit.differences import as_json
from audit.models import Channel, State
from audit.trail.channels import By
from audit.trail.events import Events, operation_summary
from audit.trail.exports import Terms, begin_export
from audit.trail.facets import flag_names
from audit.trail.listing import read_operations, stream_operations
from audit.trail.reader import Filter, Place, Reader
from audit.trail.reading import ITSELF, ChangePlace, read_page, stream
from audit.trail.streams import CSV, FORMS, JSON_LINES, export, export_operations
from audit.trail.subjects import subjects
from tasks.api.opsera import OpseraView
from tasks.api.parameters import Parameters, encode_place
from tasks.api.scopes import AUDIT_READ
from tasks.api.trail_documents import DESCRIBE_CHANGES, DESCRIBE_EVENTS, DESCRIBE_OPERATIONS
from tasks.api.views import json_response, origin_of
from tasks.batch.errors import OperationUnknown
from tasks.past import task_to_read
from tasks.trail import reader_of


_MOST = 1000
_USUALLY = 100
_ROLES = 2**31 - 1
# Who asks for the head of an export alone exports nothing, which is nothing to record.
_NOTHING: Sequence[bytes] = ()
_FRESH: Mapping[str, str] = {"Cache-Control": "no-store"}


class _Streamed(BaseRenderer):
    """A form that is written piece by piece; it has no other use than to be asked for."""

    charset = "utf-8"
    render_style = "binary"

    def render(self, data: Any, *_: Any, **__: Any) -> Any:
        """Return what is there already."""
        return data


class JsonLinesRenderer(_Streamed):
    """One event per line."""

    media_type = JSON_LINES
    format = "jsonl"


class CsvRenderer(_Streamed):
    """One event per row."""

    media_type = CSV
    format = "csv"


@DESCRIBE_OPERATIONS
class OperationsView(OpseraView):
    """Lists operations, newest first."""

    scopes: Mapping[str, str] = {"GET": AUDIT_READ}
    renderer_classes: Sequence[type[BaseRenderer]] = (JSONRenderer, JsonLinesRenderer, CsvRenderer)

    def get(self, request: Request) -> HttpResponseBase:
        """Answer with a page of operations, or with all of them as a stream."""
        media_type = request.accepted_renderer.media_type
        parameters = Parameters(request)
        reader = _reader(request, parameters)
        if media_type in FORMS:
            parameters.check()
            operations = stream_operations(reader=reader())
            if request.method == "HEAD":
                return _streamed(_NOTHING, "operations", media_type)
            terms = _begun(request, {"list": "operations"}, media_type)
            pieces = export_operations(operations=operations, form=FORMS[media_type], terms=terms)
            return _streamed(pieces, "operations", media_type)
        place = parameters.place("after", (datetime, UUID))
        limit = parameters.integer("limit", least=1, most=_MOST) or _USUALLY
        parameters.check()
        after = Place._make(place) if place else None
        page = read_operations(reader=reader(), after=after, limit=limit)
        following = encode_place(page.following) if page.following else None
        body = {
            "operations": [operation_summary(each) for each in page.operations],
            "next": following,
        }
        return json_response(body, headers=_FRESH)


class _ChangesView(OpseraView):
    """Lists changes, newest operations first, or exports all of them."""

    scopes: Mapping[str, str] = {"GET": AUDIT_READ}
    renderer_classes: Sequence[type[BaseRenderer]] = (JSONRenderer, JsonLinesRenderer, CsvRenderer)
    exported: ClassVar[str] = "events"

    def answer(self, request: Request, fixed: Mapping[str, Any]) -> HttpResponseBase:
        """Answer with a page of events, or with all of them as a stream."""
        media_type = request.accepted_renderer.media_type
        parameters = Parameters(request)
        reader = _reader(request, parameters, fixed)
        if media_type in FORMS:
            parameters.check()
            return self._export(request, reader(), media_type)
        place = parameters.place("after", (datetime, UUID, str, int))
        if place and place[2] not in {ITSELF, *(subject.name for subject in subjects())}:
            parameters.refuse("after", "must be what the former answer's `next` says")
        limit = parameters.integer("limit", least=1, most=_MOST) or _USUALLY
        parameters.check()
        after = ChangePlace._make(place) if place else None
        page = read_page(reader=reader(), after=after, limit=limit)
        following = encode_place(page.following) if page.following else None
        events = ",".join(event.text for event in Events().of(page.found))
        body = f'{{"events":[{events}],"next":{as_json(following)}}}'
        return HttpResponse(body, content_type="application/json", headers=_FRESH)

    def _export(self, request: Request, reader: Reader, media_type: str) -> HttpResponseBase:
        if request.method == "HEAD":
            return _streamed(_NOTHING, self.exported, media_type)
        operation = reader.wanted.operation_id
        terms = _begun(request, {"operation": str(operation)} if operation else {}, media_type)
        pieces = export(found=stream(reader=reader), form=FORMS[media_type], terms=terms)
        return _streamed(pieces, self.exported, media_type)


@DESCRIBE_EVENTS
class EventsView(_ChangesView):
    """Tells every change that a filter leaves."""

    def get(self, request: Request) -> HttpResponseBase:
        """Answer with events."""
        return self.answer(request, {})


@DESCRIBE_CHANGES
class OperationChangesView(_ChangesView):
    """Tells what one operation changed."""

    exported: ClassVar[str] = "changes"

    def get(self, request: Request, operation_id: UUID) -> HttpResponseBase:
        """Answer with events.

        Raises:
            OperationUnknown: there is no such operation, or it is none of the actor's business.
        """
        actor = cast("User", request.user)
        reader = reader_of(actor=actor, wanted=Filter(operation_id=operation_id))
        if not reader.operations().exists():
            raise OperationUnknown
        return self.answer(request, {"operation_id": operation_id})


def _begun(request: Request, fixed: Mapping[str, str], media_type: str) -> Terms:
    """Record that an export begins; what is asked for is the query, and what the address says."""
    asked = {name: request.query_params[name] for name in sorted(request.query_params)}
    return begin_export(
        actor=cast("User", request.user),
        origin=origin_of(request),
        asked={**asked, **fixed},
        form=media_type,
    )


def _streamed(pieces: Iterable[bytes], named: str, media_type: str) -> HttpResponseBase:
    name = f"{named}-{timezone.now():%Y%m%dT%H%M%SZ}.{FORMS[media_type].ending}"
    headers = {**_FRESH, "Content-Disposition": f'attachment; filename="{name}"'}
    content_type = f"{media_type}; charset=utf-8"
    return StreamingHttpResponse(pieces, content_type=content_type, headers=headers)


class _Asked:
    """Who reads, once all parameters have been found to be right."""

    def __init__(self, actor: User, wanted: Filter, task: str) -> None:
        self._actor, self._wanted, self._task = actor, wanted, task

    def __call__(self) -> Reader:
        """Return the reader.

        Raises:
            TaskUnknown: there is no such task, or the actor may not view it.
        """
        wanted = self._wanted
        if self._task:
            key = task_to_read(actor=self._actor, uid=self._task)
            wanted = replace(wanted, task_id=key)
        return reader_of(actor=self._actor, wanted=wanted)


def _reader(
    request: Request, parameters: Parameters, fixed: Mapping[str, Any] | None = None
) -> _Asked:
    wanted = Filter(
        actor=parameters.text("actor"),
        project=parameters.uid("project"),
        role=parameters.integer("role", least=-_ROLES, most=_ROLES),
        flag=parameters.choice("flag", flag_names()),
        settings_key=parameters.pointer("settings_key"),
        kind=parameters.text("kind"),
        channel=parameters.choice("channel", Channel.values),
        by=parameters.choice("by", list(By)),
        state=parameters.choice("state", State.values),
        request_id=parameters.text("request_id"),
        text=parameters.text("text"),
        since=parameters.moment("since"),
        until=parameters.moment("until"),
    )
    task = parameters.uid("task")
    return _Asked(cast("User", request.user), replace(wanted, **(fixed or {})), task)
