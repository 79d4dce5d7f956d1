"""The demo page's server: its API, what it refuses, and its command line. A browser drives it in ``browser/``."""

from __future__ import annotations

import base64
import importlib
import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click
import httpx
import numpy as np
import pytest
import typer
from gradio_client import Client, handle_file
from gradio_client.exceptions import AppError
from PIL import Image
from typer.testing import CliRunner

from tests.page import APP, ServedPage, colourfulness, environment, free_port, grey_photo, page_server, serve

__all__ = ["page_server"]  # the fixture, which only pytest uses

META = {"_type": "gradio.FileData"}


@pytest.fixture(scope="module")
def client(page_server: ServedPage, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Client]:
    client = Client(page_server.url, verbose=False, download_files=str(tmp_path_factory.mktemp("results")))
    yield client
    client.close()


@pytest.fixture
def http(page_server: ServedPage) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=page_server.url, timeout=60, trust_env=False) as http:
        yield http


# The API


def test_the_api_colours_a_photo_and_keeps_what_came_with_it(client: Client, tmp_path: Path) -> None:
    source = grey_photo(tmp_path / "hills.jpg", 301, 200)
    file, facts = client.predict(
        photo=handle_file(source), model="compact", render_factor=8, transfer="bilinear", api_name="/colorize"
    )
    assert Path(file).name == "hills-colour.jpg"
    with Image.open(file) as coloured, Image.open(source) as grey:
        assert coloured.format == "JPEG"
        assert coloured.size == (301, 200)
        assert coloured.getexif()[0x013B] == "A. Photographer"
        assert coloured.info["icc_profile"] == grey.info["icc_profile"]
        assert colourfulness(coloured) > 3
        difference = np.asarray(coloured.convert("L")).astype(int) - np.asarray(grey.convert("L"))
        assert abs(difference.mean()) < 3
    assert facts.pop("seconds") > 0
    assert facts == {
        "model": "compact",
        "render_factor": 8,
        "wanted_factor": 8,
        "automatic": False,
        "transfer": "bilinear",
        "width": 301,
        "height": 200,
    }


def test_only_the_photo_is_needed_and_its_format_is_kept(client: Client, tmp_path: Path) -> None:
    source = grey_photo(tmp_path / "small.png", 96, 64)
    file, facts = client.predict(handle_file(source), api_name="/colorize")
    assert facts["automatic"] and facts["transfer"] == "guided" and facts["model"] == "compact"
    with Image.open(file) as coloured:
        assert (coloured.format, coloured.size) == ("PNG", (96, 64))


def toned_photo(path: Path) -> Path:
    """Write a black-and-white picture of little contrast on yellowed paper."""
    with Image.open(grey_photo(path, 301, 200)) as grey:
        toned = np.asarray(grey) * np.array([0.45, 0.42, 0.35]) + np.array([105, 95, 70])
        Image.fromarray(np.rint(toned).astype(np.uint8)).save(path, exif=grey.getexif(), quality=95)
    return path


def test_the_api_restores_a_photo_and_colours_it_where_asked(client: Client, tmp_path: Path) -> None:
    source = toned_photo(tmp_path / "hills.jpg")
    facts = {}
    for endpoint, arguments in {"/defade": {"strength": 1.0}, "/restore": {}}.items():
        file, facts[endpoint] = client.predict(photo=handle_file(source), **arguments, api_name=endpoint)
        assert Path(file).name == "hills-restored.jpg"
        with Image.open(file) as restored, Image.open(source) as faded:
            assert (restored.format, restored.size) == ("JPEG", (301, 200))
            assert restored.getexif()[0x013B] == "A. Photographer"
            assert np.asarray(restored.convert("L")).std() > 1.2 * np.asarray(faded.convert("L")).std()
            assert (colourfulness(restored) > 3) is (endpoint == "/restore")
    for endpoint, told in facts.items():
        assert told.pop("seconds") > 0
        renders = told.pop("renders")
        assert [render["model"] for render in renders] == ["defade", "compact"][: 1 + (endpoint == "/restore")]
        assert all(render["factor"] == render["wanted"] for render in renders)
        assert told == {
            "model": "defade",
            "strength": 1.0,
            "keep_tone": False,
            "coloured": endpoint == "/restore",
            "width": 301,
            "height": 200,
        }


def test_strength_and_tone_are_respected_by_the_api(client: Client, tmp_path: Path) -> None:
    source = toned_photo(tmp_path / "hills.png")
    unchanged, _ = client.predict(handle_file(source), 0, False, api_name="/defade")
    toned, facts = client.predict(handle_file(source), 0.5, True, api_name="/defade")
    assert facts["keep_tone"] and facts["strength"] == 0.5
    with Image.open(source) as before, Image.open(unchanged) as same, Image.open(toned) as after:
        assert np.array_equal(np.asarray(before), np.asarray(same))
        change = np.asarray(after).astype(int) - np.asarray(before)
    assert np.abs(change).mean() > 1
    assert np.ptp(change, axis=-1).max() <= 1


