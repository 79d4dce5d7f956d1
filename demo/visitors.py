"""Who is on the page, and the albums that they have there."""

from __future__ import annotations

import threading
import time
from collections import OrderedDict
from typing import Literal

from demo.album import Album
from demo.storage import KEPT_SECONDS

Tab = Literal["colorize", "defade"]

_MOST = 1000  # visitors that are remembered


class Visitors:
    """Albums by the page's session, of which only the visitor's browser knows the name."""

    def __init__(self) -> None:
        self._albums: OrderedDict[tuple[str, Tab], tuple[float, Album]] = OrderedDict()
        self._alone = threading.Lock()

    def album(self, session: str | None, tab: Tab) -> Album:
        """The album that a session has on a tab; a new one, if it has none."""
        key = (session or "", tab)
        with self._alone:
            _, album = self._albums.pop(key, (0.0, Album()))
            album.gone = False
            self._albums[key] = (time.monotonic(), album)
            self._forget()
        return album

    def leave(self, session: str | None) -> None:
        """A visitor's browser is gone: what was asked for is dropped; the photos wait for a while, should it return."""
        with self._alone:
            for (name, _), (_, album) in self._albums.items():
                if name == (session or ""):
                    album.gone = True

    def _forget(self) -> None:
        """Let go of albums whose files are gone by their age, and of the least used where there are too many."""
        limit = time.monotonic() - KEPT_SECONDS
        while self._albums:
            key, (used, album) = next(iter(self._albums.items()))
            if used > limit and len(self._albums) <= _MOST:
                return
            album.gone = True
            del self._albums[key]


VISITORS = Visitors()
