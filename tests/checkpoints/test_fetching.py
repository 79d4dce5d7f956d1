"""Where checkpoints are found, how they are fetched from a Hub with and without faults, and what is refused."""

from __future__ import annotations

import dataclasses
import hashlib
import os
import re
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from deoldify import checkpoints
from deoldify.checkpoints import Checkpoint, Progress, finding, verifying
from deoldify.errors import CheckpointError, HubError, UnknownModelError
from tests.hub import Fault, Hub, hub

__all__ = ["hub"]  # the fixture, which only pytest uses


CONTENT = bytes(range(256)) * 1200


def record(content: bytes = CONTENT) -> Checkpoint:
    """The record of a checkpoint of the Hub with this content; nothing checks that it holds weights."""
    return dataclasses.replace(
        checkpoints.find("artistic"), sha256=hashlib.sha256(content).hexdigest(), bytes=len(content)
    )


def offer(hub: Hub, checkpoint: Checkpoint, content: bytes = CONTENT) -> None:
    hub.files[f"{checkpoint.repo}/resolve/{checkpoint.revision}/{checkpoint.file}"] = content


def quiet(_: Progress) -> None:
    pass


def half_written(cache: Path) -> list[Path]:
    return list(cache.rglob("*.incomplete"))


@pytest.fixture
def cache() -> Path:
    return Path(os.environ["HF_HUB_CACHE"])


# Records


def test_records_are_complete_and_pinned() -> None:
    names = [checkpoint.name for checkpoint in checkpoints.CHECKPOINTS]
    assert names == [
        "compact", "artistic", "stable", "video", "ddcolor-artistic", "ddcolor", "ddcolor-paper", "ddcolor-tiny",
        "defade",
    ]  # fmt: skip
    for checkpoint in checkpoints.CHECKPOINTS:
        assert re.fullmatch("[0-9a-f]{64}", checkpoint.sha256)
        assert (checkpoint.repo is None) == (checkpoint.revision is None)
        if checkpoint.revision is not None:
            assert re.fullmatch("[0-9a-f]{40}", checkpoint.revision)
    with pytest.raises(dataclasses.FrozenInstanceError):
        checkpoints.find("stable").bytes = 0  # type: ignore[misc]


def test_an_unknown_name_lists_the_names() -> None:
    with pytest.raises(UnknownModelError, match=r"'vivid'.*compact, artistic, stable, video"):
        checkpoints.find("vivid")


