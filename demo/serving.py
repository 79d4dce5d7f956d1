"""What surrounds the server: addresses to open, signals that end it, and that nothing is left afterwards."""

from __future__ import annotations

import signal
import socket
import threading
from types import FrameType

import psutil

ENDING = tuple(getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name))


def is_loopback(host: str | None) -> bool:
    """Whether only this computer reaches a server that listens there; Gradio's own choice is such an address."""
    name = (host or "127.0.0.1").strip("[]").lower()
    return name in ("localhost", "::1") or name.startswith("127.")


def port_is_free(host: str | None, port: int) -> bool:
    """Whether a server could listen there."""
    name = (host or "127.0.0.1").strip("[]")
    family = socket.AF_INET6 if ":" in name else socket.AF_INET
    with socket.socket(family) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((name, port))
        except OSError:
            return False
    return True


def addresses(host: str | None, port: int) -> list[str]:
    """Addresses at which a browser finds the page; of a server that listens everywhere, those for others first."""
    if host not in ("0.0.0.0", "::"):
        name = host or "127.0.0.1"
        return [f"http://{f'[{name}]' if ':' in name.strip('[]') else name}:{port}"]
    found = [
        address.address
        for each in psutil.net_if_addrs().values()
        for address in each
        if address.family == socket.AF_INET and not address.address.startswith(("127.", "169.254."))
    ]
    return [f"http://{address}:{port}" for address in [*found, "127.0.0.1"]]


class Ending:
    """Hears Ctrl-C, SIGTERM and SIGHUP from now on. A second one ends the program at once."""

    def __init__(self) -> None:
        self._heard = threading.Event()
        for each in ENDING:
            signal.signal(each, self._hear)

    def _hear(self, number: int, frame: FrameType | None) -> None:
        for each in ENDING:
            signal.signal(each, signal.SIG_DFL)
        self._heard.set()

    def wait(self) -> None:
        """Wait until one is heard."""
        while not self._heard.wait(1.0):  # a wait without an end would not hear Ctrl-C on Windows
            pass
