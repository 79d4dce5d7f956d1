"""A teacher's colours of the training images: rendered once, kept on disk between passes and runs, and blended in."""

from __future__ import annotations

import logging
import os
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from zlib import crc32

import numpy as np
import numpy.typing as npt
import torch
import torch.nn.functional as F
from numpy.lib.format import open_memmap
from PIL import Image

from deoldify.colorizer import Colorizer
from deoldify.imaging import Adjustments, adjusted, grey_square, transfer_guided
from train.data.entries import Entry, Reader
from train.folder import check_space
from train.parallel import Peers

logger = logging.getLogger(__name__)

SIDE = 96
"""Of the square that a photograph's colours are kept at; they follow its edges again where they are blended in."""
_BETWEEN_FLUSHES = 64
_NOTHING, _DONE = 0, 1


class Lessons:
    """A teacher's colours of images, on disk.

    Args:
        path: of the file, (images, 2, SIDE, SIDE) uint8 as NumPy saves it: U and V, 0.5 more and times 255. Beside it
            lies which of them there are.
        weight: of the teacher's colours in a blend; the rest are the original's.
    """

    def __init__(self, path: Path, weight: float) -> None:
        self.path, self.weight = path, weight

    def blended(self, image: Image.Image, number: int) -> Image.Image:
        """An image with colours between its own and the teacher's, and its own luma.

        Args:
            image: RGB.
            number: of the image among those that were rendered.
        """
        pixels = np.asarray(image)
        kept = np.array(np.load(self.path, mmap_mode="r")[number], np.float32) / 255 - 0.5
        taught = transfer_guided(pixels, grey_square(pixels, SIDE), torch.from_numpy(kept)[None])
        blend = pixels + self.weight * (taught.astype(np.float32) - pixels)
        return Image.fromarray(np.rint(blend).astype(np.uint8))


def give_lessons(folder: Path, entries: Sequence[Entry], teacher: Colorizer, weight: float, peers: Peers) -> Lessons:
    """Have a teacher colour images, in black and white, that it has not coloured yet; divided among the processes.

    Whoever is interrupted goes on from there.

    Args:
        folder: of the run.
        entries: the images. Those that cannot be read are left out, as they are of training.
        teacher: whose colours are taken.
        weight: see ``Lessons``.
        peers: the processes.

    Raises:
        TrainingError: the disk has no room for them.
    """
    path = folder / f"lessons-{_key(entries, teacher.checkpoint.name)}.npy"
    done_path = path.with_name(path.stem + "-done.npy")
    if peers.leads and not done_path.exists():
        check_space(folder, len(entries) * 2 * SIDE**2)
        open_memmap(path, "w+", np.uint8, (len(entries), 2, SIDE, SIDE)).flush()
        beside = done_path.with_name(done_path.name + ".part")
        open_memmap(beside, "w+", np.uint8, (len(entries),)).flush()
        os.replace(beside, done_path)
    peers.wait()
    file, done = open_memmap(path, "r+"), open_memmap(done_path, "r+")
    left = [number for number in range(peers.rank, len(entries), peers.count) if done[number] == _NOTHING]
    if left:
        logger.info("%s renders %d pictures, once, as a teacher", teacher.checkpoint.name, len(left))
    reader, fresh = Reader(), []
    try:
        for number in left:
            with suppress(OSError):
                file[number] = _chroma(teacher, reader.read(entries[number]))
            fresh.append(number)
            if len(fresh) == _BETWEEN_FLUSHES:
                _mark(file, done, fresh)
    finally:
        _mark(file, done, fresh)
    peers.wait()
    return Lessons(path, weight)


def _chroma(teacher: Colorizer, image: Image.Image) -> npt.NDArray[np.uint8]:
    uv, _ = adjusted(teacher.plane(np.asarray(image)), Adjustments())
    small = F.interpolate(uv, (SIDE, SIDE), mode="bilinear", antialias=True)[0]
    return (small + 0.5).mul(255).round().clamp(0, 255).to(torch.uint8).cpu().numpy()


def _mark(file: np.memmap, done: np.memmap, fresh: list[int]) -> None:
    """Say that some are done, after they are on the disk."""
    file.flush()
    done[fresh] = _DONE
    done.flush()
    fresh.clear()


def _key(entries: Sequence[Entry], teacher: str) -> str:
    """Another for other images, or another teacher."""
    names = "\n".join([teacher, *(f"{entry.source}/{entry.name}" for entry in entries)])
    return f"{crc32(names.encode()):08x}"
