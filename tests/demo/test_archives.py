"""ZIP archives that visitors send, and those they get."""

from __future__ import annotations

import stat
import zipfile
from pathlib import Path

import pytest

from demo.archives import Unpacked, pack, unpack
from demo.uploads import clean_name


def taken(
    archive: Path, folder: Path, *, most: int = 10, file_bytes: int = 1000, all_bytes: int = 3000
) -> list[Unpacked]:
    return list(unpack(archive, folder, most=most, file_bytes=file_bytes, all_bytes=all_bytes))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "out").mkdir()
    return tmp_path / "out"


def test_photos_come_out_under_names_of_ours_and_what_is_none_is_a_line(tmp_path: Path, folder: Path) -> None:
    link = zipfile.ZipInfo("link.jpg")
    link.external_attr = (stat.S_IFLNK | 0o777) << 16
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        archive.writestr("trip/a.jpg", b"first")
        archive.writestr("../../escaped.png", b"second")
        archive.writestr(link, b"/etc/passwd")
        archive.writestr("inner.zip", b"PK")
        archive.writestr("notes.txt", b"text")
        for litter in ("__MACOSX/._a.jpg", "trip/.DS_Store", "trip/Thumbs.db", "folder/"):
            archive.writestr(litter, b"")
    found = taken(tmp_path / "a.zip", folder)
    assert [(entry.name, entry.path.read_bytes() if entry.path else None) for entry in found] == [
        ("trip/a.jpg", b"first"), ("escaped.png", b"second"), ("link.jpg", None), ("inner.zip", None),
        ("notes.txt", None),
    ]  # fmt: skip
    for entry, word in zip(found[2:], ("link", "archive in an archive", "not a photograph"), strict=True):
        assert word in entry.why
    assert sorted(folder.iterdir()) == sorted(entry.path for entry in found if entry.path)
    assert not (tmp_path.parent / "escaped.png").exists()


def test_what_is_encrypted_or_damaged_is_a_line(tmp_path: Path, folder: Path) -> None:
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        archive.writestr("a.jpg", b"the first photo")
        archive.writestr("b.jpg", b"the second one")
    data = (tmp_path / "a.zip").read_bytes().replace(b"the first photo", b"the worst photo")
    (tmp_path / "b.zip").write_bytes(data)
    damaged, whole = taken(tmp_path / "b.zip", folder)
    assert damaged.path is None and "damaged" in damaged.why and whole.path is not None
    local, central = data.index(b"PK\3\4"), data.index(b"PK\1\2")
    locked = bytearray(data)
    locked[local + 6] |= 1
    locked[central + 8] |= 1
    (tmp_path / "c.zip").write_bytes(locked)
    assert "encrypted" in taken(tmp_path / "c.zip", folder)[0].why
    (tmp_path / "d.zip").write_bytes(b"PK\3\4 and nothing more")
    assert "cannot be opened" in taken(tmp_path / "d.zip", folder)[0].why


def test_bytes_are_counted_as_they_come_and_limits_hold(tmp_path: Path, folder: Path) -> None:
    with zipfile.ZipFile(tmp_path / "a.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("bomb.jpg", bytes(10_000_000))
        for number in range(4):
            archive.writestr(f"{number}.jpg", bytes(900))
    lie = bytearray((tmp_path / "a.zip").read_bytes())
    central = lie.index(b"PK\1\2")
    lie[central + 24 : central + 28] = (5).to_bytes(4, "little")  # what it says of its size
    (tmp_path / "a.zip").write_bytes(lie)
    found = taken(tmp_path / "a.zip", folder)
    assert [entry.path is not None for entry in found] == [False, True, True, True, False]
    assert sum(path.stat().st_size for path in folder.iterdir()) == 2700
    assert "2 more photos are the most" in taken(tmp_path / "a.zip", folder, most=2)[-1].why


def test_results_are_packed_with_their_folders_and_clashing_names_are_numbered(tmp_path: Path) -> None:
    for name in ("x", "y", "z"):
        (tmp_path / name).write_bytes(name.encode())
    files = [("a/p.jpg", tmp_path / "x"), ("b/p.jpg", tmp_path / "y"), ("A/P.jpg", tmp_path / "z")]
    pack(files, tmp_path / "all.zip")
    with zipfile.ZipFile(tmp_path / "all.zip") as archive:
        assert {info.filename: archive.read(info) for info in archive.infolist()} == {
            "a/p.jpg": b"x", "b/p.jpg": b"y", "A/P-2.jpg": b"z",
        }  # fmt: skip
    with pytest.raises(FileNotFoundError):
        pack([("a.jpg", tmp_path / "gone")], tmp_path / "none.zip")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["all.zip", "x", "y", "z"]


@pytest.mark.parametrize(
    ("name", "clean"),
    [
        ("a.jpg", "a.jpg"), ("../../etc/passwd", "etc/passwd"), ("C:\\photos\\a.jpg", "C/photos/a.jpg"),
        ("/a//./b.png", "a/b.png"), ("\x1b[31ma.jpg", "[31ma.jpg"), ("", "photo"), ("..", "photo"), (None, "None"),
        ("x" * 300 + ".jpg", "x" * 176 + ".jpg"), ("写真" * 60 + ".tif", "写真" * 29 + ".tif"),
    ],
)  # fmt: skip
def test_names_are_cleaned(name: object, clean: str) -> None:
    assert clean_name(name) == clean
    assert len(clean_name(name).rpartition("/")[2].encode()) <= 180
