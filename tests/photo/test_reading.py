"""What is no photograph, damaged, or too large is refused in a line."""

from __future__ import annotations

import io
import struct
import zlib
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from deoldify.errors import PhotoError
from deoldify.photo import jpeg, open_photo, png, reading, tiff
from tests.photo.pictures import noise, ramp, smooth, written


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "GIF", "BMP", "WEBP", "TIFF", "palette TIFF", "16-bit PNG"])
def test_bombs_are_refused_before_decoding(monkeypatch: pytest.MonkeyPatch, kind: str) -> None:
    image = Image.fromarray(ramp() if kind.startswith("16") else smooth())
    if kind.startswith("palette"):
        image = image.quantize(8)
    stream = written(image, kind.split()[-1])

    def never(*_: object, **__: object) -> None:
        raise AssertionError("decoded")

    for module in (reading, png, jpeg):
        monkeypatch.setattr(module, "samples_of", never)
    monkeypatch.setattr(tiff, "read_samples", never)
    monkeypatch.setattr(png, "_decode_16_bits", never)
    with pytest.raises(PhotoError, match=r"megapixels; at most 0\.001 are allowed"):
        open_photo(stream, max_pixels=1000)


def test_a_claim_of_a_billion_pixels_costs_nothing() -> None:
    header = struct.pack(">IIBBBBB", 1_000_000, 1_000_000, 8, 2, 0, 0, 0)
    stream = io.BytesIO(
        b"\x89PNG\r\n\x1a\n" + struct.pack(">I", 13) + b"IHDR" + header
        + struct.pack(">I", zlib.crc32(b"IHDR" + header))
        + struct.pack(">I", 0) + b"IDAT" + struct.pack(">I", zlib.crc32(b"IDAT"))
    )  # fmt: skip
    with pytest.raises(PhotoError, match="1000000 × 1000000 = 1000000 megapixels"):
        open_photo(stream)


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "GIF", "BMP", "WEBP", "TIFF", "LZW TIFF", "fax TIFF", "16-bit PNG"])
@pytest.mark.parametrize("share", [0.02, 0.5, 0.9])
def test_truncated_files_are_refused_in_one_line(tmp_path: Path, kind: str, share: float) -> None:
    image = Image.fromarray(noise(64, 64, 1, np.uint16) if kind.startswith("16") else noise(64, 64))
    options = {"LZW TIFF": {"compression": "tiff_lzw"}, "fax TIFF": {"compression": "group4"}}.get(kind, {})
    if kind == "fax TIFF":
        image = image.convert("1")
    whole = written(image, kind.split()[-1], **options).getvalue()
    path = tmp_path / "cut.img"
    path.write_bytes(whole[: max(8, int(len(whole) * share))])
    with pytest.raises(PhotoError, match=r"^.*cut\.img is not a photograph that can be read: .*$") as caught:
        open_photo(path)
    assert "\n" not in str(caught.value)


def test_what_is_no_photograph(tmp_path: Path) -> None:
    (tmp_path / "notes.jpg").write_text("Dear diary")
    (tmp_path / "empty.png").touch()
    (tmp_path / "paper.tif").write_bytes(b"%PDF-1.7\n")
    for name, words in {
        "notes.jpg": r"notes\.jpg is not a photograph that can be read",
        "paper.tif": r"paper\.tif is of a kind that cannot be read \(PDF\)",
        "empty.png": r"empty\.png is empty",
        "missing.png": r"missing\.png does not exist",
        ".": "is a folder",
    }.items():
        with pytest.raises(PhotoError, match=words):
            open_photo(tmp_path / name)
    with pytest.raises(PhotoError, match="the uploaded file is not a photograph"):
        open_photo(io.BytesIO(b"Dear diary"))


def test_heic_without_its_library_says_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "pillow_heif", None)
    with pytest.raises(PhotoError, match="pillow-heif is missing: pip install"):
        open_photo(io.BytesIO(b"\0\0\0\x18ftypheic" + bytes(20)))


def test_a_stream_that_cannot_seek(tmp_path: Path) -> None:
    class Pipe(io.BytesIO):
        def seekable(self) -> bool:
            return False

        def seek(self, *_: int) -> int:
            raise io.UnsupportedOperation("seek")

    pixels = noise(8, 8)
    assert np.array_equal(open_photo(Pipe(written(Image.fromarray(pixels), "PNG").getvalue())).pixels, pixels)
    stream = written(Image.fromarray(pixels), "TIFF")
    open_photo(stream)
    assert not stream.closed
