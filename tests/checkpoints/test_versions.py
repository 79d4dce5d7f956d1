"""Weights that come with DeOldify have versions, so that an archive can have again what it used."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from deoldify import checkpoints
from deoldify.checkpoints import CHECKPOINTS, find, find_any, records
from deoldify.errors import CheckpointError, UnknownModelError

FIXED = {
    "compact@1": "3b076a7fa5799a2da75d7d7fd76a2bf68cc4ac5ee166ed9832124661ea2eb740",
    "compact@2": "f5cc4c0f911a923bc0adfee095dc7b26e777faa9c9080d31020fd7f710516694",
    "compact@3": "35b44dd496c2b28f2fa61535e2bfe63de69f37526fb23bc2408b6eea9003d5bd",
    "defade@1": "a2775f1b41a4f504503f18907a6f104367ffbb481505f43629619d1ec3402195",
}
"""What each version means for ever; new weights are a new line."""


def test_the_weights_of_a_version_never_change() -> None:
    assert {name: find(name).sha256 for name in FIXED} == FIXED
    embedded = [checkpoint for checkpoint in CHECKPOINTS if checkpoint.repo is None]
    assert all(FIXED.get(checkpoint.full_name) == checkpoint.sha256 for checkpoint in embedded)
    for checkpoint in embedded:
        earlier = {f"{checkpoint.name}@{number}" for number in range(1, checkpoint.version or 0)}
        assert earlier <= {record.name for record in records.EARLIER}


def test_the_version_of_now_is_the_model() -> None:
    assert find("compact@1").name in ("compact", "compact@1") and find("compact@2").name in ("compact", "compact@2")
    assert find("compact").full_name.startswith("compact@") and find("artistic").full_name == "artistic"
    for name in ("compact@99", "compact@", "compact@one"):
        with pytest.raises(UnknownModelError, match="knows compact@1"):
            find(name)
    with pytest.raises(UnknownModelError, match="choose one of"):
        find("artistic@1")


def test_earlier_weights_load_where_they_are_and_are_named_where_not(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = find("defade")
    then = replace(now, name="defade@1", file="defade@1.safetensors", version=1)
    later = replace(now, version=2)
    others = tuple(later if each is now else each for each in CHECKPOINTS)
    monkeypatch.setattr(records, "CHECKPOINTS", others)
    monkeypatch.setattr(records, "EARLIER", (then,))
    assert (find("defade"), find("defade@2"), find("defade@1")) == (later, later, then)
    assert (later.full_name, then.full_name) == ("defade@2", "defade@1")
    monkeypatch.setenv("DEOLDIFY_WEIGHTS", str(tmp_path))
    with pytest.raises(CheckpointError, match=rf"earlier release.*{now.sha256}.*defade@1\.safetensors"):
        checkpoints.fetch(find("defade@1"))
    source = checkpoints.locate(now)
    assert source is not None
    shutil.copy(source, tmp_path / "defade@1.safetensors")
    assert checkpoints.fetch(find("defade@1")) == tmp_path / "defade@1.safetensors"


def test_a_repository_may_carry_its_commit(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[tuple[str, str | None]] = []
    commit = "0123456789abcdef0123456789abcdef01234567"
    record = replace(find("artistic"), name="ada/lamp", repo="ada/lamp", revision=commit)

    def find_on_hub(repo: str, revision: str | None = None) -> checkpoints.Checkpoint:
        asked.append((repo, revision))
        return record

    monkeypatch.setattr("deoldify.checkpoints.finding.find_on_hub", find_on_hub)
    assert record.full_name == f"ada/lamp@{commit}"
    assert find_any(record.full_name) is record and find_any("ada/lamp") is record
    assert asked == [("ada/lamp", commit), ("ada/lamp", None)]
