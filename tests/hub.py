"""A stand-in for the Hugging Face Hub on loopback, with the faults that tests want of it."""

from __future__ import annotations

import base64
import hashlib
import json
import os
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Literal

import pytest

Fault = Literal[
    "alter", "shorten", "cut", "stall", "hang", "drop", "EntryNotFound", "RepoNotFound", "RevisionNotFound", "503"
]
"""What may go wrong with one request.

``alter``: as many bytes, one of them wrong. ``shorten``: half the file, with an honest length. ``cut``: the connection
breaks half-way. ``stall``: the connection stays open half-way and nothing more comes. ``hang``: not even headers come.
``drop``: the connection is closed instead of an answer. The others are answers of the Hub.
"""


@dataclass
class Hub:
    """A running stand-in.

    Attributes:
        endpoint: its URL.
        files: contents by ``repo/resolve/revision/file``.
        requests: method and path of every request for a file, as they came.
        ranges: value of the Range header of every GET that carried one.
        head_faults: what goes wrong with the next HEAD requests, first to last; ``None`` for nothing.
        get_faults: likewise for GET requests.
        branches: commits, 40 hex digits, by name; files are those of a commit.
        blobs: large files that were uploaded and belong to no commit yet, by SHA-256.
        tokens: the Authorization header of every upload.
        gate: GET requests deliver the second half only when it is open; it is, unless a test clears it.
    """

    endpoint: str
    files: dict[str, bytes] = field(default_factory=dict)
    requests: list[tuple[str, str]] = field(default_factory=list)
    ranges: list[str] = field(default_factory=list)
    head_faults: list[Fault | None] = field(default_factory=list)
    get_faults: list[Fault | None] = field(default_factory=list)
    branches: dict[str, str] = field(default_factory=dict)
    blobs: dict[str, bytes] = field(default_factory=dict)
    tokens: list[str] = field(default_factory=list)
    gate: threading.Event = field(default_factory=threading.Event)
    closing: threading.Event = field(default_factory=threading.Event)

    def count(self, method: str) -> int:
        """How many requests of a method came for files."""
        return sum(made == method for made, _ in self.requests)


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    hub: Hub  # set by a subclass for each stand-in
    revision: str  # of the file that is asked for

    def do_HEAD(self) -> None:
        self.answer(self.hub.head_faults, with_body=False)

    def do_GET(self) -> None:
        self.answer(self.hub.get_faults, with_body=True)

    def do_PUT(self) -> None:
        """The content of a large file."""
        content = self.body()
        if self.path != f"/lfs/{hashlib.sha256(content).hexdigest()}":
            self.refuse(400)
            return
        self.hub.blobs[self.path.rpartition("/")[2]] = content
        self.tell({})

    def do_POST(self) -> None:
        """What a client asks when it makes a repository and commits to it."""
        hub, body = self.hub, self.body()
        self.hub.tokens.append(self.headers.get("Authorization", ""))
        if self.path.startswith("/api/validate-yaml"):
            self.tell({"errors": [], "warnings": []})
        elif not self.headers.get("Authorization"):
            self.refuse(401)
        elif self.path == "/api/repos/create":
            asked = json.loads(body)
            self.tell({"url": f"{hub.endpoint}/{asked.get('organization', 'me')}/{asked['name']}"})
        elif "/preupload/" in self.path:
            large = (".safetensors", ".png", ".jpg")
            files = [
                {"path": file["path"], "uploadMode": "lfs" if file["path"].endswith(large) else "regular",
                 "shouldIgnore": False, "oid": None}
                for file in json.loads(body)["files"]
            ]  # fmt: skip
            self.tell({"files": files})
        elif self.path.endswith("/info/lfs/objects/batch"):
            objects = [
                object | {"actions": {"upload": {"href": f"{hub.endpoint}/lfs/{object['oid']}"}}}
                for object in json.loads(body)["objects"]
            ]
            self.tell({"transfer": "basic", "objects": objects})
        elif match := re.fullmatch(r"/api/models/(.+)/commit/(\w+)", self.path.partition("?")[0]):
            self.tell(self.commit(match[1], match[2], body))
        else:
            self.refuse(404)

    def commit(self, repo: str, branch: str, body: bytes) -> dict[str, object]:
        hub, commit = self.hub, hashlib.sha1(body).hexdigest()
        for line in body.splitlines():
            operation = json.loads(line)
            value = operation["value"]
            if operation["key"] == "file":
                hub.files[f"{repo}/resolve/{commit}/{value['path']}"] = base64.b64decode(value["content"])
            elif operation["key"] == "lfsFile":
                hub.files[f"{repo}/resolve/{commit}/{value['path']}"] = hub.blobs[value["oid"]]
        hub.branches[branch] = commit
        return {"success": True, "commitOid": commit, "commitUrl": f"{hub.endpoint}/{repo}/commit/{commit}"}

    def body(self) -> bytes:
        return self.rfile.read(int(self.headers["Content-Length"]))

    def tell(self, answer: dict[str, object]) -> None:
        content = json.dumps(answer).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, format: str, *args: object) -> None:
        pass

    def answer(self, faults: list[Fault | None], *, with_body: bool) -> None:
        hub, path = self.hub, self.path.lstrip("/")
        if path.startswith("api/"):  # the client asks things of its own there
            self.refuse(404)
            return
        hub.requests.append((self.command, path))
        if "Range" in self.headers:
            hub.ranges.append(self.headers["Range"])
        fault = faults.pop(0) if faults else None
        repo, _, rest = path.partition("/resolve/")
        revision, _, file = rest.partition("/")
        self.revision = hub.branches.get(revision, revision)
        content = hub.files.get(f"{repo}/resolve/{self.revision}/{file}")
        if fault == "hang":
            hub.closing.wait()
            self.close_connection = True
        elif fault == "drop":
            self.close_connection = True
        elif fault == "503":
            self.refuse(503)
        elif fault in ("EntryNotFound", "RepoNotFound", "RevisionNotFound"):
            self.refuse(404, fault)
        elif content is None:
            self.refuse(404, "EntryNotFound")
        else:
            self.serve(content, fault, with_body=with_body)

    def refuse(self, status: int, code: str | None = None) -> None:
        self.send_response(status)
        if code is not None:
            self.send_header("X-Error-Code", code)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def serve(self, content: bytes, fault: Fault | None, *, with_body: bool) -> None:
        etag = hashlib.sha256(content).hexdigest()
        start = int(re.sub(r"\D", "", self.headers.get("Range", "0")))
        body = content[start:]
        if fault == "alter":
            body = bytes([body[0] ^ 1]) + body[1:]
        if fault == "shorten":
            body = body[: len(body) // 2]
        self.send_response(206 if start else 200)
        self.send_header("ETag", f'"{etag}"')
        self.send_header("X-Repo-Commit", self.revision)
        self.send_header("Content-Length", str(len(body)))
        if start:
            self.send_header("Content-Range", f"bytes {start}-{len(content) - 1}/{len(content)}")
        self.end_headers()
        if not with_body:
            return
        half = len(body) // 2
        self.wfile.write(body[:half])
        if fault == "stall":
            self.hub.closing.wait()
        if fault in ("stall", "cut"):
            self.close_connection = True
            return
        while not (self.hub.gate.wait(0.05) or self.hub.closing.is_set()):
            pass
        self.wfile.write(body[half:])


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request: object, client_address: object) -> None:
        """Clients that leave early are what some tests are about."""


@contextmanager
def run_hub() -> Iterator[Hub]:
    """Run a stand-in for the Hub, empty and faultless at first, on a free port of loopback."""

    class Handler(_Handler):
        pass

    server = _Server(("127.0.0.1", 0), Handler)
    Handler.hub = hub = Hub(endpoint=f"http://127.0.0.1:{server.server_address[1]}")
    hub.gate.set()
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield hub
    finally:
        hub.closing.set()
        server.shutdown()
        server.server_close()
        thread.join()


@pytest.fixture
def hub(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Hub]:
    """The stand-in, set up as the Hub of this process and those that it starts, with empty caches."""
    for name in [name for name in os.environ if name.startswith("HF_") or name == "DEOLDIFY_WEIGHTS"]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("HF_HOME", str(tmp_path / "hf"))
    monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path / "hf" / "hub"))
    monkeypatch.setenv("HF_ASSETS_CACHE", str(tmp_path / "hf" / "assets"))
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    with run_hub() as running:
        monkeypatch.setenv("HF_ENDPOINT", running.endpoint)
        yield running
