"""Who may speak to the server, and what it says of itself: in front of everything that Gradio answers."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Iterable, MutableMapping
from html import escape
from typing import Any
from urllib.parse import urlsplit

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[MutableMapping[str, Any], Receive, Send], Awaitable[None]]

LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})

_USUAL_PORTS = {"http": "80", "https": "443"}


class Guard:
    """Refuses requests of other websites' pages, and on a loopback address those to a name that is not its own.

    Without the first, any website that somebody has open could use the page's tools; without the second, one could by
    pointing its own name at this computer (DNS rebinding). A request without an ``Origin`` is one of a program, not of
    another website.

    Args:
        app: what is guarded.
        loopback: whether only this computer is to reach the server.
        hosts: further names by which it may be called; one that starts with a dot stands for all that end so.
    """

    def __init__(self, app: App, *, loopback: bool, hosts: Iterable[str] = ()) -> None:
        self.app = app
        self.loopback = loopback
        self.hosts = tuple(host.lower() for host in hosts)

    async def __call__(self, scope: MutableMapping[str, Any], receive: Receive, send: Send) -> None:
        """Answer, or let through."""
        if scope["type"] not in ("http", "websocket"):
            return await self.app(scope, receive, send)
        headers = {name.decode("latin-1").lower(): value.decode("latin-1") for name, value in scope["headers"]}
        refusal = self._refusal(headers)
        if refusal is None:
            return await self.app(scope, receive, send)
        if scope["type"] == "websocket":
            return await send({"type": "websocket.close", "code": 1008})
        return await _answer(send, 403, refusal)

    def _refusal(self, headers: dict[str, str]) -> str | None:
        name, port = _split(headers.get("host", ""))
        if self.loopback and name not in LOOPBACK and not self._is_allowed(name):
            return (
                "This page is for the computer that it runs on, and was called by another name. "
                "Whoever runs it can allow the name with --allow-host."
            )
        origin = headers.get("origin")
        if origin is None:
            return None
        source = urlsplit(origin)
        from_name, from_port = _split(source.netloc)
        from_port = from_port or _USUAL_PORTS.get(source.scheme, "")
        forwarded, _ = _split(headers.get("x-forwarded-host", "").split(",")[0].strip())
        if name in LOOPBACK:  # other programs of this computer serve websites, too
            same = from_name in LOOPBACK and from_port == (port or "80")
        else:
            same = from_name == name and port in (from_port, "")  # which a proxy may have taken off
        if from_name and (same or from_name == forwarded or self._is_allowed(from_name)):
            return None
        return "Requests of other websites are refused here."

    def _is_allowed(self, name: str) -> bool:
        return any(name == host or (host.startswith(".") and name.endswith(host)) for host in self.hosts)


def _split(netloc: str) -> tuple[str, str]:
    """The name and the port of an address, each empty where there is none."""
    found = re.fullmatch(r"(?:\[([0-9a-fA-F:.]+)\]|([^:\[\]]*))(?::(\d+))?", netloc)
    if found is None:
        return "", ""
    return (found[1] or found[2] or "").lower().rstrip("."), found[3] or ""


async def _answer(send: Send, status: int, text: str) -> None:
    body = text.encode()
    headers = [(b"content-type", b"text/plain; charset=utf-8"), (b"content-length", str(len(body)).encode())]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})


class OwnPreview:
    """Puts the project's own words where Gradio's page describes itself to link previews and search engines."""

    def __init__(self, app: App, *, title: str, description: str) -> None:
        self.app = app
        self.title = title
        self.description = description

    async def __call__(self, scope: MutableMapping[str, Any], receive: Receive, send: Send) -> None:
        """Answer; of HTML pages, with another head."""
        if scope["type"] != "http":
            return await self.app(scope, receive, send)
        start: Message = {}
        body = bytearray()

        async def hold(message: Message) -> None:
            nonlocal start
            if message["type"] == "http.response.start":
                start = message
                if not self._is_page(message):
                    await send(message)
                return
            if not self._is_page(start):
                await send(message)
                return
            body.extend(message.get("body", b""))
            if message.get("more_body"):
                return
            changed = self.described(body.decode()).encode()
            headers = [(name, value) for name, value in start["headers"] if name.lower() != b"content-length"]
            headers.append((b"content-length", str(len(changed)).encode()))
            await send({**start, "headers": headers})
            await send({"type": "http.response.body", "body": changed})

        return await self.app(scope, receive, hold)

    @staticmethod
    def _is_page(start: Message) -> bool:
        headers = {name.lower(): value for name, value in start.get("headers", ())}
        return headers.get(b"content-type", b"").startswith(b"text/html") and b"content-encoding" not in headers

    def described(self, page: str) -> str:
        """The page with a preview of its own."""
        page = re.sub(r'\s*<meta\s+(?:property="og:|name="twitter:)[^>]*/?>', "", page)
        title, description = escape(self.title), escape(self.description)
        own = (
            f'<meta property="og:type" content="website" /><meta property="og:title" content="{title}" />'
            f'<meta property="og:description" content="{description}" /><meta name="twitter:card" content="summary" />'
        )
        return page.replace("</head>", f"{own}</head>", 1)
