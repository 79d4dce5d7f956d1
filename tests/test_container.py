"""The container, as far as it goes without a daemon: what it copies serves the page, and writes to its volume."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
import time
from pathlib import Path

import yaml

from tests.page import environment, free_port

ROOT = Path(__file__).parents[1]
DOCKERFILE = re.sub(r"\\\n\s*", "", (ROOT / "Dockerfile").read_text())


def instructions(kind: str) -> list[str]:
    return re.findall(rf"^{kind} (.+)$", DOCKERFILE, re.MULTILINE)


def test_what_is_copied_serves_the_page_and_writes_to_its_volume_alone(tmp_path: Path) -> None:
    (volume,) = instructions("VOLUME")
    app, data = tmp_path / "app", tmp_path / "data"
    app.mkdir()
    for copied in instructions("COPY"):
        source, _, target = copied.rpartition(" ")
        if (ROOT / source).is_dir():
            shutil.copytree(ROOT / source, app / target, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(ROOT / source, app / target)
    (made,) = re.findall(r"install -d -o deoldify (.+)$", DOCKERFILE, re.MULTILINE)
    for folder in made.split():
        assert folder.startswith(f"{volume}/")
        (data / folder.removeprefix(f"{volume}/")).mkdir(parents=True)
    there = sorted(app.rglob("*"))

    variables = dict(pair.split("=", 1) for pair in " ".join(instructions("ENV")).split())
    variables = {name: value.replace(volume, str(data), 1) for name, value in variables.items()}
    port = free_port()
    variables |= {"GRADIO_SERVER_PORT": str(port), "GRADIO_SERVER_NAME": "127.0.0.1"}
    alone = environment(**variables)
    (health,) = re.findall(r"CMD (\[.+\])$", next(iter(instructions("HEALTHCHECK"))))
    command = json.loads(instructions("CMD")[-1])
    assert command[0] == json.loads(health)[0] == "python"
    page = subprocess.Popen([sys.executable, *command[1:]], cwd=app, env=alone)
    try:
        deadline = time.monotonic() + 500
        ask = [sys.executable, *json.loads(health)[1:]]
        while subprocess.run(ask, env=alone, stderr=subprocess.DEVNULL).returncode:
            assert page.poll() is None and time.monotonic() < deadline, "the page does not answer its health check"
            time.sleep(0.5)
    finally:
        page.terminate()
        page.wait(60)
    assert sorted(app.rglob("*")) == there


def test_it_runs_as_a_user_of_its_own_with_one_volume_to_write_to() -> None:
    assert instructions("USER") == ["deoldify"] and "useradd" in DOCKERFILE
    services = yaml.safe_load((ROOT / "compose.yaml").read_text())
    page = services["services"]["page"]
    (mounted,) = page["volumes"]
    name, where = mounted.split(":")
    assert page["read_only"] is True and [where] == instructions("VOLUME") and name in services["volumes"]
    assert page["ports"] == [f"127.0.0.1:{port}:{port}" for port in instructions("EXPOSE")]


def test_the_context_holds_what_is_copied_and_no_more() -> None:
    lines = (ROOT / ".dockerignore").read_text().split()
    taken = {line.removeprefix("!") for line in lines if line.startswith("!")}
    assert lines[0] == "*" and taken == {copied.split()[0] for copied in instructions("COPY")}
