"""The command line that serves the demo page, and where it runs."""

from __future__ import annotations

import importlib
import json
import subprocess
import sys
from pathlib import Path

import click
import httpx
import pytest
import typer
from typer.testing import CliRunner

from tests.page import APP, ServedPage, environment, free_port, serve


def test_importing_or_serving_the_page_writes_no_stub_beside_it(page_server: ServedPage) -> None:
    assert not APP.with_suffix(".pyi").exists()
    assert not list((APP.parent / "demo").glob("*.pyi"))


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
