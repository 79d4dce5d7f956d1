"""The door: what is damaged, what is of another kind, what the disk refuses, and what is our own mistake."""

from __future__ import annotations

import errno
import io
from pathlib import Path

import pytest
from PIL import Image

from deoldify.errors import PhotoError, ProgramError
from deoldify.photo import Photo, open_photo, reading, save_photo, working_on, writing
from deoldify.photo.faults import opening
from tests.photo.pictures import smooth, written


def test_a_mistake_of_ours_is_not_called_damage(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    whole = written(Image.fromarray(smooth()), "JPEG")
    photo = open_photo(whole)
    monkeypatch.setattr(reading, "read_jpeg", lambda *_: None)
    with pytest.raises(ProgramError, match="a mistake in this program, not in the photo") as caught:
        open_photo(whole)
    assert isinstance(caught.value.__cause__, AttributeError) and "damaged" not in str(caught.value)
    monkeypatch.setattr(writing, "_labelled", lambda *_: None)
    with pytest.raises(ProgramError, match=r"a\.png: a mistake in this program"):
        save_photo(photo, tmp_path / "a.png")
    assert not list(tmp_path.iterdir())


def test_what_libraries_stumble_over_is_damage(monkeypatch: pytest.MonkeyPatch) -> None:
    """The same types of errors, raised outside of this package: they fail so over files that nobody foresaw."""
    with pytest.raises(PhotoError, match="damaged"), opening("a.tif"):
        raise AttributeError("of a decoder")
    with pytest.raises(PhotoError, match="cannot be worked on"), working_on("a.tif"):
        raise KeyError("of a library")


def test_what_compiled_decoders_raise_is_damage() -> None:
    """They have no frame of their own, so that theirs seem to be ours."""
    encoded = bytearray(written(Image.fromarray(smooth()), "AVIF").getvalue())
    encoded[36:60] = bytes(24)
    with pytest.raises(PhotoError, match="damaged"):
        open_photo(io.BytesIO(encoded))


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (OSError(errno.EIO, "Input/output error"), "a.tif cannot be read: Input/output error"),
        (OSError("broken data stream"), "damaged or cut short"),
        (OSError("Unsupported BMP compression (4)"), "is of a kind that cannot be read"),
        (SyntaxError("cannot handle 2-layer images"), "is of a kind that cannot be read"),
        (ImportError("no codec"), "is of a kind that cannot be read"),
        (MemoryError(), "does not fit into the memory"),
    ],
)
def test_errors_are_told_apart(error: Exception, words: str) -> None:
    with pytest.raises(PhotoError, match=words), opening("a.tif"):
        raise error


@pytest.mark.parametrize(
    "options", [{"page": 1.5}, {"page": True}, {"max_pixels": "many"}, {"max_pixels": float("nan")}]
)
def test_a_wrong_call_is_no_damage(options: dict[str, object]) -> None:
    with pytest.raises(TypeError, match="must be a whole number"):
        open_photo(written(Image.fromarray(smooth()), "TIFF"), **options)  # type: ignore[arg-type]


def test_what_is_no_stream_of_bytes() -> None:
    with pytest.raises(TypeError, match="a stream of bytes"):
        open_photo(io.StringIO("photo"))  # type: ignore[arg-type]
    with pytest.raises(TypeError, match="path or a stream"):
        open_photo(7)  # type: ignore[arg-type]
    closed = written(Image.fromarray(smooth()), "PNG")
    closed.close()
    with pytest.raises(ValueError, match="is closed"):
        open_photo(closed)
    with pytest.raises(ValueError, match="must not be negative"):
        open_photo(written(Image.fromarray(smooth()), "TIFF"), page=-1)


@pytest.mark.parametrize(
    ("start", "kind"),
    [
        (b"8BPS\0\1", "Photoshop"), (b"\xff\x0a", "JPEG XL"), (b"%PDF-1.7", "PDF"), (b"\0\0\0\x18ftypmp42", "video"),
        (b"\xef\xbb\xbf \n<svg>", "SVG"), (b"P5\n3 3\n", "PNM"), (b"PK\3\4", "ZIP"), (b"\0\5\x16\7", "beside a file"),
        (b"\x89PNG\r\n\x1a\n\0\0\0\4CgBI\x50\0\x20\2", "iPhone"),
    ],
)  # fmt: skip
def test_other_kinds_are_named(start: bytes, kind: str) -> None:
    with pytest.raises(PhotoError, match=f"is of a kind that cannot be read .*{kind}"):
        open_photo(io.BytesIO(start + bytes(64)))


def test_a_jpeg_of_two_components_is_no_damage() -> None:
    encoded = bytearray(written(Image.fromarray(smooth()[..., 0]), "JPEG").getvalue())
    encoded[encoded.index(b"\xff\xc0") + 9] = 2
    with pytest.raises(PhotoError, match="a JPEG of 2 components"):
        open_photo(io.BytesIO(encoded))


def test_what_cannot_be_saved_is_named_with_its_file(tmp_path: Path) -> None:
    wide = Photo(smooth(1, 70_000))
    with pytest.raises(PhotoError, match=r"cannot save .*a\.jpg: a JPEG holds at most 65535"):
        writing.check_savable(wide, tmp_path / "a.jpg")
    with pytest.raises(PhotoError, match=r"a\.png: several pages need"):
        writing.check_savable(wide, tmp_path / "a.png", several=True)
