"""What in folders is a photograph."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from deoldify.folder import Found, Trouble, list_photographs


def touch(*paths: Path) -> None:
    for path in paths:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"some bytes")


def names(found: list[Found]) -> list[str]:
    return [photo.relative.as_posix() for photo in found]


def link(path: Path, target: Path) -> None:
    try:
        path.symlink_to(target)
    except OSError:
        pytest.skip("links cannot be made here")


def test_hidden_files_and_what_systems_leave_are_no_photographs(tmp_path: Path) -> None:
    touch(*(tmp_path / name for name in ("b.jpg", "a.PNG", "1911/c.tif", "notes.txt", "读.jpeg")))
    touch(*(tmp_path / name for name in ("._b.jpg", ".DS_Store", "Thumbs.db", "@eaDir/b.jpg/SYNO_THUMB.jpg")))
    touch(*(tmp_path / name for name in (".thumbnails/b.jpg", "1911/.hidden/c.jpg", "$RECYCLE.BIN/d.jpg")))
    found, troubles = list_photographs([tmp_path], None)
    assert names(found) == ["1911/c.tif", "a.PNG", "b.jpg", "读.jpeg"]
    assert not troubles


def test_what_is_named_is_looked_at_whatever_it_is_called(tmp_path: Path) -> None:
    touch(tmp_path / ".scans" / "a.jpg", tmp_path / "._b.jpg")
    found, troubles = list_photographs([tmp_path / ".scans", tmp_path / "._b.jpg"], None)
    assert [(photo.path.name, photo.named) for photo in found] == [("a.jpg", False), ("._b.jpg", True)]
    assert not troubles


def test_a_folder_is_gone_through_once_and_by_its_own_name(tmp_path: Path) -> None:
    touch(tmp_path / "z" / "a.jpg", tmp_path / "elsewhere" / "b.jpg")
    root = tmp_path / "root"
    touch(root / "z" / "a.jpg")
    link(root / "a-link", root / "z")
    link(root / "z" / "up", root)
    link(root / "far", tmp_path / "elsewhere")
    link(root / "again", tmp_path / "elsewhere")
    found, troubles = list_photographs([root], None)
    assert names(found) == ["again/b.jpg", "z/a.jpg"]
    assert not troubles


def test_a_photo_that_is_named_twice_is_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    touch(tmp_path / "old" / "a.jpg", tmp_path / "old" / "b.jpg")
    monkeypatch.chdir(tmp_path)
    found, _ = list_photographs([Path("old"), Path("old/a.jpg"), tmp_path / "old" / "b.jpg"], None)
    assert names(found) == ["a.jpg", "b.jpg"]


@pytest.mark.parametrize(
    ("root", "output", "expected"),
    [
        ("album", "album/new", ["1911/b.jpg", "a.jpg"]),  # inside
        ("album/1911", "album", ["b.jpg"]),  # above
        ("album", "album", ["1911/b.jpg", "a.jpg", "new/a.jpg"]),  # at
        ("album", "elsewhere", ["1911/b.jpg", "a.jpg", "new/a.jpg"]),
    ],
)
def test_what_lies_in_the_output_folder_is_no_photograph(
    root: str, output: str, expected: list[str], tmp_path: Path
) -> None:
    touch(*(tmp_path / "album" / name for name in ("a.jpg", "1911/b.jpg", "new/a.jpg")))
    found, troubles = list_photographs([tmp_path / root], tmp_path / output)
    assert names(found) == expected
    assert not troubles


def test_the_output_folder_is_known_through_a_link(tmp_path: Path) -> None:
    touch(tmp_path / "album" / "a.jpg", tmp_path / "album" / "new" / "a.jpg")
    link(tmp_path / "link", tmp_path / "album" / "new")
    assert names(list_photographs([tmp_path / "album"], tmp_path / "link")[0]) == ["a.jpg"]


def test_what_cannot_be_read_is_told_and_the_rest_is_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    touch(tmp_path / "old" / "a.jpg", tmp_path / "old" / "locked" / "b.jpg")
    (tmp_path / "empty").mkdir()
    scan = os.scandir

    def refuse(path: Path) -> object:
        if Path(path).name == "locked":
            raise PermissionError(13, "Permission denied")
        return scan(path)

    monkeypatch.setattr(os, "scandir", refuse)
    found, troubles = list_photographs([tmp_path / n for n in ("old", "empty", "nowhere.jpg")], None)
    assert names(found) == ["a.jpg"]
    assert troubles == [
        Trouble(tmp_path / "old" / "locked", f"{tmp_path / 'old' / 'locked'} cannot be opened: Permission denied"),
        Trouble(tmp_path / "empty", f"there are no photographs in {tmp_path / 'empty'}", is_empty=True),
        Trouble(tmp_path / "nowhere.jpg", f"{tmp_path / 'nowhere.jpg'} does not exist"),
    ]


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="there are no named pipes here")
def test_pipes_and_links_that_lead_nowhere_are_told(tmp_path: Path) -> None:
    touch(tmp_path / "a.jpg")
    os.mkfifo(tmp_path / "pipe.jpg")
    link(tmp_path / "gone.jpg", tmp_path / "nothing")
    link(tmp_path / "itself.jpg", tmp_path / "itself.jpg")
    found, troubles = list_photographs([tmp_path], None)
    assert names(found) == ["a.jpg"]
    assert {trouble.path.name: trouble.message.partition(" is a ")[2] for trouble in troubles} == {
        "pipe.jpg": "pipe or a device, not a photograph",
        "gone.jpg": "link that leads nowhere, not a photograph",
        "itself.jpg": "link that leads nowhere, not a photograph",
    }
