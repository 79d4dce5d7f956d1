"""Files made to cost much: each is done or refused within memory, and in time that grows no faster than the file."""

from __future__ import annotations

import io
import struct
import subprocess
import sys
import time
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import imagecodecs
import numpy as np
import pytest
import tifffile
from PIL import Image

from deoldify.errors import PhotoError
from deoldify.photo import Photo, open_photo, pixels_in, save_photo, xmp
from tests.photo.pictures import smooth, written
from tests.photo.test_bounds import PLAIN, png, within
from tests.photo.test_kinds import hand_made

RDF = b'xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#"'


@contextmanager
def in_time(seconds: float = 60.0) -> Iterator[None]:
    """Of the processor; generous, for what is quadratic takes many times that."""
    start = time.process_time()
    yield
    assert time.process_time() - start < seconds


def jpeg(*segments: tuple[int, bytes]) -> io.BytesIO:
    plain = written(Image.fromarray(smooth()), "JPEG").getvalue()
    parts = (b"\xff" + bytes((marker,)) + struct.pack(">H", len(data) + 2) + data for marker, data in segments)
    return io.BytesIO(plain[:2] + b"".join(parts) + plain[2:])


def in_blocks(data: bytes, size: int = 255) -> bytes:
    """As a GIF keeps data."""
    pieces = (data[at : at + size] for at in range(0, len(data), size))
    return b"".join(bytes((len(piece),)) + piece for piece in pieces) + b"\0"


def bmp(width: int, height: int, bits: int, packing: int, data: bytes) -> io.BytesIO:
    palette = bytes(4 << bits) if bits <= 8 else b""
    head = struct.pack("<IiiHHIIiiII", 40, width, height, 1, bits, packing, len(data), 0, 0, 0, 0)
    return io.BytesIO(b"BM" + struct.pack("<IHHI", 0, 0, 0, 54 + len(palette)) + head + palette + data)


# XMP


def test_names_are_looked_up_and_not_searched_for(tmp_path: Path) -> None:
    many = b" ".join(b'a:x%d=""' % number for number in range(20_000))
    declared = b" ".join(b'xmlns:a%d="u"' % number for number in range(20_000))
    for inside in (
        b"<rdf:Description " + many + b"/>",
        b"<rdf:Description " + declared + b">" + b"<a1:b/>" * 20_000 + b"</rdf:Description>",
    ):
        packet = b"<rdf:RDF " + RDF + b">" + inside + b"</rdf:RDF>"
        with in_time():
            photo = Photo(smooth(), xmp=xmp.cleaned(packet))
            assert photo.xmp is not None
            save_photo(photo, tmp_path / "a.jpg", label="Coloured")


def test_declarations_are_not_multiplied_without_bound() -> None:
    declared = b" ".join(b'xmlns:a%d="u"' % number for number in range(3000))
    extended = b"<rdf:RDF " + RDF + b" " + declared + b">" + b"<rdf:Description/>" * 5_000 + b"</rdf:RDF>"
    standard = (
        b"<rdf:RDF "
        + RDF
        + b'><rdf:Description xmlns:xmpNote="http://ns.adobe.com/xmp/note/" '
        + b'xmpNote:HasExtendedXMP="A"/></rdf:RDF>'
    )
    with within(60):
        joined = xmp.joined(standard, {b"A": extended})
    assert joined is not None and len(joined) < len(standard) + len(extended)


def test_a_converted_packet_does_not_name_its_old_encoding() -> None:
    text = '<?xml version="1.0" encoding="UTF-16"?><rdf:RDF ' + RDF.decode() + "/>"
    found = xmp.cleaned(text.encode("utf-16"))
    assert found is not None and b"UTF-16" not in found and found.startswith(b"<rdf:RDF")


# JPEG


@pytest.mark.parametrize("filling", [b"\0", b"\xff"])
def test_what_stands_between_segments_is_passed_over_only_so_far(filling: bytes) -> None:
    plain = jpeg((0xFE, b"attic")).getvalue()
    assert open_photo(io.BytesIO(plain[:11] + filling * 1000 + plain[11:])).comment == b"attic"
    with in_time(), pytest.raises(PhotoError, match="damaged"):
        open_photo(io.BytesIO(plain[:11] + filling * 10_000_000 + plain[11:]))


def test_metadata_in_many_segments_is_put_together_once() -> None:
    stream = jpeg(*[(0xE1, b"Exif\0\0" + bytes(65_000))] * 400, *[(0xED, b"Photoshop 3.0\0" + bytes(65_000))] * 400)
    with in_time(30):
        open_photo(stream)


