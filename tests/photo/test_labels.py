"""What a result says of itself is read back from the first bytes of its file."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest
import tifffile
from PIL import Image

from deoldify.photo import WRITABLE_SUFFIXES, Photo, open_photo, read_label, save_pages, save_photo

PICTURE = np.arange(5 * 7 * 3, dtype=np.uint8).reshape(5, 7, 3)


@pytest.mark.parametrize("suffix", WRITABLE_SUFFIXES)
def test_every_format_says_who_made_it_of_what(suffix: str, tmp_path: Path) -> None:
    path = tmp_path / f"{'写' * 80}{suffix}"
    save_photo(Photo(PICTURE), path, label="Coloured", stamp="stamp 1")
    assert read_label(path) == ("stamp 1" if suffix == ".bmp" else "Coloured; stamp 1")
    again = open_photo(path)
    save_photo(again, path, label="Coloured", stamp="stamp 2")
    assert read_label(path).endswith("stamp 2")
    with Image.open(path) as image:
        assert image.getexif().get(305, "Coloured") == "Coloured"


def test_a_record_is_of_one_file_and_goes_with_no_other(tmp_path: Path) -> None:
    path = tmp_path / "a.bmp"
    save_photo(Photo(PICTURE), path, stamp="stamp")
    before = path.stat()
    os.utime(path, ns=(0, 0))
    assert read_label(path) == "stamp"
    Image.fromarray(255 - PICTURE).save(path)
    assert path.stat().st_size == before.st_size
    assert read_label(path) == ""


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\xff\xd8\xff",
        b"\xff\xd8\xff\xe1\x00\x10Exif\0\0II*\0\xff\xff\xff\xff",
        b"\x89PNG\r\n\x1a\n\0\0\0\5eXIf",
        b"RIFF\0\0\0\0WEBP" + b"EXIF\0\0\0\0",
        b"II*\0\4\0\0\0",
        b"II*\0\x08\0\0\0\xff\xff\x0b\0\2\0\xff\xff\xff\xff\0\xff\xff\xff",
    ],
)
def test_what_cannot_be_read_has_no_label(content: bytes, tmp_path: Path) -> None:
    path = tmp_path / "a.jpg"
    path.write_bytes(content)
    assert read_label(path) == ""
    assert read_label(tmp_path) == ""
    assert read_label(tmp_path / "nowhere.bmp") == ""


def test_every_page_says_so(tmp_path: Path) -> None:
    save_pages([Photo(PICTURE), Photo(255 - PICTURE)], tmp_path / "a.tif", label="Coloured", stamp="stamp", modified=0)
    assert read_label(tmp_path / "a.tif") == "Coloured; stamp"
    with tifffile.TiffFile(tmp_path / "a.tif") as tiff:
        assert [page.tags[11].value for page in tiff.pages] == ["Coloured; stamp"] * 2
    assert (tmp_path / "a.tif").stat().st_mtime == 0
