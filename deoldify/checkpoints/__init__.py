"""Checkpoints: one record each; found, fetched, verified, and loaded into a generator.

In goes the name of a model, of a repository on the Hugging Face Hub or of a folder, out comes its `Checkpoint`; of
that, its file on this machine, or a generator with its weights. ``records`` lists those that DeOldify knows,
``finding`` looks for files, ``fetching`` brings them by way of ``hub``, ``verifying`` lets nothing through before its
SHA-256 has been found right, ``reading`` takes a state dict out of a file, and nothing but tensors, ``recognising``
tells whose it is, ``published`` knows the keys of 2019 and ``published_ddcolor`` those of DDColor, and ``loading``
makes it a generator. Torch waits for what reads weights.
"""

from __future__ import annotations

from deoldify.checkpoints.fetching import Progress, fetch
from deoldify.checkpoints.finding import (
    CONFIG_FILE,
    WEIGHTS_FILE,
    ModelInfo,
    best_here,
    embedded,
    find_any,
    find_on_hub,
    locate,
    models,
    names_of,
)
from deoldify.checkpoints.hub import endpoint
from deoldify.checkpoints.loading import load_generator, load_recognised
from deoldify.checkpoints.reading import unwrapped
from deoldify.checkpoints.records import AUTO, BEST, CHECKPOINTS, Checkpoint, find, is_repository

__all__ = [
    "AUTO",
    "BEST",
    "CHECKPOINTS",
    "CONFIG_FILE",
    "WEIGHTS_FILE",
    "Checkpoint",
    "ModelInfo",
    "Progress",
    "best_here",
    "embedded",
    "endpoint",
    "fetch",
    "find",
    "find_any",
    "find_on_hub",
    "is_repository",
    "load_generator",
    "load_recognised",
    "locate",
    "models",
    "names_of",
    "unwrapped",
]
