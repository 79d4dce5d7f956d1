"""What the demo page's server refuses, by every route."""

from __future__ import annotations

import base64
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.page import APP, ServedPage

META = {"_type": "gradio.FileData"}


HOW = {
    "model": "compact",
    "render_factor": 4,
    "transfer": "guided",
    "saturation": 1,
    "warmth": 0,
    "liveliness": None,
    "caution": 0,
}
ENDPOINTS: dict[str, dict[str, Any]] = {
    "colorize": {**HOW, "hints": []},
    "album": {**HOW, "recolour": False},
    "variants": {"model": "compact", "render_factor": 4},
    "defade": {"strength": 1, "keep_tone": False},
    "restore": {"strength": 1, "keep_tone": False, "colour": "auto"},
}
"""What is sent to each endpoint beside the photo."""


def _sent(endpoint: str, photo: Any) -> Any:
    return [photo] if endpoint == "album" else photo


def _listed(http: httpx.Client, route: str, photo: Any) -> str:
    """The answers of every public endpoint to a list of values, without waiting for what it queues."""
    return "".join(
        http.post(f"/gradio_api/{route}/{endpoint}", json={"data": [_sent(endpoint, photo), *options.values()]}).text
        for endpoint, options in ENDPOINTS.items()
    )


def _result(http: httpx.Client, route: str, started: httpx.Response) -> str:
    return started.text if started.is_error else http.get(f"{route}/{started.json()['event_id']}").text


def _call(http: httpx.Client, photo: Any) -> str:
    answers = ""
    for endpoint, options in ENDPOINTS.items():
        route = f"/gradio_api/call/{endpoint}"
        answers += _result(http, route, http.post(route, json={"data": [_sent(endpoint, photo), *options.values()]}))
    return answers


def _call_v2(http: httpx.Client, photo: Any) -> str:
    answers = ""
    for endpoint, options in ENDPOINTS.items():
        route = f"/gradio_api/call/v2/{endpoint}"
        name = "photos" if endpoint == "album" else "photo"
        answers += _result(http, route, http.post(route, json={name: _sent(endpoint, photo), **options}))
    return answers


def _run(http: httpx.Client, photo: Any) -> str:
    return _listed(http, "run", photo)


def _api(http: httpx.Client, photo: Any) -> str:
    return _listed(http, "api", photo)


def _joined(http: httpx.Client, session: str, **event: Any) -> str:
    """All that is told of an event that the page itself would send."""
    joined = http.post("/gradio_api/queue/join", json={"session_hash": session, **event})
    if joined.is_error:
        return joined.text
    answers = ""
    with http.stream("GET", "/gradio_api/queue/data", params={"session_hash": session}) as events:
        for line in events.iter_lines():
            answers += line
            if "process_completed" in line:
                break
    return answers


def _join(http: httpx.Client, photo: Any) -> str:
    """Every endpoint by its number: those for clients, and those by which the page sends photos and starts work."""
    config = http.get("/config").json()
    answers = ""
    for entry in config["dependencies"]:
        if entry["api_name"] in ENDPOINTS:
            data = [_sent(entry["api_name"], photo), *ENDPOINTS[entry["api_name"]].values()]
            answers += _joined(http, f"client{entry['id']}", fn_index=entry["id"], data=data)
    components = {component["id"]: component for component in config["components"]}
    for prefix in ("", "defade-"):
        taking = _event(config, f"{prefix}photo", "upload")
        session = f"visitor{prefix}"
        path = photo.get("path") if isinstance(photo, dict) else photo
        sent = {"files": [photo, {"path": path, "name": "mine.png"}]}
        answers += _joined(http, session, fn_index=taking["id"], data=[], event_data=sent)
        press = _event(config, "colorize" if not prefix else "defade", "click")
        values = [components[id]["props"].get("value") for id in press["inputs"]]
        answers += _joined(http, session, fn_index=press["id"], data=values)
    return answers


def _event(config: dict[str, Any], elem_id: str, name: str) -> dict[str, Any]:
    """The dependency of an element's event."""
    element = next(entry["id"] for entry in config["components"] if entry["props"].get("elem_id") == elem_id)
    return next(entry for entry in config["dependencies"] if [element, name] in [list(t) for t in entry["targets"]])


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
        assert answer and '"width"' not in answer, f"{name}: {answer}"
        assert "-colour" not in answer and "-restored" not in answer, f"{name}: {answer}"
        assert "event: complete" not in answer, f"{name}: {answer}"
    assert _contents(page_server.cache) == before


@pytest.mark.parametrize("route", ROUTES)
def test_the_same_routes_take_an_uploaded_photo(route: str, http: httpx.Client, secret: Path) -> None:
    """Without this, the refusals above would prove nothing: a misspelt route refuses everything."""
    uploaded = http.post("/gradio_api/upload", files={"files": ("mine.png", secret.read_bytes())}).json()[0]
    answer = ROUTES[route](http, {"path": uploaded, "meta": META})
    if route in QUEUED:
        both = 2 if route == "queue/join" else 1  # an endpoint for the page beside that for clients
        assert answer.count("mine-colour.png") >= 1 + both
        assert answer.count("mine-restored.png") >= 1 + both
    else:
        assert answer.count("join the queue") == len(ENDPOINTS)


def test_every_endpoint_that_takes_a_photo_is_known(http: httpx.Client) -> None:
    config = http.get("/config").json()
    files = {component["id"] for component in config["components"] if component["type"] in ("image", "file")}
    taking = [entry for entry in config["dependencies"] if files & set(entry["inputs"])]
    assert sorted(entry["api_name"] for entry in taking) == sorted(ENDPOINTS)
    public = [entry for entry in config["dependencies"] if entry["api_visibility"] == "public"]
    assert sorted(entry["api_name"] for entry in public) == sorted(ENDPOINTS)


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
    assert config["footer_links"] == []
    for foreign in ({"Origin": "https://elsewhere.example"}, {"Origin": "null"}, {"Host": "rebound.example"}):
        stranger = http.get("/config", headers=foreign)
        assert stranger.status_code == 403 and "access-control-allow-origin" not in stranger.headers
    assert "gradio.app" not in http.get("/").text and 'property="og:title" content="DeOldify"' in http.get("/").text
    assert http.get("/favicon.ico").content == (APP.parent / "demo" / "web" / "icon.svg").read_bytes()
