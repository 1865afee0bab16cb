"""Panels and further pages: what an app adds to the page of another app's object.

The app that owns the object does not know who adds to its page, so imports keep their direction.
"""

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from django.db import models
from django.http import HttpRequest, HttpResponse


class Panel(NamedTuple):
    """A titled part of a page: a template and what it shows of the object, as `data`.

    Panels stand in the order in which they are registered; those `at_end` come after all others.
    `script` is a static file that the panel's page loads.
    """

    title: str
    template: str
    data: Callable[[HttpRequest, Any], Any]
    at_end: bool = False
    script: str = ""


class FurtherPage(NamedTuple):
    """A page about one object: its address below that of the object, and what answers there.

    `view` gets the object's own page, the request and the object's key, and decides who may see what.
    With a `title`, the object's history leads there: auditors read it also where they see no object.
    """

    path: str
    view: Callable[[Any, HttpRequest, str], HttpResponse]
    title: str = ""


_panels: dict[type[models.Model], list[Panel]] = {}
_pages: dict[type[models.Model], list[FurtherPage]] = {}


def register_panel(model: type[models.Model], panel: Panel) -> None:
    """Add a panel to the page of every object of the model, below those that are there."""
    registered = _panels.setdefault(model, [])
    registered.append(panel)
    registered.sort(key=lambda each: each.at_end)


def register_page(model: type[models.Model], page: FurtherPage) -> None:
    """Add a page about every object of the model, named `admin:<app>_<model>_<path>`."""
    _pages.setdefault(model, []).append(page)


def pages_of(*, model: type[models.Model]) -> Sequence[FurtherPage]:
    """Return the pages that apps have added to the model's."""
    return _pages.get(model, [])


def panels_of(*, request: HttpRequest, shown: models.Model) -> list[dict[str, Any]]:
    """Return the panels of an object for a template; one without data is left out."""
    filled = [
        {**panel._asdict(), "data": panel.data(request, shown)}
        for panel in _panels.get(type(shown), [])
    ]
    return [panel for panel in filled if panel["data"] is not None]
