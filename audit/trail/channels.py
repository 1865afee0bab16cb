"""Where changes came in: what is found by a channel, and people told from automation.

An import says so whether a file came to a page or to the command, and what the worker did says so
whether it was asked for on a page or by a program. So the channel on which it came in finds both.
"""

from enum import StrEnum

from django.db.models import Q

from audit.models import Channel, Operation


class By(StrEnum):
    """Who acts: people at a page, or programs: with a token, or from the command line."""

    PEOPLE = "people"
    AUTOMATION = "automation"


# Only requests have an id, and only programs that send them a token.
_OF_REQUEST = ~Q(request_id="")
_OF_TOKEN = Q(token_id__isnull=False)


def came_through(channel: str) -> Q:
    """Return the condition on operations that came in on the channel, whatever carried them out."""
    if channel == Channel.ADMIN:
        indirect = Q(channel__in=(Channel.IMPORT, Channel.WORKER)) & _OF_REQUEST & ~_OF_TOKEN
        return Q(channel=channel) | indirect
    if channel == Channel.API:
        return Q(channel=channel) | Q(channel=Channel.WORKER) & _OF_TOKEN
    if channel == Channel.COMMAND:
        return Q(channel=channel) | Q(channel__in=(Channel.IMPORT, Channel.WORKER), request_id="")
    return Q(channel=channel)


def came_in(operation: Operation) -> Channel:
    """Return the channel on which the operation came in, whatever carried it out."""
    channel = Channel(operation.channel)
    if channel not in {Channel.IMPORT, Channel.WORKER}:
        return channel
    if operation.token_id is not None:
        return Channel.API
    return Channel.ADMIN if operation.request_id else Channel.COMMAND


def done_by(by: str) -> Q:
    """Return the condition on operations of people, or of automation."""
    if by == By.PEOPLE:
        return came_through(Channel.ADMIN)
    return came_through(Channel.API) | came_through(Channel.COMMAND)
