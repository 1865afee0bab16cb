"""A program that calls the API with a token, through Django's test client."""

import json
from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

from django.contrib.auth.models import User
from django.test import Client

from permissions.models import Scope
from tests.tokens import issue


SETTINGS_TASKS = "/api/v2/settings/tasks"
BRANCH = {"repository": {"branch": "main"}}


# What the test client returns has no name of its own: a response that also reads JSON.
Answered = Any


@dataclass(frozen=True)
class Caller:
    """Sends what it is given, with its token."""

    token: str
    client: Client

    def post(self, path: str, body: Any, **headers: str) -> Answered:
        """Post the body: bytes as they are, anything else as JSON."""
        content = body if isinstance(body, bytes) else json.dumps(body).encode()
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return self.client.post(
            path,
            content,
            content_type=named.pop("Content-Type", "application/json"),
            headers={"Authorization": f"Bearer {self.token}", **named},
        )

    def get(self, path: str, **headers: str) -> Answered:
        """Get the path."""
        return self.client.get(path, headers={"Authorization": f"Bearer {self.token}", **headers})


def caller_of(user: User, *, scopes: Collection[str] = Scope.values, name: str = "robot") -> Caller:
    """Return a program with a token of the user's."""
    secret = issue(user, scopes=scopes, name=name).secret
    return Caller(secret, Client(raise_request_exception=False))


def update(uids: Collection[str], settings: Any = BRANCH) -> dict[str, Any]:
    """Return the body that updates settings of the tasks."""
    return {"target": list(uids), "settings": settings}
