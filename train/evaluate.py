"""How good a colorizer is, in numbers, on photographs whose colours are known."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch
import torch.nn.functional as F
from PIL import Image
from torch import Tensor, nn
from torchvision.utils import make_grid

from deoldify.imaging import chroma
from train.data import Reader, index
from train.features import lite0_classifier

Rgb = npt.NDArray[np.uint8]
Paint = Callable[[Image.Image], Image.Image]

SIDES = {"scenes": 128, "faces": 128}
"""Pictures are measured as squares of this side by set, to compare with earlier figures; other sets at 256."""

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
    """

    images: int
    psnr: float
    psnr_grey: float
    colourfulness: float
    colourfulness_original: float
    delta_colourfulness: float
    kid_lite0: float
    blotches: float = 0.0


def grey_of(rgb: Rgb) -> Rgb:
    """The picture without its colour: grey of the same CIE lightness, as colorization papers make it.

    Args:
        rgb: (H, W, 3) sRGB.

    Returns:
        (H, W, 3), three equal channels.
    """
    encoded = rgb / 255
    linear = np.where(encoded <= 0.04045, encoded / 12.92, ((encoded + 0.055) / 1.055) ** 2.4)
    luminance = linear @ _LUMINANCE_WEIGHTS
    grey = np.where(luminance <= 0.0031308, luminance * 12.92, 1.055 * luminance ** (1 / 2.4) - 0.055)
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
        for start in range(0, len(pictures), 32):
            resized = [
                np.asarray(Image.fromarray(p).resize((160, 160), Image.Resampling.BICUBIC))
                for p in pictures[start : start + 32]
            ]
            x = torch.from_numpy(np.stack(resized)).permute(0, 3, 1, 2).float() / 255
            maps = self._network.forward_features((x - 0.5) / 0.5)  # type: ignore[operator]
            rows.append(self._network.forward_head(maps, pre_logits=True))  # type: ignore[operator]
        return torch.cat(rows)


def originals(folder: Path) -> dict[str, list[Rgb]]:
    """The pictures of every set of a folder (see ``train.data.index``), as squares of the set's side."""
    reader, sets = Reader(), dict[str, list[Rgb]]()
    for entry in index(folder):
        side = SIDES.get(entry.source, 256)
        square = reader.read(entry).resize((side, side), Image.Resampling.BICUBIC)
        sets.setdefault(entry.source, []).append(np.asarray(square))
    return sets


def measure(pictures: Sequence[Rgb], renders: Sequence[Rgb], features: PooledFeatures | None) -> Measures:
    """Compare renders with the originals they were made from (grey); lists of (H, W, 3) of equal length."""
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
    )


def paint_all(pictures: Sequence[Rgb], paint: Paint) -> list[Rgb]:
    """What ``paint`` makes of every picture's grey version."""
    return [np.asarray(paint(Image.fromarray(grey_of(p)))) for p in pictures]


def table(results: dict[str, Measures]) -> str:
    """The results as a Markdown table."""
    lines = [
        "| set | images | PSNR | over grey | CF | CF ÷ originals' | ΔCF | kid_lite0 | blotches |",
        "|---|---|---|---|---|---|---|---|---|",
    ]
    for name, m in results.items():
        lines.append(
            f"| {name} | {m.images} | {m.psnr:.2f} dB | {m.psnr - m.psnr_grey:+.2f} dB | {m.colourfulness:.1f} "
            f"| {m.colourfulness / m.colourfulness_original:.3f} | {m.delta_colourfulness:.1f} | {m.kid_lite0:.1f} "
            f"| {m.blotches:.1%} |"
        )
    return "\n".join(lines)


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
