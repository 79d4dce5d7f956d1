"""The offer of truer colours: what it says, that it can be cancelled, and where there is none."""

from __future__ import annotations

import dataclasses
import hashlib
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from demo import offer
from demo.models import downloads
from demo.offer import Download, offered, sentence
from deoldify.checkpoints import Checkpoint, find, finding, locate, records
from deoldify.network import memory
from tests.hub import Hub, hub
from tests.network.costs import PLENTY

__all__ = ["hub"]  # the fixture, which only pytest uses

CONTENT = bytes(range(256)) * 4000


@pytest.fixture
def toy(hub: Hub, monkeypatch: pytest.MonkeyPatch) -> Checkpoint:
    """The model that is offered, of a megabyte, on a Hub on loopback; and memory for it."""
    made = dataclasses.replace(
        find(offer.OFFERED), bytes=len(CONTENT), sha256=hashlib.sha256(CONTENT).hexdigest(), slack=0
    )
    changed = tuple(made if each.name == made.name else each for each in records.CHECKPOINTS)
    monkeypatch.setattr(records, "CHECKPOINTS", changed)
    monkeypatch.setattr(finding, "CHECKPOINTS", changed)
    monkeypatch.setattr(memory, "free_bytes", lambda device: PLENTY)
    monkeypatch.delenv("HF_HUB_OFFLINE", raising=False)
    hub.files[f"{made.repo}/resolve/{made.revision}/{made.file}"] = CONTENT
    return made


def until(true: Callable[[], bool], seconds: float = 60) -> None:
    deadline = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def test_it_says_how_much_from_whom_and_on_what_terms() -> None:
    said = sentence(find("ddcolor-artistic"))
    for words in ("Truer colours for 912 MB", "ddcolor-artistic", "piddnad/DDColor-models", "Hugging Face Hub",
                  "licence Apache-2.0"):  # fmt: skip
        assert words in said
    assert "\n" not in said


def test_nothing_is_offered_where_it_cannot_be_had_or_is_here(
    toy: Checkpoint, hub: Hub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert offered() == toy
    with monkeypatch.context() as patch:
        patch.setattr(downloads, "allowed", False)
        assert offered() is None
    with monkeypatch.context() as patch:
        patch.setenv("HF_HUB_OFFLINE", "1")
        assert offered() is None
    with monkeypatch.context() as patch:
        patch.setattr(memory, "free_bytes", lambda device: 2 * toy.bytes - 1)
        assert offered() is None
    (tmp_path / toy.file).write_bytes(CONTENT)
    monkeypatch.setenv("DEOLDIFY_WEIGHTS", str(tmp_path))
    assert offered() is None
    assert hub.requests == []  # to offer it asks nobody


def test_it_comes_when_it_is_asked_for_and_tells_how_far_it_is(toy: Checkpoint, hub: Hub) -> None:
    hub.gate.clear()
    download = Download(toy)
    until(lambda: " MB of " in download.said)
    assert "ddcolor-artistic" in download.said and not download.wait()
    hub.gate.set()
    until(download.wait)
    assert not download.failed and locate(toy) is not None and offered() is None


def test_it_can_be_cancelled_and_asked_for_again(toy: Checkpoint, hub: Hub) -> None:
    hub.gate.clear()
    download = Download(toy)
    until(lambda: " MB of " in download.said)
    download.cancel()
    assert download.wait() and not download.failed
    hub.gate.set()
    again = Download(toy)
    until(again.wait)
    assert not again.failed and locate(toy) is not None


def test_a_failure_is_told(toy: Checkpoint, hub: Hub) -> None:
    hub.head_faults.append("EntryNotFound")
    download = Download(toy)
    until(download.wait)
    assert "has no file" in download.failed and locate(toy) is None
