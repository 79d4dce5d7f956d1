"""Kinds that archives have: read at their own depth, refused by name where they cannot be, and told from damage."""

from __future__ import annotations

import contextlib
import io
import struct
from pathlib import Path
from typing import Any

import imagecodecs
import numpy as np
import pytest
import tifffile
from PIL import Image

from deoldify.errors import PhotoError
from deoldify.photo import open_photo, save_photo
from tests.photo.pictures import Array, noise, smooth, written


def neutral(height: int = 40, width: int = 60) -> Array:
    """Grey, smooth, (H, W) uint8."""
    y, x = np.mgrid[0:height, 0:width]
    grey: Array = (60 + 2 * y + 60 * np.sin(x / 9)).clip(0, 255).astype(np.uint8)
    return grey


def lab_of(grey: Array, depth: int, *, icc: bool) -> Array:
    """CIELAB of grey as a TIFF stores it, by the definition of L*."""
    share = grey / 255
    linear = np.where(share <= 0.04045, share / 12.92, ((share + 0.055) / 1.055) ** 2.4)
    lightness = np.where(linear > (6 / 29) ** 3, 116 * np.cbrt(linear) - 16, linear * (29 / 3) ** 3)
    top = 65280 if icc and depth == 16 else (1 << depth) - 1
    middle = (1 << (depth - 1)) if icc else 0
    values = np.dstack([lightness / 100 * top, np.full_like(lightness, middle), np.full_like(lightness, middle)])
    stored: Array = np.rint(values).astype(np.uint8 if depth == 8 else np.uint16)
    return stored


@pytest.mark.parametrize("alpha", [False, True])
@pytest.mark.parametrize(("photometric", "icc"), [(8, False), (9, True)])
@pytest.mark.parametrize("depth", [8, 16])
@pytest.mark.parametrize("compression", [None, "zlib", "lzw"])
def test_cielab(tmp_path: Path, depth: int, photometric: int, icc: bool, alpha: bool, compression: str | None) -> None:
    grey = neutral()
    values = lab_of(grey, depth, icc=icc)
    cover = noise(40, 60, 1, values.dtype.type)
    options: dict[str, Any] = {}
    if alpha:
        values, options["extrasamples"] = np.dstack((values, cover)), ("unassalpha",)
    tifffile.imwrite(tmp_path / "a.tif", values, photometric=photometric, compression=compression, **options)
    photo = open_photo(tmp_path / "a.tif")
    assert photo.bits == depth and photo.is_grey
    expected = grey.astype(float) * (257 if depth == 16 else 1)
    # Eight bits of L* are coarser than eight bits of sRGB where that is dark.
    assert np.abs(photo.pixels[..., 1] - expected).max() <= (8 if depth == 16 else 2)
    assert (photo.alpha is not None) == alpha
    assert photo.alpha is None or np.array_equal(photo.alpha, cover)


def test_cielab_has_its_colours_under_d50(tmp_path: Path) -> None:
    """sRGB's primaries under D50, as ICC profiles of sRGB give them."""
    primaries = {(255, 0, 0): (54.29, 80.80, 69.89), (0, 255, 0): (87.82, -79.27, 80.99),
                 (0, 0, 255): (29.57, 68.29, -112.03)}  # fmt: skip
    for rgb, lab in primaries.items():
        values = np.array([[[lab[0] / 100 * 65535, lab[1] * 256, lab[2] * 256]]]).round().astype(np.int32)
        tifffile.imwrite(tmp_path / "a.tif", values.astype(np.uint16), photometric="cielab")
        found = open_photo(tmp_path / "a.tif").pixels[0, 0] / 257
        assert np.abs(found - rgb).max() < 3


