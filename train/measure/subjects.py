"""What is measured: photographs whose colours are known, set by set, and models."""

from __future__ import annotations

import logging
from pathlib import Path

import numpy as np
from PIL import Image

from deoldify.checkpoints import Checkpoint
from deoldify.colorizer import Colorizer
from deoldify.defader import Defader
from deoldify.errors import CheckpointError
from deoldify.loading import load
from train.data import Reader, index
from train.errors import DataError
from train.folder import read_trained
from train.measure.distance import Rgb

logger = logging.getLogger(__name__)

SIDES = {"scenes": 128, "faces": 128}
"""Pictures are measured as squares of this side by set, to compare with earlier figures; other sets at 256."""


def originals(folder: Path, limit: int | None = None) -> dict[str, list[Rgb]]:
    """The pictures of every set of a folder (see ``train.data.index``), as squares of the set's side.

    Images directly in the folder are a set named after it. Those that cannot be decoded are left out, and told of.

    Args:
        folder: of sets.
        limit: the first so many of each set; ``None`` takes all.

    Raises:
        DataError: there is no folder, or no set of two pictures, which a distance of sets needs.
    """
    reader, sets = Reader(), dict[str, list[Rgb]]()
    for entry in index(folder):
        name = folder.resolve().name if entry.source == "." else entry.source
        found = sets.setdefault(name, [])
        if limit is not None and len(found) >= limit:
            continue
        side = SIDES.get(name, 256)
        try:
            found.append(np.asarray(reader.read(entry).resize((side, side), Image.Resampling.BICUBIC)))
        except OSError as error:
            logger.warning("left out: %s: %s", entry.name, error)
    for name in [name for name, found in sets.items() if len(found) < 2]:
        logger.warning("left out: the set %s, which has fewer than two pictures", name)
        del sets[name]
    if not sets:
        raise DataError(f"{folder} holds no set of two pictures or more")
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
