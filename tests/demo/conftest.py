"""One page for the tests in this folder, and clients of it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from gradio_client import Client

from tests.page import ServedPage, grey_photo, page_server

__all__ = ["page_server"]  # the fixture, which only pytest uses


@pytest.fixture(scope="session")
def client(page_server: ServedPage, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Client]:
    client = Client(page_server.url, verbose=False, download_files=str(tmp_path_factory.mktemp("results")))
    yield client
    client.close()


@pytest.fixture
def http(page_server: ServedPage) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=page_server.url, timeout=60, trust_env=False) as http:
        yield http


@pytest.fixture(scope="module")
def secret(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An image of the server that no visitor has sent: any of its pixels in an answer would be a leak."""
    return grey_photo(tmp_path_factory.mktemp("private") / "secret.png", 40, 30)
