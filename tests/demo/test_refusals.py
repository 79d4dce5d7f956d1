"""What the demo page's server refuses, by every route."""

from __future__ import annotations

import base64
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.page import APP, ServedPage

META = {"_type": "gradio.FileData"}


def _endpoints_that_take_a_photo(http: httpx.Client) -> list[int]:
    config = http.get("/config").json()
    images = {component["id"] for component in config["components"] if component["type"] == "image"}
    return [entry["id"] for entry in config["dependencies"] if images & set(entry["inputs"])]


def _inputs(http: httpx.Client, endpoint: int, photo: Any) -> list[Any]:
    """Values for an endpoint: the photo given, and of everything else what the page would send."""
    config = http.get("/config").json()
    components = {component["id"]: component for component in config["components"]}
    entry = next(entry for entry in config["dependencies"] if entry["id"] == endpoint)
    return [
        photo if components[id]["type"] == "image" else components[id]["props"].get("value") for id in entry["inputs"]
    ]


ENDPOINTS: dict[str, dict[str, Any]] = {
    "colorize": {"model": "compact", "render_factor": 4, "transfer": "guided"},
    "defade": {"strength": 1, "keep_tone": False},
    "restore": {"strength": 1, "keep_tone": False},
}
"""What is sent to each endpoint beside the photo."""


def _listed(http: httpx.Client, route: str, photo: Any) -> str:
    """The answers of every public endpoint to a list of values, without waiting for what it queues."""
    return "".join(
        http.post(f"/gradio_api/{route}/{endpoint}", json={"data": [photo, *options.values()]}).text
        for endpoint, options in ENDPOINTS.items()
    )


def _result(http: httpx.Client, route: str, started: httpx.Response) -> str:
    return started.text if started.is_error else http.get(f"{route}/{started.json()['event_id']}").text


def _call(http: httpx.Client, photo: Any) -> str:
    answers = ""
    for endpoint, options in ENDPOINTS.items():
        route = f"/gradio_api/call/{endpoint}"
        answers += _result(http, route, http.post(route, json={"data": [photo, *options.values()]}))
    return answers


def _call_v2(http: httpx.Client, photo: Any) -> str:
    answers = ""
    for endpoint, options in ENDPOINTS.items():
        route = f"/gradio_api/call/v2/{endpoint}"
        answers += _result(http, route, http.post(route, json={"photo": photo, **options}))
    return answers


def _run(http: httpx.Client, photo: Any) -> str:
    return _listed(http, "run", photo)


def _api(http: httpx.Client, photo: Any) -> str:
    return _listed(http, "api", photo)


def _join(http: httpx.Client, photo: Any) -> str:
    """Every endpoint that takes a photo, those that are private included, by its number."""
    answers = ""
    for number, endpoint in enumerate(_endpoints_that_take_a_photo(http)):
        session = f"visitor{number}"
        joined = http.post(
            "/gradio_api/queue/join",
            json={"data": _inputs(http, endpoint, photo), "fn_index": endpoint, "session_hash": session},
        )
        if joined.is_error:
            answers += joined.text
            continue
        with http.stream("GET", "/gradio_api/queue/data", params={"session_hash": session}) as events:
            for line in events.iter_lines():
                answers += line
                if "process_completed" in line:
                    break
    return answers


ROUTES = {"call": _call, "call/v2": _call_v2, "run": _run, "api": _api, "queue/join": _join}
QUEUED = ("call", "call/v2", "queue/join")


