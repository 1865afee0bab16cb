"""Panels: what an app adds below the page of another app's object.

The app that owns the object does not know who adds to its page, so imports keep their direction.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

from django.db import models
from django.http import HttpRequest


class Panel(NamedTuple):
    """A titled part of a page: a template and what it shows of the object, as `data`."""

    title: str
    template: str
    data: Callable[[HttpRequest, Any], Any]


_panels: dict[type[models.Model], list[Panel]] = {}


def register_panel(model: type[models.Model], panel: Panel) -> None:
    """Add a panel to the page of every object of the model, below those that are there."""
    _panels.setdefault(model, []).append(panel)


def panels_of(*, request: HttpRequest, shown: models.Model) -> list[dict[str, Any]]:
    """Return the panels of an object for a template; one without data is left out."""
    filled = [
        {"title": panel.title, "template": panel.template, "data": panel.data(request, shown)}
        for panel in _panels.get(type(shown), [])
    ]
    return [panel for panel in filled if panel["data"] is not None]
