"""The checkpoints that DeOldify knows: one record each."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

from deoldify.errors import UnknownModelError
from deoldify.network import ARTISTIC, COMPACT, DEFADE, STABLE, GeneratorConfig

Task = Literal["colorize", "defade"]


@dataclass(frozen=True)
class Checkpoint:
    """One set of weights.

    Attributes:
        name: what users call it; of a repository that anybody may have published, ``"owner/name"``; of a model in a
            folder of one's own, the folder's name.
        task: ``"colorize"`` or ``"defade"``.
        config: the generator that the weights fit.
        file: file name, in ``weights/`` and on the Hub; of a model in a folder of one's own, the whole path.
        repo: repository on the Hugging Face Hub; ``None`` if the file comes with DeOldify or lies in such a folder.
        revision: commit of the repository, 40 hex digits, so that a cached file needs no question to the Hub.
        sha256: digest of the file, 64 hex digits.
        bytes: length of the file.
        licence: SPDX identifier of the weights' licence.
        origin: who trained it, on what.
        render_factor: render factor at which it does best on most photos.
        renders: of one photo that it is used with; see ``imaging.spread``.
        liveliness: that it is used at, where it has a cautious and a lively opinion.
        good_at: what to choose it for, and what it is bad at, for who has not tried it.
        terms: on what its weights may be used, beyond their licence: what they have seen.
    """

    name: str
    task: Task
    config: GeneratorConfig
    file: str
    repo: str | None
    revision: str | None
    sha256: str
    bytes: int
    licence: str
    origin: str
    render_factor: int
    renders: int = 1
    liveliness: float = 0.0
    good_at: str = ""
    terms: str = ""


IMAGENET_TERMS = "Trained on ImageNet, whose photographs are for research and non-commercial use."

COMPACT_SHA256 = "53daf49c3294f9a8567310ff947807db63ec947597f57f05987716406e11c7a2"
COMPACT_BYTES = 14097638

DEFADE_SHA256 = "a2775f1b41a4f504503f18907a6f104367ffbb481505f43629619d1ec3402195"
DEFADE_BYTES = 10829000

PUBLISHED_REPO = "spensercai/DeOldify"
PUBLISHED_REVISION = "448956a51080c3e5fb29a4e0f3e09457afd94eb0"

CHECKPOINTS: tuple[Checkpoint, ...] = (
    Checkpoint(
        name="compact",
        task="colorize",
        config=COMPACT,
        file="compact.safetensors",
        repo=None,
        revision=None,
        sha256=COMPACT_SHA256,
        bytes=COMPACT_BYTES,
        licence="MIT",
        origin="comes with DeOldify; weights/compact.md tells how it was trained",
        render_factor=15,
        good_at="quick, works offline; unsure of clothes and walls, which it leaves pale",
        terms="Trained on photographs of which some are for research and non-commercial use; its card names them.",
    ),
    Checkpoint(
        name="artistic",
        task="colorize",
        config=ARTISTIC,
        file="ColorizeArtistic_gen.pth",
        repo=PUBLISHED_REPO,
        revision=PUBLISHED_REVISION,
        sha256="3f750246fa220529323b85a8905f9b49c0e5d427099185334d048fb5b5e22477",
        bytes=255144681,
        licence="MIT",
        origin="trained on ImageNet by the author of DeOldify, 2019; the most colourful",
        render_factor=35,
        good_at="the most colourful, with most detail",
        terms=IMAGENET_TERMS,
    ),
    Checkpoint(
        name="stable",
        task="colorize",
        config=STABLE,
        file="ColorizeStable_gen.pth",
        repo=PUBLISHED_REPO,
        revision=PUBLISHED_REVISION,
        sha256="ca9cd7f43fb8b222c9a70f7b292e305a000694b0ff9d2ae4a6747b1a2e1ee5af",
        bytes=874066230,
        licence="MIT",
        origin="trained on ImageNet by the author of DeOldify, 2019; the best on landscapes and portraits",
        render_factor=35,
        good_at="landscapes and portraits, with the fewest grey places",
        terms=IMAGENET_TERMS,
    ),
    Checkpoint(
        name="video",
        task="colorize",
        config=STABLE,
        file="ColorizeVideo_gen.pth",
        repo=PUBLISHED_REPO,
        revision=PUBLISHED_REVISION,
        sha256="e3d98bb6a222354c79f95485c2f078a89dc724e9183662506d9e0f5aafac83ad",
        bytes=874066230,
        licence="MIT",
        origin="trained on ImageNet with noise by the author of DeOldify, 2019; flickers least",
        render_factor=21,
        good_at="film stills, the steadiest colours",
        terms=IMAGENET_TERMS,
    ),
    Checkpoint(
        name="defade",
        task="defade",
        config=DEFADE,
        file="defade.safetensors",
        repo=None,
        revision=None,
        sha256=DEFADE_SHA256,
        bytes=DEFADE_BYTES,
        licence="MIT",
        origin="comes with DeOldify; weights/defade.md tells how it was trained",
        render_factor=16,
        good_at="faded prints and slides; it neither mends scratches nor sharpens",
        terms="Trained on photographs of which some are for research and non-commercial use; its card names them.",
    ),
)


def find(name: str) -> Checkpoint:
    """The record of the checkpoint called ``name``.

    Raises:
        UnknownModelError: there is none; the message lists the names.
    """
    for checkpoint in CHECKPOINTS:
        if checkpoint.name == name:
            return checkpoint
    known = ", ".join(checkpoint.name for checkpoint in CHECKPOINTS)
    raise UnknownModelError(
        f"there is no model called {name!r}; choose one of: {known}; or name a repository on the Hub, owner/name, or a "
        f"folder that `python -m train publish` laid out"
    )


def is_repository(name: str) -> bool:
    """Whether a name is that of a repository, ``"owner/name"``, rather than of a model that `find` knows."""
    return re.fullmatch(r"[\w-][\w.-]*/[\w-][\w.-]*", name) is not None