def _payloads(secret: Path, page: ServedPage) -> dict[str, Any]:
    traversal = f"{page.cache}/../{'../' * len(page.cache.parts)}{secret.relative_to('/')}"
    data_url = "data:image/png;base64," + base64.b64encode(secret.read_bytes()).decode()
    loopback = f"{page.url}/gradio_api/file={secret}"
    return {
        "bare path": {"path": str(secret)},
        "path as a string": str(secret),
        "path and meta": {"path": str(secret), "meta": META},
        "path of an SVG": {"path": str(secret), "orig_name": "secret.svg"},
        "path and URL": {"path": str(secret), "url": f"{page.url}/gradio_api/file=harmless.png"},
        "path as a stream": {"path": str(secret), "is_stream": True, "meta": META},
        "traversal": {"path": traversal},
        "traversal and meta": {"path": traversal, "meta": META},
        "file URL": {"path": f"file://{secret}"},
        "loopback URL": {"path": loopback},
        "loopback URL and meta": {"path": loopback, "url": loopback, "meta": META},
        "loopback URL of the page": {"path": f"{page.url}/favicon.ico", "meta": META},
        "data URL": {"path": None, "url": data_url},
        "data URL and path": {"path": str(secret), "url": data_url},
        "data URL and meta": {"path": data_url, "url": data_url, "meta": META},
        "zero byte": {"path": f"{secret}\0.png"},
        "folder": {"path": str(page.cache)},
    }


def _contents(folder: Path) -> dict[Path, bytes]:
    return {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.mark.parametrize("route", ROUTES)
def test_no_route_reads_a_file_that_was_not_uploaded(
    route: str, http: httpx.Client, page_server: ServedPage, secret: Path
) -> None:
    before = _contents(page_server.cache)
    for name, payload in _payloads(secret, page_server).items():
        answer = ROUTES[route](http, payload)
        assert answer and "width" not in answer, f"{name}: {answer}"
        assert "-colour" not in answer and "-restored" not in answer, f"{name}: {answer}"
        assert '"success":true' not in answer and "event: complete" not in answer, f"{name}: {answer}"
    assert _contents(page_server.cache) == before


@pytest.mark.parametrize("route", ROUTES)
def test_the_same_routes_take_an_uploaded_photo(route: str, http: httpx.Client, secret: Path) -> None:
    """Without this, the refusals above would prove nothing: a misspelt route refuses everything."""
    uploaded = http.post("/gradio_api/upload", files={"files": ("mine.png", secret.read_bytes())}).json()[0]
    answer = ROUTES[route](http, {"path": uploaded, "meta": META})
    if route in QUEUED:
        both = 2 if route == "queue/join" else 1  # an endpoint for the page beside that for clients
        assert answer.count("mine-colour.png") >= both
        assert answer.count("mine-restored.png") >= 1 + both
    else:
        assert answer.count("join the queue") == len(ENDPOINTS)


def test_every_endpoint_that_takes_a_photo_is_known(http: httpx.Client) -> None:
    photos = _endpoints_that_take_a_photo(http)
    config = http.get("/config").json()
    visibility = {entry["id"]: entry["api_visibility"] for entry in config["dependencies"]}
    assert sorted(visibility[endpoint] for endpoint in photos) == ["private"] * 2 + ["public"] * len(ENDPOINTS)
    assert [id for id, value in visibility.items() if value == "public"] == [
        endpoint for endpoint in photos if visibility[endpoint] == "public"
    ]


def test_files_are_served_from_the_cache_only(http: httpx.Client, page_server: ServedPage, secret: Path) -> None:
    inside = http.post("/gradio_api/upload", files={"files": ("mine.png", secret.read_bytes())}).json()[0]
    assert http.get(f"/gradio_api/file={inside}").content == secret.read_bytes()
    for path in (secret, APP, f"{page_server.cache}/../log", page_server.log, "/etc/passwd", "app.py"):
        answer = http.get(f"/gradio_api/file={path}")
        assert answer.status_code in (403, 404), path
        assert http.get(f"/gradio_api/file={page_server.url}/gradio_api/file={path}").is_error


def test_settings_that_matter_are_set(http: httpx.Client) -> None:
    config = http.get("/config").json()
    assert config["analytics_enabled"] is False
    assert config["max_file_size"] == 200 * 1024**2
    assert config["show_error"] is False
    assert http.get("/monitoring").is_error
    assert http.get("/gradio_api/runs").is_error
    stranger = http.get("/config", headers={"Origin": "https://elsewhere.example"})
    assert "access-control-allow-origin" not in stranger.headers
    sandboxed = http.get("/config", headers={"Origin": "null"})
    assert sandboxed.headers.get("access-control-allow-origin") != "null"
