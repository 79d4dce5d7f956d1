"""How good a colorizer is, in numbers, on photographs whose colours are known."""

from __future__ import annotations

import logging
import math
import socket
import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
import torch.nn.functional as F
from PIL import Image
from torch import Tensor, nn
from torchvision.utils import make_grid

from deoldify.checkpoints import Checkpoint
from deoldify.colorizer import Colorizer
from deoldify.defader import Defader
from deoldify.errors import CheckpointError
from deoldify.imaging import chroma
from deoldify.loading import load
from train.data import DataError, Reader, index
from train.features import lite0_classifier
from train.runs import read_trained
from train.srgb import decoded, encoded

logger = logging.getLogger(__name__)

Rgb = npt.NDArray[np.uint8]
Paint = Callable[[Image.Image], Image.Image]

SIDES = {"scenes": 128, "faces": 128}
"""Pictures are measured as squares of this side by set, to compare with earlier figures; other sets at 256."""

_BATCH = 32
_PATIENCE_SECONDS = 20.0

_LUMINANCE_WEIGHTS = np.array([0.2126729, 0.7151522, 0.0721750])
"""Of linear sRGB, at its white point D65."""


@dataclass(frozen=True)
class Measures:
    """What is measured on one set.

    Attributes:
        images: how many.
        psnr: of renders against originals, mean over images, dB.
        psnr_grey: of the grey pictures against originals, dB.
        colourfulness: mean over renders, as Hasler and Süsstrunk (2003) define it.
        colourfulness_original: the same over originals.
        delta_colourfulness: absolute difference of the two.
        kid_lite0: 1000 × the unbiased squared MMD between renders and originals; see ``kernel_distance``. Not a
            number where the features cannot be had.
        blotches: share of the renders with a patch far more saturated than the originals have; see ``has_blotch``.
        fid: Fréchet distance between renders and originals; see ``frechet_distance``. ``None`` where it was not
            asked for or its network cannot be had.
    """

    images: int
    psnr: float
    psnr_grey: float
    colourfulness: float
    colourfulness_original: float
    delta_colourfulness: float
    kid_lite0: float
    blotches: float
    fid: float | None = None


def grey_of(rgb: Rgb) -> Rgb:
    """The picture without its colour: grey of the same CIE lightness, as colorization papers make it.

    Args:
        rgb: (H, W, 3) sRGB.

    Returns:
        (H, W, 3), three equal channels.
    """
    grey = encoded(decoded(rgb / 255) @ _LUMINANCE_WEIGHTS)
    return np.repeat(np.rint(grey * 255).astype(np.uint8)[..., None], 3, axis=-1)


def psnr(a: Rgb, b: Rgb) -> float:
    """Peak signal-to-noise ratio over all channels of two 8-bit pictures, dB; infinite where they are equal."""
    error = float(np.mean((a.astype(np.float64) - b.astype(np.float64)) ** 2))
    return float("inf") if error == 0 else float(10 * np.log10(255**2 / error))


def colourfulness(rgb: Rgb) -> float:
    """The measure of Hasler and Süsstrunk (2003): 0 for grey, about 40 for an ordinary photograph."""
    red, green, blue = (rgb[..., channel].astype(np.float64) for channel in range(3))
    red_green, yellow_blue = red - green, 0.5 * (red + green) - blue
    spread = np.hypot(red_green.std(), yellow_blue.std())
    return float(spread + 0.3 * np.hypot(red_green.mean(), yellow_blue.mean()))


