"""Damaged photographs by the thousand: ``python -m tests.fuzz --minutes 60``.

Small files of all formats are damaged at random, opened, coloured at the smallest size and saved. Each must be done or
refused with the package's own error, in time, and memory must not grow. The same seed damages the same files the same
way; what goes wrong is written to ``--keep``, and the exit status says whether anything did.
"""

from __future__ import annotations

import faulthandler
import io
import logging
import random
import resource
import sys
import tempfile
import time
import traceback
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any

import imagecodecs
import numpy as np
import tifffile
import typer
from PIL import Image

import deoldify
from deoldify.errors import DeOldifyError, ProgramError
from deoldify.photo import open_photo, save_photo
from tests.photo.pictures import SRGB, XMP, rich_exif, smooth, written

_PATIENCE_SECONDS = 300  # generous: the machine may be busy, and what hangs, hangs for ever
_SLOW_SECONDS = 20.0  # of processor time
_GROWTH_BYTES = 300 << 20
_MOST_PIXELS = 2_000_000
_SUFFIXES = (".jpg", ".png", ".tif", ".webp")


def files() -> dict[str, bytes]:
    """Small photographs of every format and kind that is read, by name."""
    colour = smooth(40, 56)
    grey = np.ascontiguousarray(colour[..., 2])
    image, deep = Image.fromarray(colour), grey.astype(np.uint16) * 257
    rich: dict[str, Any] = {"exif": rich_exif(6), "icc_profile": SRGB, "dpi": (300, 300)}
    tables = b"8BIM\x04\x04\0\0\0\0\0\x0a\x1c\x02\x78\0\x05Hallo"
    segment = b"\xff\xed\0\x24Photoshop 3.0\0" + tables

    def saved(kind: str, source: Image.Image = image, **options: Any) -> bytes:
        return written(source, kind, **options).getvalue()

    def tiff(values: Any, **options: Any) -> bytes:
        stream = io.BytesIO()
        tifffile.imwrite(stream, values, **options)
        return stream.getvalue()

    pages = io.BytesIO()
    with tifffile.TiffWriter(pages) as writer:
        writer.write(colour[::4, ::4], photometric="rgb", subfiletype=1, subifds=1)
        writer.write(colour, photometric="rgb")
        writer.write(grey)
    found: dict[str, bytes] = {
        "rich.jpg": saved("JPEG", xmp=XMP, extra=segment, comment=b"attic", **rich),
        "progressive.jpg": saved("JPEG", progressive=True, subsampling=2),
        "cmyk.jpg": saved("JPEG", image.convert("CMYK")),
        "12-bits.jpg": bytes(imagecodecs.jpeg8_encode(deep >> 4, bitspersample=12)),
        "lossless.jpg": bytes(imagecodecs.jpegls_encode(colour)),
        "rich.png": saved("PNG", xmp=XMP, **rich),
        "palette.png": saved("PNG", image.quantize(16), transparency=1),
        "16-bits.png": bytes(imagecodecs.png_encode(deep)),
        "rich.tif": saved("TIFF", xmp=XMP, **rich),
        "fax.tif": saved("TIFF", image.convert("1"), compression="group4"),
        "jpeg.tif": saved("TIFF", compression="jpeg"),
        "lab.tif": saved("TIFF", Image.new("LAB", (40, 30), (90, 3, 200)), compression="tiff_adobe_deflate"),
        "float.tif": tiff(grey.astype(np.float32) / 255, compression="zlib", predictor=True),
        "tiles.tif": tiff(deep, tile=(16, 16), bigtiff=True),
        "pages.tif": pages.getvalue(),
        "rich.webp": saved("WEBP", xmp=XMP, **rich),
        "lossless.webp": saved("WEBP", image.convert("RGBA"), lossless=True),
        "a.bmp": saved("BMP"),
        "frames.gif": saved("GIF", save_all=True, append_images=[image.rotate(90)], comment=b"attic"),
        "rich.avif": saved("AVIF", xmp=XMP, **rich),
        "a.jp2": bytes(imagecodecs.jpeg2k_encode(colour, codecformat="jp2", reversible=True)),
    }
    try:
        import pillow_heif
    except ImportError:
        return found
    stream = io.BytesIO()
    pillow_heif.from_pillow(image).save(stream)
    return found | {"a.heic": stream.getvalue()}


_TELLING = tuple(
    bytes.fromhex(digits) for digits in ("00000000", "ffffffff", "7fffffff", "ffffff7f", "00000001", "8000")
)


