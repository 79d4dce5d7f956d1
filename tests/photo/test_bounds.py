"""Small files that claim much: each is done or refused without what it claims being made."""

from __future__ import annotations

import io
import struct
import tracemalloc
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from deoldify.errors import PhotoError
from deoldify.photo import Photo, check_savable, open_photo, save_photo
from tests.photo.pictures import smooth, written
from tests.photo.test_kinds import hand_made

PLAIN = {256: 8, 257: 8, 258: 8, 259: 1, 262: 1, 277: 1, 278: 8}


@contextmanager
def within(megabytes: float) -> Iterator[None]:
    """What Python and NumPy take at most, beyond what is held before."""
    tracemalloc.start()
    try:
        yield
        assert tracemalloc.get_traced_memory()[1] < megabytes * 1e6
    finally:
        tracemalloc.stop()


def png(*chunks: tuple[bytes, bytes], size: tuple[int, int] = (64, 64)) -> io.BytesIO:
    width, height = size
    rows = zlib.compress(bytes((width + 1) * height), 9)
    header = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    parts = ((b"IHDR", header), *chunks, (b"IDAT", rows), (b"IEND", b""))
    packed = (struct.pack(">I", len(d)) + k + d + struct.pack(">I", zlib.crc32(k + d)) for k, d in parts)
    return io.BytesIO(b"\x89PNG\r\n\x1a\n" + b"".join(packed))


def directory(count: int, kind: int, values: int, value: int, tail: bytes = b"") -> bytes:
    """An EXIF block of many tags that are all alike."""
    entries = b"".join(struct.pack("<HHII", tag, kind, values, value) for tag in range(1000, 1000 + count))
    return b"II*\0" + struct.pack("<IH", 8, count) + entries + bytes(4) + tail


def test_directories_in_a_loop_are_counted_once() -> None:
    whole = hand_made(PLAIN, bytes(64))
    (first,) = struct.unpack_from("<I", whole, 4)
    (count,) = struct.unpack_from("<H", whole, first)
    looped = bytearray(whole)
    struct.pack_into("<I", looped, first + 2 + 12 * count, first)
    assert open_photo(io.BytesIO(looped)).pages == 1


def test_half_a_million_directories() -> None:
    whole = bytearray(hand_made(PLAIN, bytes(64)))
    (first,) = struct.unpack_from("<I", whole, 4)
    (count,) = struct.unpack_from("<H", whole, first)
    start = len(whole)
    struct.pack_into("<I", whole, first + 2 + 12 * count, start)
    chain = b"".join(struct.pack("<HI", 0, start + 6 * (index + 1)) for index in range(500_000))
    with within(60):
        assert 1 < open_photo(io.BytesIO(bytes(whole) + chain)).pages <= 10_000


def test_values_that_tags_share_are_taken_once(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    shared = 1 << 20
    block = directory(2000, 7, shared, 8 + 2 + 2000 * 12 + 4, bytes(shared))
    with within(30):
        photo = open_photo(png((b"eXIf", block)))
        save_photo(photo, tmp_path / "a.jpg", label="Coloured")
    assert len([record for record in caplog.records if "left out" in record.getMessage()]) == 2  # reading, writing


@pytest.mark.parametrize("count", [10_000, 20_000])
def test_many_tags_cost_seconds_and_one_warning(tmp_path: Path, count: int, caplog: pytest.LogCaptureFixture) -> None:
    photo = open_photo(png((b"eXIf", directory(count, 4, 1, 7))))
    save_photo(photo, tmp_path / "a.jpg", label="Coloured")
    assert len(caplog.records) == 1 and "a.jpg: " in caplog.records[0].getMessage()
    with Image.open(tmp_path / "a.jpg") as image:
        assert image.getexif()[11] == "Coloured" and image.getexif()[1000] == 7


@pytest.mark.parametrize(
    "chunk",
    [
        (b"iTXt", b"XML:com.adobe.xmp\0\1\0\0\0" + zlib.compress(bytes(100_000_000), 9)),
        (b"iCCP", b"x\0\0" + zlib.compress(bytes(100_000_000), 9)),
        (b"zTXt", b"Raw profile type exif\0\0" + zlib.compress(bytes(100_000_000), 9)),
    ],
)
def test_descriptions_that_inflate_are_left_out(chunk: tuple[bytes, bytes]) -> None:
    with within(80):
        photo = open_photo(png(chunk))
    assert photo.xmp is None and photo.icc_profile is None and photo.exif is None


@pytest.mark.parametrize(
    "tags",
    [
        {256: 5000, 257: 5000, 277: 64, 278: 5000, 259: 8},
        {256: 10_000, 257: 10_000, 277: 60_000, 278: 10_000, 259: 8},
        {256: 8000, 257: 8000, 258: (64,) * 3, 277: 3, 262: 2, 339: (3,) * 3, 278: 8000, 259: 8},
        {322: 1 << 20, 323: 1 << 20, 324: 8, 325: 64},
        {256: 100_000, 257: 100_000, 278: 100_000, 259: 8},
    ],
)
def test_samples_are_counted_before_they_are_made(tags: dict[int, int]) -> None:
    with within(5), pytest.raises(PhotoError, match=r"too many|megapixels"):
        open_photo(io.BytesIO(hand_made(PLAIN | tags, zlib.compress(bytes(1000)))))


def test_a_progressive_jpeg_of_endless_scans_is_refused() -> None:
    encoded = written(Image.fromarray(smooth()), "JPEG", progressive=True).getvalue()
    last = encoded.rindex(b"\xff\xda")
    with pytest.raises(PhotoError, match="more than 100 scans"):
        open_photo(io.BytesIO(encoded[:-2] + encoded[last:-2] * 200 + b"\xff\xd9"))


@pytest.mark.parametrize("size", [(1_000_001, 1), (1, 1_000_001)])
def test_sides_of_more_than_a_million_pixels_come_back(tmp_path: Path, size: tuple[int, int]) -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (size[1], size[0], 3), np.uint8)
    save_photo(Photo(pixels), tmp_path / "a.png")
    assert np.array_equal(open_photo(tmp_path / "a.png").pixels, pixels)
    with Image.open(tmp_path / "a.png") as image:
        assert np.array_equal(np.asarray(image), pixels)
    deep = pixels.astype(np.uint16) * 257
    save_photo(Photo(deep), tmp_path / "b.png")
    with Image.open(tmp_path / "b.png") as image:  # which reduces 16 bits to eight
        assert np.array_equal(np.asarray(image), pixels)


def test_what_cannot_be_saved_is_said_before_the_work(tmp_path: Path) -> None:
    wide = Photo(np.zeros((1, 70_000, 3), np.uint8))
    check_savable(wide, tmp_path / "a.png")
    with pytest.raises(PhotoError, match="a JPEG holds at most 65535 pixels a side"):
        check_savable(wide, tmp_path / "a.jpg")


def test_a_resolution_that_is_none_is_dropped(tmp_path: Path) -> None:
    tags = {282: (4_000_000_000,), 283: (4_000_000_000,), 296: 2}
    photo = open_photo(io.BytesIO(hand_made(PLAIN | tags, bytes(64))))
    assert photo.dpi is None
    for suffix in (".png", ".jpg", ".tif", ".webp", ".bmp"):
        save_photo(photo, tmp_path / f"a{suffix}")
