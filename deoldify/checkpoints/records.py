"""The checkpoints that DeOldify knows: one record each."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import Literal

from deoldify.errors import UnknownModelError
from deoldify.network import ARTISTIC, COMPACT, DDCOLOR_LARGE, DDCOLOR_TINY, DEFADE, STABLE, NetworkConfig

Task = Literal["colorize", "defade"]


@dataclass(frozen=True)
class Checkpoint:
    """One set of weights.

    Attributes:
        name: what users call it; of a repository that anybody may have published, ``"owner/name"``; of a model in a
            folder of one's own, the folder's name; of weights that came with an earlier release, ``"compact@1"``.
        task: ``"colorize"`` or ``"defade"``.
        config: the generator that the weights fit.
        file: file name, in ``weights/`` and on the Hub; of a model in a folder of one's own, the whole path.
        repo: repository on the Hugging Face Hub; ``None`` if the file comes with DeOldify or lies in such a folder.
        revision: commit of the repository, 40 hex digits, so that a cached file needs no question to the Hub.
        sha256: digest of the file, 64 hex digits.
        bytes: length of the file, about, where that is not known to the byte.
        slack: how many bytes it may have more or less than that; what is in it, its digest decides.
        licence: SPDX identifier of the weights' licence.
        origin: who trained it, on what.
        render_factor: render factor at which it does best on most photos.
        renders: of one photo that it is used with; see ``imaging.spread``.
        liveliness: that it is used at, where it has a cautious and a lively opinion.
        cuts_mounts: flat mounts and borders are left out of the render, and stay neutral; see ``imaging.inside_mount``.
        good_at: what to choose it for, and what it is bad at, for who has not tried it.
        terms: on what its weights may be used, beyond their licence: what they have seen.
        version: of weights that come with DeOldify, counted from 1: other weights have another version, so that an
            archive can say what it used and have it again.
    """

    name: str
    task: Task
    config: NetworkConfig
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
    cuts_mounts: bool = False
    good_at: str = ""
    terms: str = ""
    version: int | None = None
    slack: int = 0

    @property
    def full_name(self) -> str:
        """The name that will mean these very weights in later releases, too: with a version or a commit, if any."""
        if self.repo is not None and is_repository(self.name):
            return f"{self.name}@{self.revision}"
        return self.name if self.version is None or "@" in self.name else f"{self.name}@{self.version}"

    def may_have(self, size: int) -> bool:
        """Whether the file can have so many bytes."""
        return abs(size - self.bytes) <= self.slack


IMAGENET_TERMS = "Trained on ImageNet, whose photographs are for research and non-commercial use."

COMPACT_SHA256 = "35b44dd496c2b28f2fa61535e2bfe63de69f37526fb23bc2408b6eea9003d5bd"
COMPACT_BYTES = 14473078

DEFADE_SHA256 = "a2775f1b41a4f504503f18907a6f104367ffbb481505f43629619d1ec3402195"
DEFADE_BYTES = 10829000

PUBLISHED_REPO = "spensercai/DeOldify"
PUBLISHED_REVISION = "448956a51080c3e5fb29a4e0f3e09457afd94eb0"

DDCOLOR_REPO = "piddnad/DDColor-models"
DDCOLOR_REVISION = "67ebf9ad8f36035b343b051335459a1a67e6e98b"
DDCOLOR_LARGE_BYTES = 911950059
DDCOLOR_TINY_BYTES = 220_396_000
"""Of its tensors 220,204,100; the container is as large for each of them as that of the large files."""
_DDCOLOR_SLACK = 8 << 20
"""What classified ImageNet, which some files still carry, and a container with longer names."""
_DDCOLOR_FACTOR = 32
"""512 pixels, at which its authors run it; they trained it at 256."""

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
        render_factor=12,
        renders=6,
        liveliness=0.5,
        cuts_mounts=True,
        version=3,
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
        name="ddcolor-artistic",
        task="colorize",
        config=DDCOLOR_LARGE,
        file="ddcolor_artistic.pth",
        repo=DDCOLOR_REPO,
        revision=DDCOLOR_REVISION,
        sha256="a591ee5beedad36de703d8977e92d0c30c1eedc6453fd1b300f3b460842a23a9",
        bytes=DDCOLOR_LARGE_BYTES,
        licence="Apache-2.0",
        origin="trained by the authors of DDColor, 2023, without their loss of colourfulness",
        render_factor=_DDCOLOR_FACTOR,
        good_at="the truest colours of any single model, with the fewest red blobs",
        terms=IMAGENET_TERMS,
    ),
    Checkpoint(
        name="ddcolor",
        task="colorize",
        config=DDCOLOR_LARGE,
        file="ddcolor_modelscope.pth",
        repo=DDCOLOR_REPO,
        revision=DDCOLOR_REVISION,
        sha256="17c460d7e55b32a598370621d77173be59e03c24b0823f06821db23a50c263ce",
        bytes=DDCOLOR_LARGE_BYTES,
        licence="Apache-2.0",
        origin="trained by the authors of DDColor, 2023, on ImageNet without its palest tenth",
        render_factor=_DDCOLOR_FACTOR,
        good_at="the most colour; now and then a red blob",
        terms=IMAGENET_TERMS,
    ),
    Checkpoint(
        name="ddcolor-paper",
        task="colorize",
        config=DDCOLOR_LARGE,
        file="ddcolor_paper.pth",
        repo=DDCOLOR_REPO,
        revision=DDCOLOR_REVISION,
        sha256="789781789db1bafc2165e1cf9658580f871cce64a81901ec49127877813f10b9",
        bytes=DDCOLOR_LARGE_BYTES,
        licence="Apache-2.0",
        origin="trained on ImageNet by the authors of DDColor, 2023; measured in their paper",
        render_factor=_DDCOLOR_FACTOR,
        good_at="comparing with the numbers of DDColor's paper",
        terms=IMAGENET_TERMS,
        slack=_DDCOLOR_SLACK,
    ),
    Checkpoint(
        name="ddcolor-tiny",
        task="colorize",
        config=DDCOLOR_TINY,
        file="ddcolor_paper_tiny.pth",
        repo=DDCOLOR_REPO,
        revision=DDCOLOR_REVISION,
        sha256="81dd643904f4664c3718513e3320ae3db0c567f0d3e18398606659adee7bfc17",
        bytes=DDCOLOR_TINY_BYTES,
        licence="Apache-2.0",
        origin="trained on ImageNet by the authors of DDColor, 2023; a small encoder",
        render_factor=_DDCOLOR_FACTOR,
        good_at="much colour from a small file; less sure of what things are",
        terms=IMAGENET_TERMS,
        slack=_DDCOLOR_SLACK,
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
        version=1,
        good_at="faded prints and slides; it neither mends scratches nor sharpens",
        terms="Trained on photographs of which some are for research and non-commercial use; its card names them.",
    ),
)


def _earlier(now: Checkpoint, version: int, sha256: str, length: int, came: str) -> Checkpoint:
    """The record of a version that was embedded before ``now``."""
    name = f"{now.name}@{version}"
    origin = f"came with DeOldify {came}, as weights/{now.file} of its repository"
    return replace(
        now, name=name, file=f"{name}.safetensors", sha256=sha256, bytes=length, origin=origin, version=version
    )


EARLIER: tuple[Checkpoint, ...] = (
    _earlier(
        CHECKPOINTS[0], 1, "3b076a7fa5799a2da75d7d7fd76a2bf68cc4ac5ee166ed9832124661ea2eb740", 14473542,
        "up to 2026-11-29",
    ),
    _earlier(
        CHECKPOINTS[0], 2, "f5cc4c0f911a923bc0adfee095dc7b26e777faa9c9080d31020fd7f710516694", 14473150,
        "on 2026-12-01",
    ),
)  # fmt: skip
"""Weights that came with earlier releases, by names such as ``"compact@1"``. Whoever embeds new weights says here
what the old ones were, whose file is then called ``compact@1.safetensors``, and raises the version of the new ones."""

BEST: tuple[tuple[str, ...], ...] = (
    ("ddcolor-artistic", "artistic"),
    ("ddcolor-artistic",),
    ("ddcolor",),
    ("stable",),
    ("artistic",),
    ("ddcolor-tiny",),
    ("compact",),
)
"""Colorizers, and those that are to agree, the truest first: by the mean ΔE2000 of published renders of 23 photographs.
Merges of both kinds had 8.15 to 8.30, DDColor's artistic 8.50 and modelscope 9.03, DeOldify's stable 9.21 and artistic
9.37; DDColor's tiny and ours have no renders among them."""

