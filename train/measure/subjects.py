"""What is measured: photographs whose colours are known, set by set, and models."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
from PIL import Image

from deoldify.checkpoints import Checkpoint
from deoldify.colorizer import Colorizer
from deoldify.defader import Defader
from deoldify.errors import CheckpointError
from deoldify.loading import load
from train.data import Reader, check_sources, index, is_held_out
from train.errors import DataError
from train.folder import read_trained
from train.measure.distance import Rgb

logger = logging.getLogger(__name__)

SIDES = {"scenes": 128, "faces": 128}
"""Pictures are measured as squares of this side by set, to compare with earlier figures; other sets at 256."""
UNKNOWN = ("old", "prints")
"""Sets whose true colours nobody knows."""
OLD = "old"
"""Of these, the one of photographs as a colorizer gets them."""
LONG_SIDE = 320
"""Of pictures that are looked at as they are, and not compared with an original."""


def originals(
    *folders: Path, limit: int | None = None, held_out: bool = False, hold_out: Sequence[str] = ()
) -> dict[str, list[Rgb]]:
    """The pictures whose colours are known, of every set of folders (see ``train.data.index``), as squares.

    Images directly in a folder are a set named after it. Those that cannot be decoded are left out, and told of.

    Args:
        folders: of sets, or tar files.
        limit: the first so many of each set; ``None`` takes all.
        held_out: only those that training does not see. So few of each source are sets by what they show: faces,
            scenes, and photos.
        hold_out: only these sources, which a run did not see at all; each is a set.

    Raises:
        DataError: there is no folder, no such source, or no set of two pictures, which a distance of sets needs.
    """

    def squared(name: str, image: Image.Image) -> Image.Image:
        return image.resize((SIDES.get(name, 256),) * 2, _BICUBIC)

    sets = _read(folders, limit, held_out, hold_out, squared)
    for name in [name for name, found in sets.items() if len(found) < 2 or name in UNKNOWN]:
        if name not in UNKNOWN:
            logger.warning("left out: the set %s, which has fewer than two pictures", name)
        del sets[name]
    if not sets:
        raise DataError(f"{', '.join(map(str, folders))} holds no set of two pictures or more whose colours are known")
    return sets


def whole_photographs(
    *folders: Path, limit: int | None = None, held_out: bool = False, hold_out: Sequence[str] = ()
) -> dict[str, list[Rgb]]:
    """The photographs of every set, those of ``OLD`` too, in their own shape, ``LONG_SIDE`` long; see ``originals``."""

    def shrunk(name: str, image: Image.Image) -> Image.Image:
        factor = LONG_SIDE / max(image.size)
        return image.resize([max(1, round(side * factor)) for side in image.size], _BICUBIC)

    sets = _read(folders, limit, held_out, hold_out, shrunk)
    return {name: found for name, found in sets.items() if name == OLD or name not in UNKNOWN}


_BICUBIC = Image.Resampling.BICUBIC


def _read(
    folders: Sequence[Path],
    limit: int | None,
    held_out: bool,
    hold_out: Sequence[str],
    sized: Callable[[str, Image.Image], Image.Image],
) -> dict[str, list[Rgb]]:
    reader, sets = Reader(), dict[str, list[Rgb]]()
    indices = [(folder, index(folder)) for folder in folders]
    check_sources([entry for _, entries in indices for entry in entries], hold_out)
    for folder, entries in indices:
        for entry in entries:
            if (held_out and not is_held_out(entry.name)) or (hold_out and entry.source not in hold_out):
                continue
            name = folder.resolve().name if entry.source == "." else entry.source
            name = name if not held_out or name in SIDES else "photos"
            found = sets.setdefault(name, [])
            if limit is not None and len(found) >= limit:
                continue
            try:
                found.append(np.asarray(sized(name, reader.read(entry))))
            except OSError as error:
                logger.warning("left out: %s: %s", entry.name, error)
    return sets


def load_any(model: str | None, checkpoint: Path | None) -> Colorizer | Defader:
    """A model to measure, ready to run.

    Args:
        model: what ``deoldify.load`` takes; ``None`` where the checkpoint tells what it is.
        checkpoint: weights to use in place of the model's own: any that a run saved, its snapshots too, exported
            ``.safetensors``, or, with a model, whatever ``deoldify.load`` takes.

    Raises:
        CheckpointError: the weights are missing, damaged, or do not tell what they are.
    """
    if checkpoint is None or (model is not None and checkpoint.suffix != ".pt"):
        return load(model or "", checkpoint=checkpoint)
    trained = read_trained(checkpoint)
    if not trained.recipe:
        raise CheckpointError(f"{checkpoint} does not tell what it was trained for; name its --model")
    task = trained.recipe["task"]
    record = Checkpoint(
        name=checkpoint.stem if model is None else model, task=task, config=trained.generator.config,
        file=checkpoint.name, repo=None, revision=None, sha256="", bytes=checkpoint.stat().st_size, licence="",
        origin=f"a run of {trained.recipe['name']}, step {trained.step}", render_factor=trained.render_factor,
    )  # fmt: skip
    return (Colorizer if task == "colorize" else Defader)(record, trained.generator)
