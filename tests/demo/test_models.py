"""The models that the page works with."""

from __future__ import annotations

import threading
import time
from pathlib import Path

import pytest

from demo import models
from demo.choices import about_model
from demo.jobs import Colouring, JobError, do
from tests.page import grey_photo


def test_a_cold_model_is_loaded_once_however_many_ask(monkeypatch: pytest.MonkeyPatch) -> None:
    loads: list[str] = []

    def load(name: str) -> object:
        loads.append(name)
        time.sleep(0.2)  # long enough for the others to ask meanwhile
        return object()

    models._colorizer.cache_clear()
    monkeypatch.setattr(models, "load_colorizer", load)
    threads = [threading.Thread(target=models.colorizer, args=("artistic",)) for _ in range(5)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    models._colorizer.cache_clear()
    assert loads == ["artistic"]


def test_strangers_have_nothing_downloaded(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path))
    monkeypatch.setattr(models.downloads, "allowed", False)
    monkeypatch.setattr("deoldify.checkpoints.fetch", None)
    photo = grey_photo(tmp_path / "a.jpg", 32, 24)
    with pytest.raises(JobError) as raised:
        do(Colouring("artistic", 4, "guided"), photo, "a.jpg", tmp_path, lambda doing, share: None)
    assert str(raised.value) == (
        "This model is not on the server, and it cannot be fetched now. The model compact needs no download."
    )
    assert "--allow-downloads" in caplog.text
    assert "whoever runs it can fetch it" in about_model("artistic")
