"""Who is on the page, and the albums that they have there."""

from __future__ import annotations

import re
import threading
import time
from collections import OrderedDict
from typing import Literal

from demo.album import Album
from demo.storage import KEPT_SECONDS

Tab = Literal["colorize", "defade"]

_MOST = 1000  # albums that are remembered, and sessions of known visitors
_NAME = re.compile(r"[0-9a-f]{32}")


class Visitors:
    """Albums by the page's session, of which only the visitor's browser knows the name.

    A session ends when the page is loaded anew; a name that the browser keeps beyond that brings its albums back.
    """

    def __init__(self) -> None:
        self._albums: OrderedDict[tuple[str, Tab], tuple[float, Album]] = OrderedDict()
        self._names: OrderedDict[str, str] = OrderedDict()  # of visitors, by the session
        self._alone = threading.Lock()

    def album(self, session: str | None, tab: Tab) -> Album:
        """The album that a session has on a tab; a new one, if it has none."""
        with self._alone:
            key = (self._name(session), tab)
            _, album = self._albums.pop(key, (0.0, Album()))
            album.left = None
            self._albums[key] = (time.monotonic(), album)
            self._forget()
        return album

    def known(self, session: str | None, tab: Tab) -> Album | None:
        """The album that a session has on a tab, if it has one."""
        with self._alone:
            found = self._albums.get((self._name(session), tab))
        return None if found is None else found[1]

    def returned(self, session: str | None, name: object) -> None:
        """A session is that of a visitor with a name, 32 hexadecimal digits; the albums of that name are its own now.

        What the session has done so far comes before what an earlier one did.
        """
        if not session or not isinstance(name, str) or _NAME.fullmatch(name) is None:
            return
        with self._alone:
            for whose, tab in [key for key in self._albums if key[0] == session]:
                own = self._albums.pop((whose, tab))
                if own[1].version or (name, tab) not in self._albums:
                    self._albums[name, tab] = own
            self._names[session] = name
            while len(self._names) > _MOST:
                self._names.popitem(last=False)
            for (whose, _), (_, album) in self._albums.items():
                if whose == name:
                    album.left = None

    def leave(self, session: str | None) -> None:
        """A visitor's browser is gone: what was asked for is dropped, should it not return soon; the photos wait."""
        with self._alone:
            name = self._name(session)
            self._names.pop(session or "", None)
            if name in self._names.values():  # the page was loaded anew, and is there already
                return
            for (whose, _), (_, album) in self._albums.items():
                if whose == name:
                    album.left = time.monotonic()

    def _name(self, session: str | None) -> str:
        return self._names.get(session or "", session or "")

    def _forget(self) -> None:
        """Let go of albums whose files are gone by their age, and of the least used where there are too many."""
        limit = time.monotonic() - KEPT_SECONDS
        while self._albums:
            key, (used, album) = next(iter(self._albums.items()))
            if used > limit and len(self._albums) <= _MOST:
                return
            album.left = float("-inf")
            del self._albums[key]


VISITORS = Visitors()
