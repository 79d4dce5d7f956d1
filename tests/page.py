"""The demo page as a user serves it: ``python app.py`` in a process of its own, on loopback."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx
import numpy as np
import pytest
from PIL import Image, ImageCms
from typer.testing import CliRunner

APP = Path(__file__).resolve().parents[1] / "app.py"
START_SECONDS = 300.0


@dataclass(frozen=True)
class ServedPage:
    """A running server: where it answers, and the folder in which Gradio keeps what visitors send and get."""

    url: str
    cache: Path
    log: Path
    process: subprocess.Popen[bytes]


def environment(**more: str) -> dict[str, str]:
    """The environment of this process without what would change the server's mind, offline."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("GRADIO_", "HF_"))}
    return {**kept, "HF_HUB_OFFLINE": "1", "NO_COLOR": "1", **more}


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def serve(folder: Path, *options: str, port: int, **variables: str) -> Iterator[ServedPage]:
    """Run ``app.py`` with these options and environment variables until the block ends."""
    cache, log_file = folder / "cache", folder / "log"
    env = environment(GRADIO_TEMP_DIR=str(cache), HF_HOME=str(folder / "hub"), **variables)
    with log_file.open("wb") as log:
        process = subprocess.Popen([sys.executable, str(APP), *options], env=env, stdout=log, stderr=log)
    page = ServedPage(f"http://127.0.0.1:{port}", cache, log_file, process)
    try:
        _wait_for(page)
        yield page
    finally:
        process.terminate()
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _wait_for(page: ServedPage) -> None:
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline and page.process.poll() is None:
        try:
            httpx.get(page.url, timeout=5, trust_env=False)
            return
        except httpx.TransportError:
            time.sleep(0.1)
    pytest.fail(f"the page did not start:\n{page.log.read_text(errors='replace')}")


@pytest.fixture(scope="session")
def page_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServedPage]:
    """One server for all tests of a module."""
    port = free_port()
    with serve(tmp_path_factory.mktemp("page"), "--host", "127.0.0.1", "--port", str(port), port=port) as page:
        yield page


def grey_photo(path: Path, width: int, height: int) -> Path:
    """Write a black-and-white picture of hills under a sky, with EXIF and an ICC profile."""
    y, x = np.mgrid[0:height, 0:width] / np.array([[[height]], [[width]]])
    hills = 0.5 + 0.15 * np.sin(9 * x) + 0.05 * np.sin(31 * x)
    grey = np.where(y < hills, 0.85 - 0.3 * y, 0.25 + 0.2 * np.sin(60 * x * y) ** 2)
    exif = Image.Exif()
    exif[0x013B] = "A. Photographer"  # Artist
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    picture = np.repeat((grey * 255).astype(np.uint8)[..., None], 3, axis=2)
    Image.fromarray(picture).save(path, exif=exif, icc_profile=profile)
    return path


def commanded(photo: Path, output: Path, command: str, *options: str) -> Path:
    """What the command line makes of a photo, or of a folder of them."""
    from deoldify.__main__ import app

    done = CliRunner().invoke(app, [command, str(photo), "-o", str(output), *options])
    assert done.exit_code == 0, done.output
    return output


def colourfulness(image: Image.Image) -> float:
    """Mean distance between the largest and the smallest channel, in levels of 255."""
    pixels = np.asarray(image.convert("RGB")).astype(int)
    return float((pixels.max(axis=2) - pixels.min(axis=2)).mean())