def test_scans_count_by_what_they_pass_over() -> None:
    encoded = bytearray(written(Image.fromarray(smooth()[..., 0]), "JPEG", progressive=True).getvalue())
    last = encoded.rindex(b"\xff\xda")
    many = bytearray(encoded[:-2] + encoded[last:-2] * 40 + b"\xff\xd9")
    open_photo(io.BytesIO(many))
    at = many.index(b"\xff\xc2")
    struct.pack_into(">HH", many, at + 5, 15_000, 15_000)
    with pytest.raises(PhotoError, match="scans"):
        open_photo(io.BytesIO(many))


def test_a_jpeg_without_loss_that_ends_early_has_an_end() -> None:
    """In a process of its own: the decoder has been seen to go on for ever behind the last byte."""
    encoded = bytes(imagecodecs.jpegls_encode(smooth()))
    at = encoded.index(b"\xff\xda") + 14
    code = (
        "import sys, io; from deoldify.photo import open_photo; from deoldify.errors import PhotoError\n"
        "data = sys.stdin.buffer.read()\n"
        f"for end in range({at}, {at} + 60, 3):\n"
        "    try: open_photo(io.BytesIO(data[:end]))\n"
        "    except PhotoError as error: print('damaged' in str(error))\n"
    )
    command = [sys.executable, "-c", code]
    done = subprocess.run(command, input=encoded, capture_output=True, timeout=300, check=True)
    assert done.stdout.split() == [b"True"] * 20


# PNG


@pytest.mark.parametrize("kind", [b"iTXt", b"zTXt", b"iCCP"])
def test_descriptions_inflate_within_one_bound_together(kind: bytes) -> None:
    head = {
        b"iTXt": b"XML:com.adobe.xmp\0\1\0\0\0", b"zTXt": b"Raw profile type exif\0\0", b"iCCP": b"x\0\0",
    }[kind]  # fmt: skip
    packed = zlib.compress(bytes(34_000_000), 9)
    with in_time(), within(160):
        open_photo(png(*[(kind, head + packed)] * 30))


def test_a_png_has_one_header() -> None:
    with pytest.raises(PhotoError, match="damaged"):
        open_photo(png((b"IHDR", struct.pack(">IIBBBBB", 60_000, 60_000, 8, 0, 0, 0, 0))))


def test_a_row_or_column_has_its_bound() -> None:
    for size in ((100_000_000, 1), (1, 100_000_000)):
        with within(5), pytest.raises(PhotoError, match="at most 10,000,000 a side"):
            open_photo(_announcing(*size))


def _announcing(width: int, height: int) -> io.BytesIO:
    whole = bytearray(png().getvalue())
    struct.pack_into(">II", whole, 16, width, height)
    whole[29:33] = struct.pack(">I", zlib.crc32(whole[12:29]))
    return io.BytesIO(bytes(whole))


# GIF


def test_comments_of_a_gif_are_joined_once_and_frames_counted_with_a_bound(tmp_path: Path) -> None:
    plain = written(Image.fromarray(smooth()).quantize(16), "GIF", comment=b"attic").getvalue()
    start = 13 + (3 << ((plain[10] & 7) + 1))
    path = tmp_path / "a.gif"
    path.write_bytes(plain[:start] + b"!\xfe" + in_blocks(b"x" * 2_000_000) + plain[start:])
    with in_time():
        photo = open_photo(path)
        assert pixels_in(path) == photo.width * photo.height
    assert photo.comment == b"x" * 2_000_000 + b"\nattic" and photo.pages == 1
    endless = plain[:start] + b"!\xfe" + b"\1x" * 3_100_000 + b"\0" + plain[start:]
    with in_time(), pytest.raises(PhotoError, match="damaged"):
        open_photo(io.BytesIO(endless))


def test_a_gif_of_a_small_picture_on_a_giant_screen_is_the_picture(caplog: pytest.LogCaptureFixture) -> None:
    picture = Image.fromarray(np.arange(12, dtype=np.uint8).reshape(3, 4) * 20)
    data = bytearray(written(picture, "GIF").getvalue())
    data[6:10] = b"\xff" * 4
    at = data.index(b",\0\0\0\0\4\0\3\0")
    data[at + 1 : at + 5] = b"\x10\x27\x20\x4e"  # far to the right and below
    photo = open_photo(io.BytesIO(data))
    assert np.array_equal(photo.pixels[..., 0], np.asarray(picture)) and photo.alpha is None
    assert "screen of 65535 × 65535 pixels" in caplog.text