@pytest.mark.parametrize("subsampling", [(1, 1), (2, 1), (2, 2), (4, 2)])
@pytest.mark.parametrize("compression", [1, 5, 8, 32773])
def test_ycbcr_without_jpeg(tmp_path: Path, subsampling: tuple[int, int], compression: int) -> None:
    grey = neutral(41, 61)
    across, down = subsampling
    packed = pack_ycbcr(grey, across, down)
    encoders: dict[int, Any] = {
        1: bytes, 5: imagecodecs.lzw_encode, 8: imagecodecs.zlib_encode, 32773: imagecodecs.packbits_encode
    }  # fmt: skip
    (tmp_path / "a.tif").write_bytes(
        hand_made({256: 61, 257: 41, 258: (8, 8, 8), 259: compression, 262: 6, 277: 3, 278: 41, 530: (across, down)},
                  encoders[compression](packed))
    )  # fmt: skip
    photo = open_photo(tmp_path / "a.tif")
    assert all(np.array_equal(photo.pixels[..., channel], grey) for channel in range(3))


def pack_ycbcr(grey: Array, across: int, down: int) -> bytes:
    """Blocks of luma, row by row, each followed by neutral chroma: the naive way."""
    height, width = grey.shape
    padded = np.pad(grey, ((0, -height % down), (0, -width % across)), mode="edge")
    return b"".join(
        padded[top : top + down, left : left + across].tobytes() + b"\x80\x80"
        for top in range(0, height, down)
        for left in range(0, width, across)
    )


def hand_made(tags: dict[int, Any], data: bytes, **more: Any) -> bytes:
    """A little-endian TIFF of one strip behind its header."""
    data += bytes(len(data) % 2)
    tags = {273: 8, 279: len(data), **tags}
    entries, extra, at = b"", b"", 8 + len(data)
    behind = at + 2 + 12 * len(tags) + 4
    for tag in sorted(tags):
        values = tags[tag] if isinstance(tags[tag], tuple) else (tags[tag],)
        kind, code = (3, "H") if max(values) < 65536 else (4, "I")
        body = struct.pack(f"<{len(values)}{code}", *values)
        if len(body) > 4:
            body, extra = struct.pack("<I", behind + len(extra)), extra + body
        entries += struct.pack("<HHI", tag, kind, len(values)) + body.ljust(4, b"\0")
    return b"II*\0" + struct.pack("<I", at) + data + struct.pack("<H", len(tags)) + entries + bytes(4) + extra


@pytest.mark.parametrize("channels", [1, 3])
def test_jpeg_of_12_bits(channels: int) -> None:
    values = np.dstack([neutral()] * 3).astype(np.uint16) * 16 if channels == 3 else neutral().astype(np.uint16) * 16
    encoded = imagecodecs.jpeg8_encode(values, level=98, bitspersample=12)
    photo = open_photo(io.BytesIO(encoded))
    assert photo.bits == 16 and np.abs(photo.pixels[..., 1] / 257 - neutral()).max() < 2


@pytest.mark.parametrize("values", [smooth(), neutral(), noise(20, 30, 1, np.uint16)], ids=["rgb", "grey", "16 bits"])
def test_jpeg_ls_and_lossless_jpeg_and_jpeg_2000(values: Array) -> None:
    expected = values if values.ndim == 3 else np.dstack([values] * 3)
    for encoded in (
        imagecodecs.jpegls_encode(values),
        imagecodecs.jpeg8_encode(values, lossless=True, bitspersample=8 * values.dtype.itemsize),
        imagecodecs.jpeg2k_encode(values, codecformat="jp2", reversible=True),
        imagecodecs.jpeg2k_encode(values, codecformat="j2k", reversible=True),
    ):
        photo = open_photo(io.BytesIO(encoded))
        assert np.array_equal(photo.pixels, expected) and photo.bits == 8 * values.dtype.itemsize


@pytest.mark.parametrize("brand", [b"mif1", b"miaf", b"msf1", b"avif"])
def test_avif_of_any_major_brand(brand: bytes) -> None:
    encoded = written(Image.fromarray(smooth()), "AVIF", quality=90).getvalue()
    photo = open_photo(io.BytesIO(encoded[:8] + brand + encoded[12:]))
    assert photo.format == "AVIF" and np.abs(photo.pixels.astype(int) - smooth()).mean() < 4