def damaged(data: bytes, rng: random.Random) -> bytes:
    """Some damage of one to eight kinds, most of it near the start, where files say what they are."""
    out = bytearray(data)
    for _ in range(rng.choice((1, 1, 1, 2, 3, 8))):
        if len(out) < 8:
            break
        at = min(int(rng.random() ** rng.choice((1, 3)) * len(out)), len(out) - 4)
        length = rng.randint(1, 16)
        kind = rng.randrange(7)
        if kind == 0:
            out[at] ^= 1 << rng.randrange(8)
        elif kind == 1:
            out[at] = rng.randrange(256)
        elif kind == 2:
            telling = rng.choice(_TELLING)
            out[at : at + len(telling)] = telling
        elif kind == 3:
            del out[at : at + length]
        elif kind == 4:
            other = rng.randrange(len(out))
            out[at:at] = out[other : other + length]
        elif kind == 5:
            out[at : at + length] = rng.randbytes(length)
        elif rng.random() < 0.3:
            del out[max(at, 16) :]
    return bytes(out)


@dataclass
class Findings:
    """What a run has found.

    Attributes:
        done: files that were coloured and saved.
        refused: files that were refused, by kind.
        slowest: processor seconds of the slowest file, and its name.
        wrong: what must not be, in words.
        growth: bytes that the process has grown by since it was warm.
    """

    done: int = 0
    refused: Counter[str] = field(default_factory=Counter)
    slowest: tuple[float, str] = (0.0, "")
    wrong: list[str] = field(default_factory=list)
    growth: int = 0


def _inputs(rng: random.Random) -> Iterator[tuple[str, bytes]]:
    whole = files()
    yield from whole.items()
    while True:
        name = rng.choice(sorted(whole))
        yield name, damaged(whole[name], rng)


def fuzz(*, count: int, seconds: float, seed: int, keep: Path | None) -> Findings:
    """Damage files until ``count`` are done or ``seconds`` are over, whichever comes first."""
    rng, found, start, warm = random.Random(seed), Findings(), time.monotonic(), 0
    colorizer = deoldify.load("compact", device="cpu", precision="float32")
    with tempfile.TemporaryDirectory() as folder:
        for number, (name, data) in enumerate(_inputs(rng)):
            if number >= count or time.monotonic() - start > seconds:
                break
            faulthandler.dump_traceback_later(_PATIENCE_SECONDS, exit=True)
            target = Path(folder, "new" + rng.choice(_SUFFIXES))
            before, wrong = time.process_time(), ""
            try:
                photo = open_photo(io.BytesIO(data), max_pixels=_MOST_PIXELS)
                save_photo(colorizer.colorize_photo(photo, render_factor=4), target, label=colorizer.label)
                found.done += 1
            except DeOldifyError as error:
                found.refused[name.rpartition(".")[2]] += 1
                if isinstance(error, ProgramError):
                    traceback.print_exc()
                    wrong = f"a mistake: {error.__cause__!r}"
            except Exception as error:
                traceback.print_exc()
                wrong = f"{type(error).__name__}: {error}"
            faulthandler.cancel_dump_traceback_later()
            taken = time.process_time() - before
            found.slowest = max(found.slowest, (taken, f"{name}, number {number}"))
            if taken > _SLOW_SECONDS:
                wrong = wrong or f"{taken:.0f} seconds"
            if wrong:
                found.wrong.append(f"{name}, number {number}: {wrong}")
                if keep is not None:
                    keep.mkdir(parents=True, exist_ok=True)
                    (keep / f"{number}-{name}").write_bytes(data)
            if number == 200:
                warm = _peak()
    found.growth = _peak() - warm if warm else 0
    if found.growth > _GROWTH_BYTES:
        found.wrong.append(f"memory grew by {found.growth >> 20} MB")
    return found


def _peak() -> int:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)


def main(
    minutes: Annotated[float, typer.Option(help="How long.")] = 60,
    count: Annotated[int, typer.Option(help="How many files at most.")] = 1_000_000_000,
    seed: Annotated[int, typer.Option(help="Of the damage.")] = 0,
    keep: Annotated[Path | None, typer.Option(help="A folder for what goes wrong.")] = None,
) -> None:
    """Damage small photographs, open, colour and save them, and tell what goes wrong."""
    logging.disable(logging.WARNING)
    found = fuzz(count=count, seconds=60 * minutes, seed=seed, keep=keep)
    refused = ", ".join(f"{kind} {number}" for kind, number in sorted(found.refused.items()))
    typer.echo(f"{found.done} done, {sum(found.refused.values())} refused ({refused})")
    typer.echo(f"slowest {found.slowest[0]:.2f} s ({found.slowest[1]}), growth {found.growth >> 20} MB")
    for wrong in found.wrong:
        typer.echo(f"wrong: {wrong}")
    raise typer.Exit(1 if found.wrong else 0)


if __name__ == "__main__":
    typer.run(main)
