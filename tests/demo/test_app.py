"""The command line that serves the demo page, and where it runs."""

from __future__ import annotations

import importlib
import importlib.util
import json
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import click
import httpx
import pytest
import typer
from typer.testing import CliRunner

from demo.serving import addresses, is_loopback
from demo.storage import Storage
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
    for word in ("--host", "--server-name", "--port", "--share", "--auth", "GRADIO_SERVER_NAME", "GRADIO_SERVER_PORT",
                 "--allow-downloads", "--allow-host", "--open", "--mcp", "two hours", "GRADIO_TEMP_DIR"):  # fmt: skip
        assert word in click.unstyle(done.output)


def test_a_port_in_use_is_one_line(command: typer.Typer) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        done = CliRunner().invoke(command, ["--port", str(port)])
    assert done.exit_code == 1 and len(done.output.splitlines()) == 1
    assert f"Port {port} is in use" in done.output


def test_without_its_package_mcp_says_what_is_missing(command: typer.Typer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    done = CliRunner().invoke(command, ["--mcp"])
    assert done.exit_code == 1 and "gradio[mcp]" in done.output


def test_addresses_that_others_can_open_are_told() -> None:
    assert addresses(None, 7860) == ["http://127.0.0.1:7860"]
    assert addresses("::1", 7860) == ["http://[::1]:7860"]
    everywhere = addresses("0.0.0.0", 7860)
    assert everywhere[-1] == "http://127.0.0.1:7860" and not any("0.0.0.0" in address for address in everywhere)
    assert [is_loopback(host) for host in (None, "localhost", "127.0.1.1", "::1", "0.0.0.0", "10.0.0.5")] == [
        True, True, True, True, False, False,
    ]  # fmt: skip


@pytest.mark.parametrize("ending", [signal.SIGTERM, signal.SIGHUP, signal.SIGKILL], ids=lambda each: each.name)
def test_nothing_is_left_when_the_server_ends_or_the_next_one_starts(tmp_path: Path, ending: signal.Signals) -> None:
    port = free_port()
    cache = tmp_path / "cache"
    with serve(tmp_path, "--host", "0.0.0.0", "--port", str(port), port=port) as page:
        sent = httpx.post(
            f"{page.url}/gradio_api/upload", files={"files": ("a.png", b"a photo")}, timeout=60, trust_env=False
        )
        file = Path(sent.json()[0])
        assert file.read_bytes() == b"a photo" and file.is_relative_to(cache)
        page.process.send_signal(ending)
        page.process.wait(60)
        if ending is signal.SIGKILL:
            assert file.exists()
            next_one = Storage(cache)
            assert not file.exists()
            next_one.close()
    assert [path.name for path in cache.rglob("*") if not path.is_dir()] == ["start.lock"]
    assert not list(cache.glob("part-*"))
    log = page.log.read_text()
    assert "DeOldify is at http://" in log and "Gradio" not in log and "share=True" not in log


def test_a_password_without_a_name_is_a_usage_error(command: typer.Typer) -> None:
    done = CliRunner().invoke(command, ["--auth", "secret"])
    assert done.exit_code == 2
    assert "USER:PASSWORD" in click.unstyle(done.output)


def test_variables_and_a_password_are_respected_and_the_browser_is_opened(tmp_path: Path) -> None:
    port = free_port()
    browser, opened = tmp_path / "browser", tmp_path / "opened"
    browser.write_text(f'#!/bin/sh\nprintf %s "$1" > {opened}.new && mv {opened}.new {opened}\n')
    browser.chmod(0o755)
    variables = {"GRADIO_SERVER_PORT": str(port), "GRADIO_SERVER_NAME": "127.0.0.1", "BROWSER": str(browser)}
    with (
        serve(tmp_path, "--auth", "ansel:f/64:zone", "--open", port=port, **variables) as page,
        httpx.Client(base_url=page.url, trust_env=False) as http,
    ):
        assert http.get("/config").status_code == 401
        assert http.post("/gradio_api/upload", files={"files": ("a.png", b"")}).status_code == 401
        http.post("/login", data={"username": "ansel", "password": "f/64:zone"}).raise_for_status()
        assert http.get("/config").json()["components"]
        deadline = time.monotonic() + 120
        while not opened.exists() and time.monotonic() < deadline:
            time.sleep(0.1)
        assert opened.read_text().rstrip("/") == page.url


def test_assistants_find_the_tools_by_mcp(tmp_path: Path) -> None:
    pytest.importorskip("mcp", reason="gradio[mcp] is not installed")
    port = free_port()
    with (
        serve(tmp_path, "--port", str(port), "--mcp", port=port) as page,
        httpx.Client(base_url=f"{page.url}/gradio_api/mcp/", timeout=120, trust_env=False) as http,
    ):
        accepted = {"Accept": "application/json, text/event-stream"}
        asked = {"jsonrpc": "2.0", "id": 1, "method": "tools/list", "params": {}}
        answer = http.post("", json=asked, headers=accepted)
        answer.raise_for_status()
        found = json.loads(next(line for line in answer.text.splitlines() if "tools" in line).removeprefix("data: "))
        names = {tool["name"] for tool in found["result"]["tools"]}
        assert {name.rpartition("_")[2] for name in names} == {"colorize", "album", "variants", "defade", "restore"}
        assert f"Its tools are at {page.url}/gradio_api/mcp/" in page.log.read_text()


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
    assert json.loads(done.stdout.splitlines()[-1]) == [["_render", "_variants"], "Blocks"]