AUTO = "auto"
"""What stands for the best model that is on this machine."""


def find(name: str) -> Checkpoint:
    """The record of the checkpoint called ``name``; ``"compact@1"`` is the first version of what is embedded.

    Raises:
        UnknownModelError: there is none; the message lists the names.
    """
    known = {checkpoint.name: checkpoint for checkpoint in (*CHECKPOINTS, *EARLIER)}
    for checkpoint in CHECKPOINTS:
        known.setdefault(checkpoint.full_name, checkpoint)
    if name in known:
        return known[name]
    plain = name.partition("@")[0]
    if plain in known and known[plain].version is not None:
        versions = [other for other in known if other.startswith(f"{plain}@")]
        raise UnknownModelError(f"{name!r} is no version that this release knows: it knows {', '.join(versions)}")
    raise UnknownModelError(
        f"there is no model called {name!r}; choose one of: {', '.join(each.name for each in CHECKPOINTS)}; or name a "
        f"repository on the Hub, owner/name, or a folder that `python -m train publish` laid out"
    )


def is_repository(name: str) -> bool:
    """Whether a name is that of a repository, ``"owner/name"``, rather than of a model that `find` knows."""
    return re.fullmatch(r"[\w-][\w.-]*/[\w-][\w.-]*", name) is not None
