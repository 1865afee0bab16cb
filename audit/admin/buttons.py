"""Buttons on the page of an object: what an app lets a visitor do with another app's object.

The app that owns the object does not know who adds to its page, so imports keep their direction.
"""

from collections.abc import Callable, Iterable
from typing import Any, NamedTuple

from django.db import models
from django.http import HttpRequest


class Button(NamedTuple):
    """What is on a button, where it leads, and whether it does something or only leads there."""

    label: str
    address: str
    does: bool = True
    variant: str = "default"


Buttons = Callable[[HttpRequest, Any], Iterable[Button]]

_registered: dict[type[models.Model], list[Buttons]] = {}


def register_buttons(model: type[models.Model], buttons: Buttons) -> None:
    """Add buttons to the page of every object of the model, after those that are there."""
    _registered.setdefault(model, []).append(buttons)


def buttons_of(*, request: HttpRequest, shown: models.Model) -> list[Button]:
    """Return the buttons that the visitor gets on the object's page."""
    return [
        button for buttons in _registered.get(type(shown), []) for button in buttons(request, shown)
    ]
