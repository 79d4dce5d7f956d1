"""Visitors take turns, photo by photo, so that an album does not hold up the next one's picture."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager

_LOOK_SECONDS = 0.5  # how often a waiting visitor is asked whether he is still there


class LeftError(Exception):
    """Who waited for a turn has left, or no longer wants it."""


class Turns:
    """Lets in one at a time, in the order of their asking."""

    def __init__(self) -> None:
        self._waiting: deque[object] = deque()
        self._changed = threading.Condition()

    @contextmanager
    def take(
        self, *, left: Callable[[], bool] = lambda: False, tell: Callable[[int], None] = lambda ahead: None
    ) -> Iterator[None]:
        """Wait for a turn, and have it until the block ends.

        Args:
            left: whether the turn is no longer wanted.
            tell: told how many are ahead, when that changes.

        Raises:
            LeftError: the turn was no longer wanted before it came.
        """
        ticket = object()
        with self._changed:
            self._waiting.append(ticket)
        try:
            self._wait(ticket, left, tell)
            yield
        finally:
            with self._changed:
                self._waiting.remove(ticket)
                self._changed.notify_all()

    def _wait(self, ticket: object, left: Callable[[], bool], tell: Callable[[int], None]) -> None:
        told = 0
        while True:
            with self._changed:
                ahead = self._waiting.index(ticket)
                if ahead and ahead == told:
                    self._changed.wait(_LOOK_SECONDS)
                    ahead = self._waiting.index(ticket)
            if left():
                raise LeftError
            if not ahead:
                return
            if ahead != told:
                tell(ahead)
                told = ahead


TURNS = Turns()
"""At the models, which render one photo at a time."""
