"""Which photos have been begun and not ended, by whichever worker: what is left behind when one dies."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

MOST_DEATHS = 2
"""A photo in whose rendering so many workers have died is not tried again."""


class Ledger:
    """Counts what is begun and not ended, by the number of the task; it lives in a process of its own."""

    def __init__(self) -> None:
        self._begun: Counter[int] = Counter()

    def begin(self, task: int) -> None:
        """A worker begins with a photo."""
        self._begun[task] += 1

    def end(self, task: int) -> None:
        """A worker has come to an end with it, and lives."""
        del self._begun[task]

    def deaths(self, tasks: Sequence[int]) -> list[int]:
        """How often each was in hand when its worker died, asked by a worker that has not begun with any."""
        return [self._begun[task] for task in tasks]