def test_a_gif_keeps_its_xmp_and_profile(tmp_path: Path) -> None:
    plain = written(Image.fromarray(smooth()).quantize(16), "GIF").getvalue()
    start = 13 + (3 << ((plain[10] & 7) + 1))
    packet = b"<rdf:RDF " + RDF + b"><rdf:Description rdf:about='attic'/></rdf:RDF>"
    trailer = b"\1" + bytes(range(255, -1, -1)) + b"\0"
    extension = b"!\xff\x0bXMP DataXMP" + packet + trailer
    photo = open_photo(io.BytesIO(plain[:start] + extension + plain[start:]))
    assert photo.xmp == packet
    assert np.array_equal(photo.pixels, open_photo(io.BytesIO(plain)).pixels)


# BMP


def test_runs_of_a_bmp_are_bounded() -> None:
    with within(20), pytest.raises(PhotoError, match="packed by runs"):
        open_photo(bmp(200_000_000, 1, 8, 1, b"\0\2\0\xff\0\1"))  # goes up by 255 rows of 200 million pixels
    with within(20), pytest.raises(PhotoError, match="packed by runs"):
        open_photo(bmp(17_000, 17_000, 4, 2, b"\xff\1\0\1"))
    assert open_photo(bmp(64, 2, 8, 1, b"\x40\1\0\0\x40\2\0\1")).pixels.shape == (2, 64, 3)
    with pytest.raises(PhotoError, match="kind that cannot be read"):
        open_photo(bmp(64, 64, 24, 4, written(Image.fromarray(smooth()), "JPEG").getvalue()))


# TIFF


def test_strips_that_share_their_bytes_are_not_read_again_and_again() -> None:
    count = 100_000
    tags = {256: 8, 257: count, 278: 1, 273: (8,) * count, 279: (1 << 20,) * count}
    with in_time(), pytest.raises(PhotoError, match="lie on top of each other"):
        open_photo(io.BytesIO(hand_made(PLAIN | tags, bytes(1 << 20))))


def test_tiles_reach_beyond_their_page_only_so_far() -> None:
    count = 62_500
    tags = {256: 16, 257: 16 * count, 322: 16_384, 323: 16, 324: (8,) * count, 325: (64,) * count, 259: 8}
    with within(60), pytest.raises(PhotoError, match="its tiles are 16384 × 16"):
        open_photo(io.BytesIO(hand_made(PLAIN | tags, zlib.compress(bytes(16_384 * 16)))))


@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize("big", [False, True])
def test_a_photo_among_the_reduced_ones_of_a_reduced_one(order: str, big: bool) -> None:
    stream, whole = io.BytesIO(), smooth()
    with tifffile.TiffWriter(stream, bigtiff=big, byteorder=order) as writer:  # type: ignore[arg-type]
        writer.write(whole[::8, ::8], photometric="rgb", subfiletype=1, subifds=2)
        writer.write(whole[::4, ::4], photometric="rgb", subfiletype=1)
        writer.write(whole, photometric="rgb", tile=(16, 16))
    photo = open_photo(stream)
    assert photo.pages == 1 and np.array_equal(photo.pixels, whole)


# JPEG 2000


def test_a_palette_of_many_channels_is_refused_before_it_is_applied() -> None:
    plain = bytes(imagecodecs.jpeg2k_encode(smooth()[..., 0].copy(), codecformat="jp2", reversible=True))
    at = plain.index(b"jp2h") - 4
    (length,) = struct.unpack_from(">I", plain, at)

    def with_palette(channels: int) -> io.BytesIO:
        values = struct.pack(">HB", 256, channels) + b"\7" * channels
        values += b"".join(bytes((number,)) * channels for number in range(256))
        mapped = b"".join(struct.pack(">HBB", 0, 1, channel) for channel in range(channels))
        boxes = (
            plain[at + 8 : at + length],
            *(_box(kind, data) for kind, data in ((b"pclr", values), (b"cmap", mapped))),
        )
        return io.BytesIO(plain[:at] + _box(b"jp2h", b"".join(boxes)) + plain[at + length :])

    assert np.array_equal(open_photo(with_palette(3)).pixels, np.dstack([smooth()[..., 0]] * 3))
    with pytest.raises(PhotoError, match="a palette of 255 channels"):
        open_photo(with_palette(255))


def _box(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I4s", len(data) + 8, kind) + data
