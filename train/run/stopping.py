"""Asking a run to stop: SIGTERM and SIGINT let the step end, and the run save itself."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any

from train.errors import TrainingError


class StoppedError(TrainingError):
    """The run was asked to stop, and saved first."""


class StopRequest:
    """Whether somebody has asked this process to stop.

    Attributes:
        made: since ``awaited`` began.
    """

    def __init__(self) -> None:
        self.made = False

    @contextmanager
    def awaited(self) -> Iterator[None]:
        """While this lasts, SIGTERM and SIGINT do nothing but make the request."""

        def ask(number: int, frame: FrameType | None) -> None:
            self.made = True

        before: dict[signal.Signals, Any] = {}
        try:
            for number in (signal.SIGTERM, signal.SIGINT):
                before[number] = signal.signal(number, ask)
        except ValueError:  # not the main thread: nobody can ask
            pass
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)
