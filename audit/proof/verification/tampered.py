"""What verification raises."""


class Tampered(Exception):
    """The trail is not what was sealed; the message names the first place where it differs."""
