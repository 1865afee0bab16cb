"""Pages of tracked objects: who sees the object reads its history, and so do auditors."""

from collections.abc import Sequence
from typing import Any

from django.contrib.admin.utils import unquote
from django.db.models import Model
from django.http import Http404, HttpRequest, HttpResponse
from django.urls import reverse

from audit.admin.base import BaseAdmin
from audit.admin.panels import pages_of
from audit.admin.requests import actor_of, is_key, page_number
from audit.admin.timeline import TimelineRow, read_timeline
from audit.visibility import may_audit


LAST_PAGE = 200


class HistoryAdmin(BaseAdmin):
    """A tracked object and its history.

    The library's own history page can save an old row again; here undo is an operation.
    """

    has_history = True

    def history_view(
        self, request: HttpRequest, object_id: str, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """Show the history to who sees the object, and to auditors also of what they do not see.

        Raises:
            Http404: there is no such object, or the visitor may not know of it.
        """
        key = unquote(object_id)
        shown = self.get_object(request, key)
        audits = may_audit(actor=actor_of(request))
        if shown is None and not (is_key(key) and self.may_read_history(request, int(key))):
            raise Http404
        page = read_timeline(
            page=self.model,
            key=int(key),
            number=page_number(request.GET.get("p", ""), last=LAST_PAGE),
        )
        if shown is None and not page.rows:
            raise Http404
        context = {
            "title": f"History: {self._named(shown, page.rows)}",
            "original": shown,
            "timeline": page,
            "may_audit": audits,
            "further": [
                (further.title, reverse(f"admin:{self.address_name}_{further.path}", args=[key]))
                for further in pages_of(model=self.model)
                if further.title
            ],
            **(extra_context or {}),
        }
        return self.render(request, "admin/history.html", context)

    def _named(self, shown: Model | None, rows: Sequence[TimelineRow]) -> str:
        """Return what the object is called, or was in its history, of which other rows are part as well."""
        if shown is not None:
            kind = str(self.opts.verbose_name)
            # What has no name of its own says what it is.
            says_so = str(shown).startswith(f"{kind} {shown.pk} ")
            return str(shown) if says_so else f"{kind} {shown}"
        own = (row.what for row in rows if row.model is self.model)
        return next(own, rows[-1].what)

    def may_read_history(self, request: HttpRequest, key: int) -> bool:
        """Return whether the visitor reads the history of what they do not see: auditors do."""
        del key
        return may_audit(actor=actor_of(request))
