"""Where one begins who knows what something is called: everything that the visitor sees of that name or id.

Each page of the admin is searched as its own list is, so nothing is found that the list would not show.
"""

from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

from django.apps import apps
from django.contrib import admin
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.text import capfirst

from audit.admin.base import BaseAdmin
from audit.admin.requests import typed


# So many of each kind are named; the list shows all.
_NAMED = 8


class Hit(NamedTuple):
    """Something that was found, what tells it from others of its name, and where to read on."""

    name: str
    detail: str
    address: str
    history: str


class Hits(NamedTuple):
    """What was found of one kind; `more` leads to the list of all, if they are not all named."""

    title: str
    found: Sequence[Hit]
    more: str


def find(page: BaseAdmin, request: HttpRequest) -> HttpResponse:
    """Show what has the name or the id that was asked for."""
    term = typed(request.GET.get("q"))
    context: dict[str, Any] = {
        "title": "Find",
        # It stands beside the lists, and not in the one of operations.
        "opts": None,
        "term": term,
        "hits": [hits for hits in _hits(request, term) if hits.found] if term else [],
    }
    return page.render(request, "admin/find.html", context)


def _hits(request: HttpRequest, term: str) -> Iterator[Hits]:
    pages: list[Any] = [
        admin.site.get_model_admin(model)
        for model in apps.get_models()
        if admin.site.is_registered(model)
    ]
    searched = [page for page in pages if page.search_fields and page.has_view_permission(request)]
    for page in sorted(searched, key=lambda each: int(each.rank)):
        found, _ = page.get_search_results(request, page.get_queryset(request), term)
        named = list(found[: _NAMED + 1])
        listed = reverse(f"admin:{page.address_name}_changelist", query={"q": term})
        yield Hits(
            title=capfirst(str(page.opts.verbose_name_plural)),
            found=[_hit(page, each) for each in named[:_NAMED]],
            more=listed if len(named) > _NAMED else "",
        )


def _hit(page: BaseAdmin, found: Any) -> Hit:
    of_page = f"admin:{page.address_name}"
    return Hit(
        name=page.named(found),
        detail=page.told_apart(found),
        address=reverse(f"{of_page}_change", args=[found.pk]),
        history=reverse(f"{of_page}_history", args=[found.pk]) if page.has_history else "",
    )