def test_the_list_says_what_is_here_without_a_request(
    hub: Hub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    checkpoint = record()
    monkeypatch.setattr(finding, "CHECKPOINTS", (checkpoint,))
    monkeypatch.setenv("DEOLDIFY_WEIGHTS", str(tmp_path))
    (info,) = checkpoints.models()
    assert (info.name, info.task, info.bytes, info.licence, info.here) == (
        "artistic",
        "colorize",
        len(CONTENT),
        "MIT",
        False,
    )
    assert "spensercai/DeOldify" in info.source
    (tmp_path / checkpoint.file).write_bytes(CONTENT[:-1])
    assert not checkpoints.models()[0].here
    (tmp_path / checkpoint.file).write_bytes(CONTENT)
    assert checkpoints.models()[0].here
    assert hub.requests == []


def test_listing_imports_no_torch() -> None:
    code = "import sys, deoldify.checkpoints as c; c.models(); sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_where_the_size_is_known_about_the_digest_decides(hub: Hub, cache: Path) -> None:
    about = dataclasses.replace(record(), bytes=len(CONTENT) - 500, slack=1000)
    offer(hub, about)
    told: list[Progress] = []
    path = checkpoints.fetch(about, progress=told.append)
    assert path.read_bytes() == CONTENT and told[-1].done == len(CONTENT)
    assert about.may_have(len(CONTENT) - 1500) and not about.may_have(len(CONTENT) + 501)
    path.resolve().write_bytes(CONTENT[:-1] + b"?")
    offer(hub, about, CONTENT + bytes(501))
    with pytest.raises(HubError, match="which can have"):
        checkpoints.fetch(about, progress=quiet)


# Weights folders


def test_weights_folder_comes_before_cache_and_hub(
    hub: Hub, cache: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    checkpoint = record()
    offer(hub, checkpoint)
    fetched = checkpoints.fetch(checkpoint, progress=quiet)
    assert cache in fetched.parents
    assert checkpoints.locate(checkpoint) == fetched
    monkeypatch.setenv("DEOLDIFY_WEIGHTS", str(tmp_path))
    (tmp_path / checkpoint.file).write_bytes(CONTENT)
    assert checkpoints.fetch(checkpoint) == checkpoints.locate(checkpoint) == tmp_path / checkpoint.file


def test_another_file_in_a_weights_folder_is_reported_not_replaced(
    hub: Hub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    checkpoint = record()
    offer(hub, checkpoint)
    monkeypatch.setenv("DEOLDIFY_WEIGHTS", str(tmp_path))
    alien = tmp_path / checkpoint.file
    alien.write_bytes(CONTENT[::-1])
    with pytest.raises(CheckpointError, match="is not the file of 'artistic'") as caught:
        checkpoints.fetch(checkpoint)
    assert hashlib.sha256(CONTENT[::-1]).hexdigest() in str(caught.value)
    assert checkpoint.sha256 in str(caught.value)
    assert alien.read_bytes() == CONTENT[::-1]
    assert hub.requests == []


def test_a_pointer_of_git_lfs_is_recognised(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    checkpoint = dataclasses.replace(record(), repo=None, revision=None)
    monkeypatch.setenv("DEOLDIFY_WEIGHTS", str(tmp_path))
    (tmp_path / checkpoint.file).write_text("version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 1\n")
    with pytest.raises(CheckpointError, match="git lfs pull"):
        checkpoints.fetch(checkpoint)


def test_missing_embedded_weights_name_the_folders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    checkpoint = dataclasses.replace(checkpoints.find("compact"), file="absent.safetensors")
    monkeypatch.setenv("DEOLDIFY_WEIGHTS", str(tmp_path))
    assert checkpoints.locate(checkpoint) is None
    with pytest.raises(CheckpointError, match=re.escape(str(tmp_path))):
        checkpoints.fetch(checkpoint)


def test_a_weights_folder_that_is_none_is_reported(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DEOLDIFY_WEIGHTS", str(tmp_path / "absent"))
    with pytest.raises(CheckpointError, match="DEOLDIFY_WEIGHTS"):
        checkpoints.locate(record())


# Verifying


def test_an_altered_file_is_found_out_though_it_was_verified_before(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, hub: Hub
) -> None:
    checkpoint = record()
    monkeypatch.setenv("DEOLDIFY_WEIGHTS", str(tmp_path))
    path = tmp_path / checkpoint.file
    for settled in (verifying._SETTLED_SECONDS, -1.0):
        monkeypatch.setattr(verifying, "_SETTLED_SECONDS", settled)
        path.write_bytes(CONTENT)
        os.utime(path, (1, 1))
        assert checkpoints.fetch(checkpoint) == path
        path.write_bytes(CONTENT[::-1])
        if settled < 0:  # a seal was left: the change must show in the time stamps
            os.utime(path, (2, 2))
        with pytest.raises(CheckpointError):
            checkpoints.fetch(checkpoint)


def test_a_file_that_rests_is_hashed_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, hub: Hub) -> None:
    checkpoint = record()
    monkeypatch.setenv("DEOLDIFY_WEIGHTS", str(tmp_path))
    path = tmp_path / checkpoint.file
    path.write_bytes(CONTENT)
    hashed: list[Path] = []
    digest = verifying.digest_of

    def counted(file: Path) -> str:
        hashed.append(file)
        return digest(file)

    monkeypatch.setattr(verifying, "digest_of", counted)
    checkpoints.fetch(checkpoint)
    checkpoints.fetch(checkpoint)
    assert hashed == [path, path]  # touched a moment ago: no seal
    monkeypatch.setattr(verifying, "_SETTLED_SECONDS", -1.0)
    checkpoints.fetch(checkpoint)
    checkpoints.fetch(checkpoint)
    assert hashed == [path, path, path]
    with pytest.raises(CheckpointError):  # the seal is for one digest, not for any
        checkpoints.fetch(record(CONTENT[::-1]))


# The Hub, in good health


def test_first_fetch_downloads_and_tells_how_far_it_is_second_asks_nothing(hub: Hub, cache: Path) -> None:
    checkpoint = record()
    offer(hub, checkpoint)
    assert checkpoints.locate(checkpoint) is None
    told: list[Progress] = []
    path = checkpoints.fetch(checkpoint, progress=told.append)
    assert path.read_bytes() == CONTENT
    assert cache in path.parents
    assert hub.count("GET") == 1
    assert [item.done for item in told] == sorted(item.done for item in told)
    assert told[-1].done == told[-1].total == len(CONTENT)
    assert told[-1].speed > 0
    assert str(told[-1]).startswith("artistic: 0.3 MB of 0.3 MB, ")

    hub.requests.clear()
    assert checkpoints.fetch(checkpoint) == path
    assert hub.requests == []


def test_a_damaged_cached_file_is_fetched_again(hub: Hub) -> None:
    checkpoint = record()
    offer(hub, checkpoint)
    path = checkpoints.fetch(checkpoint, progress=quiet)
    for damaged in (CONTENT[:1000], CONTENT[::-1]):
        path.write_bytes(damaged)
        assert checkpoints.fetch(checkpoint, progress=quiet).read_bytes() == CONTENT
    assert hub.count("GET") == 3


def test_two_processes_at_once_download_once(hub: Hub, tmp_path: Path) -> None:
    checkpoint = record()
    offer(hub, checkpoint)
    program = (
        "import dataclasses, sys; from deoldify import checkpoints as c;"
        "r = dataclasses.replace(c.find('artistic'), sha256=sys.argv[1], bytes=int(sys.argv[2]));"
        "print(c.fetch(r, progress=lambda p: None, patience=100))"
    )
    hub.gate.clear()  # the first cannot finish before the second has come
    processes = [
        subprocess.Popen(
            [sys.executable, "-c", program, checkpoint.sha256, str(checkpoint.bytes)],
            stdout=subprocess.PIPE,
            stderr=(tmp_path / f"{index}.err").open("w"),
            text=True,
        )
        for index in range(2)
    ]
    try:
        while not any("waiting for it" in (tmp_path / f"{index}.err").read_text() for index in range(2)):
            assert all(process.poll() is None for process in processes)
        hub.gate.set()
        paths = {process.communicate(timeout=100)[0].strip() for process in processes}
    finally:
        for process in processes:
            process.kill()
            process.wait()
    assert {process.returncode for process in processes} == {0}
    assert len(paths) == 1
    assert Path(paths.pop()).read_bytes() == CONTENT
    assert hub.count("GET") == 1


# The Hub, with faults


@pytest.mark.parametrize("fault", ["alter", "shorten"])
def test_a_wrong_file_is_fetched_once_more_then_reported(hub: Hub, cache: Path, fault: Fault) -> None:
    checkpoint = record()
    offer(hub, checkpoint)
    hub.get_faults = [fault, None]
    assert checkpoints.fetch(checkpoint, progress=quiet).read_bytes() == CONTENT
    assert hub.count("GET") == 2


def test_a_file_that_stays_wrong_is_reported_and_removed(hub: Hub, cache: Path) -> None:
    checkpoint = record()
    offer(hub, checkpoint, CONTENT[::-1])
    with pytest.raises(HubError, match="twice") as caught:
        checkpoints.fetch(checkpoint, progress=quiet)
    assert hashlib.sha256(CONTENT[::-1]).hexdigest() in str(caught.value)
    assert checkpoint.sha256 in str(caught.value)
    assert hub.count("GET") == 2
    assert checkpoints.locate(checkpoint) is None


def test_a_broken_connection_is_resumed(hub: Hub) -> None:
    checkpoint = record()
    offer(hub, checkpoint)
    hub.get_faults = ["cut"]
    assert checkpoints.fetch(checkpoint, progress=quiet).read_bytes() == CONTENT
    assert len(hub.ranges) == 1
    assert 0 < int(re.sub(r"\D", "", hub.ranges[0])) < len(CONTENT)


def test_a_server_that_breaks_every_connection_is_reported(hub: Hub, cache: Path) -> None:
    checkpoint = record()
    offer(hub, checkpoint)
    hub.get_faults = ["cut"]
    hub.get_faults += ["drop"] * 20
    with pytest.raises(HubError, match="broke again and again"):
        checkpoints.fetch(checkpoint, progress=quiet, patience=100)
    assert half_written(cache) == []


@pytest.mark.parametrize(
    ("heads", "gets", "words"),
    [
        (["hang"], [], "(does|did) not answer"),
        ([None, *["hang"] * 10], [], "did not answer"),
        ([], ["hang"] * 10, "did not answer"),
        ([], ["stall"] * 10, "nothing more came"),
    ],
)
def test_a_hung_server_is_left(
    hub: Hub, cache: Path, heads: list[Fault | None], gets: list[Fault | None], words: str
) -> None:
    checkpoint = record()
    offer(hub, checkpoint)
    hub.head_faults, hub.get_faults = heads, gets
    with pytest.raises(HubError, match=words) as caught:
        checkpoints.fetch(checkpoint, progress=quiet, patience=1)
    message = str(caught.value)
    assert "'compact'" in message
    assert f"{hub.endpoint}/{checkpoint.repo}/resolve/{checkpoint.revision}/{checkpoint.file}" in message
    assert str(finding.weights_folders()[0]) in message
    assert half_written(cache) == []


def test_a_dead_port_is_reported(hub: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.socket() as bound:  # bound but not listening: refuses, and nobody else can take it
        bound.bind(("127.0.0.1", 0))
        monkeypatch.setenv("HF_ENDPOINT", f"http://127.0.0.1:{bound.getsockname()[1]}/")
        with pytest.raises(HubError, match=r"cannot be reached .*refused"):
            checkpoints.fetch(record(), patience=100)
    assert hub.requests == []


@pytest.mark.parametrize(
    ("fault", "words"),
    [
        ("EntryNotFound", "has no file ColorizeArtistic_gen.pth"),
        ("RepoNotFound", "no public repository spensercai/DeOldify"),
        ("RevisionNotFound", "no revision 448956a5"),
        ("503", "status 503"),
    ],
)
def test_refusals_are_told_apart(hub: Hub, fault: Fault, words: str) -> None:
    hub.head_faults = [fault]
    with pytest.raises(HubError, match=words):
        checkpoints.fetch(record(), patience=100)
    assert [method for method, _ in hub.requests] == ["HEAD"]


def test_the_offline_flag_forbids_requests_but_not_the_cache(hub: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    checkpoint = record()
    offer(hub, checkpoint)
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    with pytest.raises(HubError, match="HF_HUB_OFFLINE"):
        checkpoints.fetch(checkpoint)
    assert hub.requests == []
    monkeypatch.delenv("HF_HUB_OFFLINE")
    path = checkpoints.fetch(checkpoint, progress=quiet)
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    assert checkpoints.fetch(checkpoint) == path


def test_a_cache_that_cannot_be_written_is_reported(hub: Hub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path / "file"))
    with pytest.raises(HubError, match="cannot be written"):
        checkpoints.fetch(record())
