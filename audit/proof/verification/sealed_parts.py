"""The stored digests of an operation's rows: are they those that were sealed, in the form they have?"""

import hashlib

from audit.proof.documents import Layout
from audit.proof.parts import PART, Part


class SealedParts:
    """The parts of an operation, one after the other; few things of them are remembered."""

    def __init__(self, layout: Layout) -> None:
        self._layout = layout
        self._state = hashlib.sha256()
        self._table, self._next, self._is_full = "", 0, True

    def take(self, part: Part) -> bool:
        """Add the next part; return whether it is numbered and filled as the sealer does it."""
        if part.table != self._table:
            self._table, self._next, self._is_full = part.table, 0, True
        follows = part.number == self._next and self._is_full and part.table in self._layout
        self._next, self._is_full = self._next + 1, part.size == PART
        self._state.update(part.content)
        # Nothing would change the digest as little as an empty part does.
        return follows and part.is_whole

    def hexdigest(self) -> str:
        """Return the digest of all entries, which the seal states."""
        return self._state.hexdigest()
