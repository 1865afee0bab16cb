"""Tokens for tests."""

from collections.abc import Collection, Sequence
from datetime import datetime

from django.contrib.auth.models import User

from permissions.models import Scope
from permissions.tokens import IssuedToken, NewToken, create_token
from tests.conftest import ORIGIN


def issue(
    owner: User,
    *,
    name: str = "robot",
    scopes: Collection[str] = Scope.values,
    networks: Sequence[str] = (),
    expires_at: datetime | None = None,
) -> IssuedToken:
    """Make a token of the owner's, by default with every scope."""
    wanted = NewToken(
        owner=owner, name=name, scopes=scopes, networks=networks, expires_at=expires_at
    )
    return create_token(actor=owner, wanted=wanted, origin=ORIGIN)