@pytest.mark.parametrize("kind", [11, 2, 12])
def test_avif_with_exif_of_odd_types_is_turned_and_keeps_it(tmp_path: Path, kind: int) -> None:
    exif = Image.Exif()
    exif[274], exif[306] = 6, "abc"
    encoded = written(Image.fromarray(smooth()), "AVIF", exif=exif).getvalue()
    for order in "<>":
        encoded = encoded.replace(struct.pack(order + "HHI", 306, 2, 4), struct.pack(order + "HHI", 306, kind, 1))
    photo = open_photo(io.BytesIO(encoded))
    assert (photo.height, photo.width) == (64, 48)
    save_photo(photo, tmp_path / "a.jpg")
    with Image.open(tmp_path / "a.jpg") as image:
        assert image.getexif().get(274, 1) == 1


def test_heif_of_any_brand() -> None:
    heif = pytest.importorskip("pillow_heif")
    stream = io.BytesIO()
    heif.from_pillow(Image.fromarray(smooth())).save(stream, quality=95)
    for brand in (b"heic", b"mif1", b"heix", b"miaf"):
        encoded = stream.getvalue()
        photo = open_photo(io.BytesIO(encoded[:8] + brand + encoded[12:]))
        assert photo.format == "HEIF" and np.abs(photo.pixels.astype(int) - smooth()).mean() < 4


# JPEG without its end


@pytest.mark.parametrize("progressive", [False, True])
@pytest.mark.parametrize("mode", ["L", "RGB"])
def test_a_jpeg_without_its_end_marker_is_read_and_that_is_said(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, mode: str, progressive: bool
) -> None:
    encoded = written(Image.fromarray(smooth()).convert(mode), "JPEG", quality=92, progressive=progressive).getvalue()
    (tmp_path / "old.jpg").write_bytes(encoded[:-2])
    photo = open_photo(tmp_path / "old.jpg")
    assert np.array_equal(photo.pixels, open_photo(io.BytesIO(encoded)).pixels)
    assert len(caplog.records) == 1 and "old.jpg: its end marker is missing" in caplog.records[0].getMessage()


@pytest.mark.parametrize("progressive", [False, True])
def test_a_jpeg_whose_pixels_are_missing_is_damaged(progressive: bool) -> None:
    encoded = written(Image.fromarray(smooth()), "JPEG", quality=92, progressive=progressive).getvalue()
    start = encoded.index(b"\xff\xda")
    for cut in range(start + 20, len(encoded) - 4, 37):
        with pytest.raises(PhotoError, match="damaged or cut short"):
            open_photo(io.BytesIO(encoded[:cut]))


def test_what_follows_the_picture_does_not_matter(caplog: pytest.LogCaptureFixture) -> None:
    encoded = written(Image.fromarray(smooth()), "JPEG", quality=92).getvalue()
    whole = open_photo(io.BytesIO(encoded)).pixels
    for trailer in (b"\0\0\0\x18ftypmp42" + bytes(500), encoded + b"x", b"\xff"):
        assert np.array_equal(open_photo(io.BytesIO(encoded + trailer)).pixels, whole)
    assert not caplog.records


# By name


@pytest.mark.parametrize(
    ("tags", "words"),
    [
        ({259: 48124}, r"is of a kind that cannot be read \(a TIFF with compression 48124\)"),
        ({262: 32803}, "a camera's colour filter"),
        ({262: 9, 277: 3, 258: (32, 32, 32)}, "is of a kind that cannot be read"),
        ({258: (8, 16, 8), 277: 3, 262: 2}, "samples are of several kinds"),
        ({256: 0}, "0 × 8 pixels"),
        ({322: 0, 323: 16, 324: 8, 325: 64}, "damaged or cut short .*tiles are 0 × 16"),
        ({277: 60_000}, "damaged or cut short|too many"),
        ({257: 10_000_000, 278: 1}, "damaged or cut short .*strips or tiles are missing"),
    ],
)
def test_tiffs_that_cannot_be_read_say_why(tags: dict[int, Any], words: str) -> None:
    plain = {256: 8, 257: 8, 258: 8, 259: 1, 262: 1, 277: 1, 278: 8}
    open_photo(io.BytesIO(hand_made(plain, bytes(64))))
    with pytest.raises(PhotoError, match=words):
        open_photo(io.BytesIO(hand_made(plain | tags, bytes(64))))


