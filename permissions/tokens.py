"""API tokens: made and revoked here, and judged here whenever one is used.

The raw token exists once, in the answer to who made it; its SHA-256 is enough to find it, because
it is 32 random bytes. Rows are never deleted, so that what a token did can be traced to its owner.
"""

import hashlib
import ipaddress
import secrets
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import NamedTuple

from django.contrib.auth.models import User
from django.core.exceptions import PermissionDenied, ValidationError
from django.db import transaction
from django.db.models import Q
from django.utils import timezone

from audit.address import network_of
from audit.context import Origin
from audit.noted import note_event
from audit.recorder import administrative_operation
from permissions.models import ApiToken


PREFIX = "bh_"
_RANDOM_BYTES = 32
_HINT_LENGTH = 4

# Last use is for people to see: this often is exact enough, and a busy token stays one query.
_NOTED_EVERY = timedelta(minutes=5)

# So many addresses of a token are known; one that is forgotten is new again.
_MOST_ADDRESSES = 500


@dataclass(frozen=True, kw_only=True)
class NewToken:
    """What a token shall be."""

    owner: User
    name: str
    scopes: Collection[str]
    expires_at: datetime | None = None
    networks: Sequence[str] = ()


class TokenFault(NamedTuple):
    """Why a token cannot be used: a word for programs and a text for people."""

    code: str
    detail: str


@dataclass(frozen=True)
class IssuedToken:
    """A token's row and, this once, its secret."""

    token: ApiToken
    secret: str = field(repr=False)


def create_token(*, actor: User, wanted: NewToken, origin: Origin) -> IssuedToken:
    """Make a token; its secret is in what is returned and nowhere else.

    Raises:
        PermissionDenied: the token would be another user's, and the actor is no superuser.
        ValidationError: naming each field that does not hold what it must.
    """
    _check_may_manage(actor=actor, owner=wanted.owner)
    secret = PREFIX + secrets.token_urlsafe(_RANDOM_BYTES)
    token = ApiToken(
        owner=wanted.owner,
        name=wanted.name.strip(),
        digest=digest_of(secret),
        hint=secret[-_HINT_LENGTH:],
        scopes=sorted(set(wanted.scopes)),
        networks=_networks(wanted.networks),
        expires_at=wanted.expires_at,
    )
    if token.expires_at and token.expires_at <= token.created_at:
        raise ValidationError({"expires_at": "A token must expire in the future."})
    parameters = {
        "owner": wanted.owner.get_username(),
        "name": token.name,
        "scopes": token.scopes,
        "networks": token.networks,
        "expires_at": token.expires_at and token.expires_at.isoformat(),
    }
    with administrative_operation(
        actor=actor, kind="create_token", origin=origin, parameters=parameters
    ):
        # Of two at once with one name the second waits, and is told so.
        User.objects.select_for_update(no_key=True).values_list("pk").get(pk=wanted.owner.pk)
        token.full_clean()
        token.save(force_insert=True)
    return IssuedToken(token, secret)


def revoke_token(*, actor: User, token_id: int, origin: Origin) -> ApiToken:
    """End a token at once and for ever; revoking it again changes nothing.

    Raises:
        ApiToken.DoesNotExist: there is no such token.
        PermissionDenied: the token is another user's, and the actor is no superuser.
    """
    token = ApiToken.objects.select_related("owner").get(pk=token_id)
    _check_may_manage(actor=actor, owner=token.owner)
    parameters = {"owner": token.owner.get_username(), "name": token.name}
    with administrative_operation(
        actor=actor, kind="revoke_token", origin=origin, parameters=parameters
    ):
        token = ApiToken.objects.select_for_update().get(pk=token_id)
        if token.revoked_at is None:
            token.revoked_at = timezone.now()
            token.save(update_fields=["revoked_at"])
    return token


def digest_of(secret: str) -> str:
    """Return what is stored of a token."""
    return hashlib.sha256(secret.encode("utf-8", "surrogateescape")).hexdigest()


def find_token(secret: str) -> ApiToken | None:
    """Return the token with its owner, in one query, also for what cannot be a token."""
    return ApiToken.objects.select_related("owner").filter(digest=digest_of(secret)).first()


def fault_of(*, token: ApiToken, at: datetime, address: str | None) -> TokenFault | None:
    """Return why the token cannot be used at that time from that address, or None if it can."""
    if token.revoked_at:
        return TokenFault("token_revoked", "the token was revoked")
    if token.expires_at and token.expires_at <= at:
        return TokenFault("token_expired", "the token has expired")
    if not token.owner.is_active:
        return TokenFault("owner_inactive", "the account of the token's owner is not active")
    if token.networks and not _is_inside(address, token.networks):
        place = address or "an unknown address"
        return TokenFault("wrong_network", f"the token is not for use from {place}")
    return None


def note_use(*, token: ApiToken, at: datetime, address: str | None) -> None:
    """Remember when and from where the token was used, unless that was noted minutes ago."""
    before = at - _NOTED_EVERY
    if token.last_used_at and token.last_used_at > before:
        return
    # Asked again in the statement: of many requests at once, one writes.
    ApiToken.objects.filter(Q(last_used_at=None) | Q(last_used_at__lte=before), pk=token.pk).update(
        last_used_at=at, last_used_address=address
    )


def note_address(*, token: ApiToken, origin: Origin) -> None:
    """Record that the token is used from where it never was; where it is first used is known then."""
    if origin.address is None:
        return
    place = network_of(origin.address)
    if place in token.known_addresses:
        return
    with transaction.atomic():
        locked = ApiToken.objects.select_for_update().get(pk=token.pk)
        known = locked.known_addresses
        # Asked again under the lock: of many requests at once, one records it.
        if place in known:
            return
        if known:
            parameters = {"token": token.name, "address": origin.address}
            note_event(
                actor=token.owner,
                kind="use_token_from_new_address",
                origin=origin,
                parameters=parameters,
            )
        kept = [*known, place][-_MOST_ADDRESSES:]
        ApiToken.objects.filter(pk=token.pk).update(known_addresses=kept)


def _check_may_manage(*, actor: User, owner: User) -> None:
    if actor.pk != owner.pk and not actor.is_superuser:
        raise PermissionDenied("Only its owner and superusers may manage a token.")


def _networks(given: Sequence[str]) -> list[str]:
    networks, problems = [], []
    for text in given:
        try:
            networks.append(str(ipaddress.ip_network(text.strip())))
        except ValueError as error:
            problems.append(f"{error}.")
    problems += [
        f"{network} names a zone, which only its own machine knows."
        for network in networks
        if "%" in network
    ]
    if problems:
        raise ValidationError({"networks": problems})
    return list(dict.fromkeys(networks))


def _is_inside(address: str | None, networks: Sequence[str]) -> bool:
    return address is not None and any(
        ipaddress.ip_address(address) in ipaddress.ip_network(network) for network in networks
    )
