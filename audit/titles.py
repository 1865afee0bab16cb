"""What kinds of operation are called, wherever people read of them; each kind's owner says it here."""

_titles: dict[str, str] = {}


def name_kind(*, kind: str, title: str) -> None:
    """Say what operations of this kind are called."""
    _titles[kind] = title


def title_of(kind: str) -> str:
    """Return what operations of this kind are called: the kind in words, if nobody has said it."""
    return _titles.get(kind) or kind.replace("_", " ").capitalize()