def test_a_number_of_the_wrong_type_is_damage() -> None:
    infinite = struct.pack("<HHIf", 257, 11, 1, float("inf"))
    encoded = hand_made({256: 8, 257: 8, 258: 8, 259: 1, 262: 1, 277: 1, 278: 8}, bytes(64))
    at = encoded.index(struct.pack("<HHI", 257, 3, 1))
    with pytest.raises(PhotoError, match="damaged or cut short"):
        open_photo(io.BytesIO(encoded[:at] + infinite + encoded[at + 12 :]))


@pytest.mark.parametrize("kind", ["cielab", "zlib", "lzw"])
def test_damaged_data_is_damage(tmp_path: Path, kind: str) -> None:
    values = lab_of(neutral(), 8, icc=False) if kind == "cielab" else smooth()
    photometric = "cielab" if kind == "cielab" else "rgb"
    tifffile.imwrite(
        tmp_path / "a.tif", values, photometric=photometric, compression="lzw" if kind == "lzw" else "zlib"
    )
    data = bytearray((tmp_path / "a.tif").read_bytes())
    with tifffile.TiffFile(tmp_path / "a.tif") as tiff:
        at = tiff.pages.first.dataoffsets[0]
    data[at + 3 : at + 40] = b"\xff" * 37
    (tmp_path / "a.tif").write_bytes(data)
    with pytest.raises(PhotoError, match=r"a\.tif is not a photograph that can be read: damaged"):
        open_photo(tmp_path / "a.tif")


def test_further_pictures_of_one_file_are_counted(tmp_path: Path) -> None:
    image = Image.fromarray(smooth())
    photo = open_photo(written(image, "MPO", save_all=True, append_images=[image.rotate(180), image]))
    assert (photo.format, photo.pages, photo.animated) == ("MPO", 3, False)


@pytest.mark.parametrize("mode", ["RGB", "RGBA"])
@pytest.mark.parametrize("lossless", [False, True])
def test_a_still_webp_is_what_pillow_makes_of_it(mode: str, lossless: bool) -> None:
    image = Image.fromarray(smooth()).convert("RGB")
    if mode == "RGBA":
        image.putalpha(Image.fromarray(noise(48, 64, 1)))
    stream = written(image, "WEBP", lossless=lossless, exact=True)
    photo = open_photo(stream)
    with Image.open(stream) as expected:
        assert np.array_equal(np.asarray(photo.to_image()), np.asarray(expected))


@pytest.mark.parametrize("compression", ["jpeg", "group4", "tiff_adobe_deflate"])
def test_what_libtiff_says_of_damage_stays_inside(compression: str, capfd: pytest.CaptureFixture[str]) -> None:
    image = Image.fromarray(smooth()).quantize(16) if "deflate" in compression else Image.fromarray(smooth())
    image = image.convert("1") if compression == "group4" else image
    encoded = bytearray(written(image, "TIFF", compression=compression).getvalue())
    with Image.open(io.BytesIO(encoded)) as tiff:
        (at,) = tiff.tag_v2[273]  # type: ignore[attr-defined]
    encoded[at : at + 40] = b"\x13" * 40
    with contextlib.suppress(PhotoError):
        open_photo(io.BytesIO(encoded))
    assert capfd.readouterr() == ("", "")


def test_a_tag_of_raw_files_does_not_make_a_result_one(tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[50706], exif[270] = b"\1\4\0\0", "attic"
    save_photo(open_photo(written(Image.fromarray(smooth()), "JPEG", exif=exif)), tmp_path / "a.tif")
    assert np.array_equal(open_photo(tmp_path / "a.tif").pixels.shape, smooth().shape)
