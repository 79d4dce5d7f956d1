"""Tar files of toy pictures, and a web server on loopback that streams them."""

from __future__ import annotations

import io
import re
import tarfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import numpy as np
from PIL import Image


def shard(path: Path, count: int, seed: int, *, damaged: bool = False) -> None:
    """A tar file of small pictures; with ``damaged``, one of them is grey and one is no picture."""
    rng = np.random.default_rng(seed)
    with tarfile.open(path, "w") as tar:
        for number in range(count):
            content = io.BytesIO()
            field = rng.integers(0, 256, (3, 3, 3), dtype=np.uint8)
            if damaged and number == 0:
                field[...] = field[..., :1]
            Image.fromarray(field).resize((40, 36)).save(content, "JPEG")
            _add(tar, f"{seed:02}{number:03}.jpg", b"no picture" if damaged and number == 1 else content.getvalue())
            _add(tar, f"{seed:02}{number:03}.cls", b"7")  # as webdataset writes them beside pictures


def _add(tar: tarfile.TarFile, name: str, content: bytes) -> None:
    member = tarfile.TarInfo(name)
    member.size = len(content)
    tar.addfile(member, io.BytesIO(content))


@dataclass
class Bucket:
    """A running server.

    Attributes:
        url: of its root.
        breaks: GET requests, counted from now on, that break off half-way.
        requests: path and Range header of every GET.
    """

    url: str
    breaks: set[int] = field(default_factory=set)
    requests: list[tuple[str, str]] = field(default_factory=list)


@contextmanager
def serve(folder: Path, *, ranges: bool = True) -> Iterator[Bucket]:
    """Serve the files of a folder on a free port of loopback; without ``ranges`` only ever as a whole."""

    class Handler(BaseHTTPRequestHandler):
        def do_HEAD(self) -> None:
            self.answer(with_body=False)

        def do_GET(self) -> None:
            self.answer(with_body=True)

        def log_message(self, format: str, *args: object) -> None:
            pass

        def answer(self, *, with_body: bool) -> None:
            path = folder / self.path.lstrip("/")
            if not path.is_file():
                self.send_error(404)
                return
            content = path.read_bytes()
            wanted = re.fullmatch(r"bytes=(\d+)-(\d*)", self.headers.get("Range", "")) if ranges else None
            first, last = 0, len(content) - 1
            if wanted:
                first, last = int(wanted[1]), min(int(wanted[2] or last), last)
                self.send_response(206)
                self.send_header("Content-Range", f"bytes {first}-{last}/{len(content)}")
            else:
                self.send_response(200)
            if ranges:
                self.send_header("Accept-Ranges", "bytes")
            body = content[first : last + 1]
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            if with_body:
                bucket.requests.append((self.path, self.headers.get("Range", "")))
                broken = len(bucket.requests) in bucket.breaks
                self.wfile.write(body[: len(body) // 2] if broken else body)

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    bucket = Bucket(f"http://127.0.0.1:{server.server_address[1]}")
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield bucket
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