def test_the_api_is_documented_and_nothing_else_is_in_it(client: Client) -> None:
    endpoints = client.view_api(print_info=False, return_format="dict")["named_endpoints"]
    assert list(endpoints) == ["/colorize", "/defade", "/restore"]
    for name in ("/defade", "/restore"):
        parameters = {entry["parameter_name"]: entry for entry in endpoints[name]["parameters"]}
        assert {name: entry["python_type"]["type"] for name, entry in parameters.items()} == {
            "photo": "filepath",
            "strength": "float",
            "keep_tone": "bool",
        }
        assert parameters["strength"]["parameter_default"] == 1
        assert parameters["keep_tone"]["parameter_default"] is False
        assert "up to 1.5 overdoes" in endpoints[name]["description"].replace("\n", " ")
    parameters = {entry["parameter_name"]: entry for entry in endpoints["/colorize"]["parameters"]}
    assert {name: entry["python_type"]["type"] for name, entry in parameters.items()} == {
        "photo": "filepath",
        "model": "Literal['compact', 'artistic', 'stable', 'video']",
        "render_factor": "int",
        "transfer": "Literal['guided', 'bilinear', 'none']",
    }
    optional = {name: entry["parameter_default"] for name, entry in parameters.items() if name != "photo"}
    assert optional == {"model": "compact", "render_factor": None, "transfer": "guided"}
    assert "16 pixels, 4 to 64" in endpoints["/colorize"]["description"]


def test_the_api_says_what_is_wrong(client: Client, page_server: ServedPage, tmp_path: Path) -> None:
    photo = grey_photo(tmp_path / "hills.jpg", 64, 48)
    text = tmp_path / "letter.jpg"
    text.write_text("Dear photograph")
    giant = tmp_path / "giant.png"
    Image.new("1", (12_000, 9_000)).save(giant)
    cases: list[tuple[dict[str, Any], str]] = [
        ({"photo": handle_file(text)}, "“letter.jpg” is not a photograph"),
        ({"photo": handle_file(giant)}, "108 megapixels"),
        ({"photo": handle_file(photo), "render_factor": 65}, "64"),
        ({"photo": handle_file(photo), "render_factor": 3}, "4"),
        ({"photo": handle_file(photo), "model": "colourful"}, "colourful"),
        ({"photo": handle_file(photo), "transfer": "magic"}, "magic"),
        ({"photo": None}, "no photo yet"),
        ({"photo": handle_file(photo), "model": "artistic"}, "HF_HUB_OFFLINE"),
    ]
    for arguments, expected in cases:
        with pytest.raises(AppError) as raised:
            client.predict(**arguments, api_name="/colorize")
        assert expected in str(raised.value)
        assert str(page_server.cache) not in str(raised.value)
    cases = [
        ({"photo": handle_file(text)}, "“letter.jpg” is not a photograph"),
        ({"photo": handle_file(photo), "strength": 1.6}, "1.5"),
        ({"photo": handle_file(photo), "strength": -0.1}, "0"),
        ({"photo": None}, "no photo yet"),
    ]
    for endpoint in ("/defade", "/restore"):
        for arguments, expected in cases:
            with pytest.raises(AppError) as raised:
                client.predict(**arguments, api_name=endpoint)
            assert expected in str(raised.value)
            assert str(page_server.cache) not in str(raised.value)
    assert "could not finish" not in page_server.log.read_text()  # none of these took anyone by surprise


# What the server refuses


@pytest.fixture(scope="module")
def secret(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An image of the server that no visitor has sent: any of its pixels in an answer would be a leak."""
    return grey_photo(tmp_path_factory.mktemp("private") / "secret.png", 40, 30)


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


# The command line, and where it runs


def test_importing_or_serving_the_page_writes_no_stub_beside_it(page_server: ServedPage) -> None:
    assert not APP.with_suffix(".pyi").exists()


@pytest.fixture
def command(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> typer.Typer:
    monkeypatch.setenv("GRADIO_TEMP_DIR", str(tmp_path))  # where building the page puts the examples
    monkeypatch.setenv("COLUMNS", "120")
    command = typer.Typer()
    command.command()(importlib.import_module("app").serve)
    return command


def test_help_names_flags_and_variables(command: typer.Typer) -> None:
    done = CliRunner().invoke(command, ["--help"])
    assert done.exit_code == 0
    for word in ("--host", "--server-name", "--port", "--share", "--auth", "GRADIO_SERVER_NAME", "GRADIO_SERVER_PORT"):
        assert word in click.unstyle(done.output)


def test_a_password_without_a_name_is_a_usage_error(command: typer.Typer) -> None:
    done = CliRunner().invoke(command, ["--auth", "secret"])
    assert done.exit_code == 2
    assert "USER:PASSWORD" in click.unstyle(done.output)


def test_variables_and_a_password_are_respected(tmp_path: Path) -> None:
    port = free_port()
    variables = {"GRADIO_SERVER_PORT": str(port), "GRADIO_SERVER_NAME": "127.0.0.1"}
    with (
        serve(tmp_path, "--auth", "ansel:f/64:zone", port=port, **variables) as page,
        httpx.Client(base_url=page.url, trust_env=False) as http,
    ):
        assert http.get("/config").status_code == 401
        assert http.post("/gradio_api/upload", files={"files": ("a.png", b"")}).status_code == 401
        http.post("/login", data={"username": "ansel", "password": "f/64:zone"}).raise_for_status()
        assert http.get("/config").json()["components"]


def test_on_a_space_the_worker_asks_for_a_gpu_before_torch_is_there(tmp_path: Path) -> None:
    (tmp_path / "spaces.py").write_text(
        "import sys\n"
        "assert 'torch' not in sys.modules and 'gradio' not in sys.modules\n"
        "workers = []\n"
        "def GPU(worker):\n"
        "    workers.append(worker.__name__)\n"
        "    return worker\n"
    )
    code = "import json, app, spaces; print(json.dumps([spaces.workers, type(app.demo).__name__]))"
    paths = f"{tmp_path}:{APP.parent}"
    done = subprocess.run(
        [sys.executable, "-c", code],
        env=environment(PYTHONPATH=paths, GRADIO_TEMP_DIR=str(tmp_path / "cache")),
        capture_output=True,
        text=True,
        check=True,
    )
    assert json.loads(done.stdout.splitlines()[-1]) == [["_render"], "Blocks"]