def strongest_patch(rgb: Rgb) -> float:
    """The strongest mean colour, √(U² + V²), of the patches of a picture: squares of 1/16 of its shorter side.

    Args:
        rgb: (H, W, 3).
    """
    side = max(2, min(rgb.shape[:2]) // 16)
    planes = torch.from_numpy(np.array(rgb)).permute(2, 0, 1).unsqueeze(0).float() / 255
    means = F.avg_pool2d(chroma(planes), side, stride=max(1, side // 2))  # (1, 2, h, w)
    return float(means.square().sum(dim=1).sqrt().max())


def has_blotch(render: float, original: float, usual: float) -> bool:
    """Whether a render has a patch far more saturated than anything in the originals.

    Args:
        render: its ``strongest_patch``.
        original: that of the original.
        usual: what nine of ten originals of the set stay below.
    """
    return render > max(1.5 * original, usual)


def blotched(renders: Sequence[Rgb], pictures: Sequence[Rgb]) -> list[bool]:
    """Which renders have an over-saturated patch, beside the originals they were made from."""
    originals_strongest = [strongest_patch(picture) for picture in pictures]
    usual = float(np.quantile(originals_strongest, 0.9))
    pairs = zip(renders, originals_strongest, strict=True)
    return [has_blotch(strongest_patch(render), original, usual) for render, original in pairs]


def kernel_distance(a: Tensor, b: Tensor) -> float:
    """Unbiased squared maximum mean discrepancy with the kernel (x·y/d + 1)³ (Bińkowski et al. 2018).

    Args:
        a: (N, d) features of one set of pictures.
        b: (M, d) features of another.
    """
    a, b = a.double(), b.double()
    n, m, d = len(a), len(b), a.shape[1]
    within_a, within_b, across = ((x @ y.T / d + 1) ** 3 for x, y in ((a, a), (b, b), (a, b)))
    return float(
        (within_a.sum() - within_a.trace()) / (n * (n - 1))
        + (within_b.sum() - within_b.trace()) / (m * (m - 1))
        - 2 * across.mean()
    )


class PooledFeatures:
    """The 1280 pooled features of EfficientNet-Lite0 for pictures at 160 × 160."""

    def __init__(self) -> None:
        self._network: nn.Module = lite0_classifier()

    @torch.inference_mode()
    def __call__(self, pictures: Sequence[Rgb]) -> Tensor:
        """(N, 1280) features of N pictures of any size."""
        rows = []
        for start in range(0, len(pictures), _BATCH):
            resized = [
                np.asarray(Image.fromarray(p).resize((160, 160), Image.Resampling.BICUBIC))
                for p in pictures[start : start + _BATCH]
            ]
            x = torch.from_numpy(np.stack(resized)).permute(0, 3, 1, 2).float() / 255
            maps = self._network.forward_features((x - 0.5) / 0.5)  # type: ignore[operator]
            rows.append(self._network.forward_head(maps, pre_logits=True))  # type: ignore[operator]
        return torch.cat(rows)


def frechet_distance(renders: Sequence[Rgb], pictures: Sequence[Rgb], extractor: nn.Module | int = 2048) -> float:
    """The Fréchet distance between the features of renders and originals (Heusel et al. 2017).

    With a few hundred pictures it is mostly bias: fewer than there are features leave a covariance of low rank. Compare
    it only between equal numbers of pictures.

    Args:
        renders: (H, W, 3) uint8.
        pictures: likewise.
        extractor: takes (N, 3, H, W) uint8, gives (N, ``num_features``); a number is the layer of Inception-v3, whose
            weights are downloaded the first time.

    Raises:
        CheckpointError: Inception's weights cannot be had.
    """
    from torchmetrics.image.fid import FrechetInceptionDistance

    patience = socket.getdefaulttimeout()
    socket.setdefaulttimeout(_PATIENCE_SECONDS)  # what downloads the weights would wait for ever
    try:
        distance = FrechetInceptionDistance(feature=extractor)
    except (OSError, ModuleNotFoundError) as error:
        raise CheckpointError(f"Inception's weights for FID cannot be had ({error}); go online once") from error
    finally:
        socket.setdefaulttimeout(patience)
    distance.set_dtype(torch.float64)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of low rank, which is said above
        for real, found in ((False, renders), (True, pictures)):
            for start in range(0, len(found), _BATCH):
                batch = torch.from_numpy(np.stack(found[start : start + _BATCH])).permute(0, 3, 1, 2)
                distance.update(batch, real=real)
        return float(distance.compute())


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


def plain_numbers(value: Any) -> Any:
    """What is to be JSON, with ``None`` for numbers that JSON does not know: infinite ones, and those that are none."""
    if isinstance(value, Mapping):
        return {key: plain_numbers(inner) for key, inner in value.items()}
    return None if isinstance(value, float) and not math.isfinite(value) else value


def measure(
    pictures: Sequence[Rgb], renders: Sequence[Rgb], features: PooledFeatures | None, fid: float | None = None
) -> Measures:
    """Compare renders with the originals they were made from (grey); lists of (H, W, 3) of equal length.

    Args:
        pictures: the originals.
        renders: what was made of their grey.
        features: for ``kid_lite0``.
        fid: their ``frechet_distance``, where it is known.
    """
    cf_render = float(np.mean([colourfulness(p) for p in renders]))
    cf_original = float(np.mean([colourfulness(p) for p in pictures]))
    return Measures(
        images=len(pictures),
        psnr=float(np.mean([psnr(a, b) for a, b in zip(pictures, renders, strict=True)])),
        psnr_grey=float(np.mean([psnr(p, grey_of(p)) for p in pictures])),
        colourfulness=cf_render,
        colourfulness_original=cf_original,
        delta_colourfulness=abs(cf_render - cf_original),
        kid_lite0=math.nan if features is None else 1000 * kernel_distance(features(renders), features(pictures)),
        blotches=float(np.mean(blotched(renders, pictures))),
        fid=fid,
    )


def paint_all(pictures: Sequence[Rgb], paint: Paint) -> list[Rgb]:
    """What ``paint`` makes of every picture's grey version."""
    return [np.asarray(paint(Image.fromarray(grey_of(p)))) for p in pictures]


def table(results: Mapping[int, Mapping[str, Measures]], fid: str = "") -> str:
    """The results as a Markdown table.

    Args:
        results: by render factor and set.
        fid: what stands in the column of FID where it was not measured; without it, and without any FID, the column
            is left out.
    """
    with_fid = bool(fid) or any(m.fid is not None for sets in results.values() for m in sets.values())
    head = ["set", "factor", "images", "PSNR", "over grey", "CF", "CF ÷ originals'", "ΔCF", "kid_lite0", "blotches"]
    rows = [head + ["FID"] * with_fid]
    for factor, sets in results.items():
        for name, m in sets.items():
            cells = [
                name, str(factor), str(m.images), f"{m.psnr:.2f} dB", f"{m.psnr - m.psnr_grey:+.2f} dB",
                f"{m.colourfulness:.1f}", f"{m.colourfulness / max(m.colourfulness_original, 1e-6):.3f}",
                f"{m.delta_colourfulness:.1f}", f"{m.kid_lite0:.1f}", f"{m.blotches:.1%}",
            ]  # fmt: skip
            rows.append(cells + [fid if m.fid is None else f"{m.fid:.2f}"] * with_fid)
    rows.insert(1, ["---"] * len(rows[0]))
    return "\n".join(f"| {' | '.join(row)} |" for row in rows)


def contact_sheet(
    pictures: Sequence[Rgb], renders: Sequence[Rgb], *, columns: int = 12, side: int = 192
) -> Image.Image:
    """Grey, render and original below one another, ``columns`` beside one another, ``side`` pixels each."""

    def tile(picture: Rgb) -> Tensor:
        resized = Image.fromarray(picture).resize((side, side), Image.Resampling.BICUBIC)
        return torch.from_numpy(np.array(resized)).permute(2, 0, 1)

    tiles = []
    for start in range(0, len(pictures), columns):
        row = slice(start, start + columns)
        padding = [torch.full((3, side, side), 255, dtype=torch.uint8)] * (columns - len(pictures[row]))
        for kind in ([grey_of(p) for p in pictures[row]], renders[row], pictures[row]):
            tiles += [tile(p) for p in kind] + padding
    return Image.fromarray(make_grid(torch.stack(tiles), nrow=columns).permute(1, 2, 0).numpy())
