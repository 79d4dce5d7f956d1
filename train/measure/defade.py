"""How good a restorer of faded photographs is, in numbers, beside what people have without it."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch
from PIL import Image, ImageOps
from skimage.color import deltaE_ciede2000, lab2rgb, rgb2lab
from skimage.exposure import equalize_adapthist
from skimage.metrics import structural_similarity
from torchvision.utils import make_grid

from train.data.fading import fade_randomly, is_grey
from train.measure.colour import psnr
from train.measure.distance import Rgb

Restore = Callable[[Rgb], Rgb]

STRENGTHS = {"mild": 0.33, "medium": 0.66, "strong": 1.0}
"""Of the fadings that are measured."""


@dataclass(frozen=True)
class Likeness:
    """How like the originals pictures are; means over pictures.

    Attributes:
        psnr: dB.
        ssim: of the three channels (Wang et al. 2004), 1 for equal pictures.
        delta_e: CIEDE2000 colour difference, mean over the pixels of each picture; 1 can just be seen.
    """

    psnr: float
    ssim: float
    delta_e: float


@dataclass(frozen=True)
class DefadeMeasures:
    """What is measured on one set at one strength of fading.

    Attributes:
        images: how many.
        faded: before restoring.
        restored: after it.
        baselines: what other means make of it, by name (see ``BASELINES``).
        best_baseline: that of the highest mean PSNR.
        gain: mean PSNR of the restored over the faded, dB.
        gain_over_best: mean PSNR of the restored over that of ``best_baseline``, dB.
        wins_over_best: share of the pictures that are restored with a higher PSNR than ``best_baseline`` gives.
        wins_over_any: share of those restored with a higher PSNR than even the baseline that suits them best gives.
        delta_e_ratio: mean colour difference of the restored ÷ that of the faded.
    """

    images: int
    faded: Likeness
    restored: Likeness
    baselines: Mapping[str, Likeness]
    best_baseline: str
    gain: float
    gain_over_best: float
    wins_over_best: float
    wins_over_any: float
    delta_e_ratio: float


@dataclass(frozen=True)
class Compared:
    """A set's pictures, faded at one strength, and what was made of them.

    Attributes:
        originals: (H, W, 3) each.
        faded: what is restored.
        restored: by the model.
        baselines: by other means, by name.
    """

    originals: Sequence[Rgb]
    faded: Sequence[Rgb]
    restored: Sequence[Rgb]
    baselines: Mapping[str, Sequence[Rgb]]

    def first(self, count: int) -> Compared:
        """The same for the first pictures only."""
        baselines = {name: pictures[:count] for name, pictures in self.baselines.items()}
        return Compared(self.originals[:count], self.faded[:count], self.restored[:count], baselines)


# What people have without a model


def autocontrast(rgb: Rgb) -> Rgb:
    """Each channel stretched from its darkest to its brightest value."""
    return np.asarray(ImageOps.autocontrast(Image.fromarray(rgb)))


def clahe(rgb: Rgb) -> Rgb:
    """Contrast-limited adaptive histogram equalisation of CIE lightness; a and b stay."""
    lab = rgb2lab(rgb)
    lab[..., 0] = equalize_adapthist(lab[..., 0] / 100) * 100
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Conversion from CIE-LAB")  # what sRGB cannot hold is clipped, as expected
        return np.asarray(np.rint(lab2rgb(lab).clip(0, 1) * 255), np.uint8)


def grey_world(rgb: Rgb) -> Rgb:
    """White balance that makes the channels' means equal, then ``autocontrast``."""
    means = rgb.mean(axis=(0, 1))
    balanced = rgb * (means.mean() / np.maximum(means, 1))
    return autocontrast(np.asarray(np.rint(balanced.clip(0, 255)), np.uint8))


BASELINES: dict[str, Restore] = {"autocontrast": autocontrast, "clahe": clahe, "grey world": grey_world}


# Measuring


def colour_only(pictures: Sequence[Rgb]) -> list[Rgb]:
    """The pictures without those in black and white, for which faded colours cannot be measured."""
    return [rgb for rgb in pictures if not is_grey(_scaled(rgb))]


def _scaled(rgb: Rgb) -> npt.NDArray[np.float32]:
    return np.asarray(rgb.astype(np.float32) / np.float32(255))


def fade_all(pictures: Sequence[Rgb], strength: float, seed: int) -> list[Rgb]:
    """Every picture faded in its own way, which depends on the seed and its place, and not on the strength."""
    faded = []
    for number, rgb in enumerate(pictures):
        rng = np.random.default_rng([seed, number])
        out = fade_randomly(_scaled(rgb), strength, rng)
        faded.append(np.asarray(np.rint(out * 255), np.uint8))
    return faded


def compare(pictures: Sequence[Rgb], restore: Restore, strength: float, seed: int) -> Compared:
    """Fade pictures and restore them by all means."""
    faded = fade_all(pictures, strength, seed)
    baselines = {name: [baseline(rgb) for rgb in faded] for name, baseline in BASELINES.items()}
    return Compared(pictures, faded, [restore(rgb) for rgb in faded], baselines)


def delta_e(a: Rgb, b: Rgb) -> float:
    """CIEDE2000 colour difference of two pictures, mean over their pixels."""
    return float(deltaE_ciede2000(rgb2lab(a), rgb2lab(b)).mean())  # type: ignore[no-untyped-call]


def _ssim(a: Rgb, b: Rgb) -> float:
    return float(structural_similarity(a, b, channel_axis=2))  # type: ignore[no-untyped-call]


def _likeness(originals: Sequence[Rgb], pictures: Sequence[Rgb], psnrs: Sequence[float]) -> Likeness:
    pairs = list(zip(originals, pictures, strict=True))
    return Likeness(
        psnr=float(np.mean(psnrs)),
        ssim=float(np.mean([_ssim(a, b) for a, b in pairs])),
        delta_e=float(np.mean([delta_e(a, b) for a, b in pairs])),
    )


def measure_defade(compared: Compared) -> DefadeMeasures:
    """Compare what was made of faded pictures with the originals.

    A picture that comes back to the last bit counts with the PSNR of one pixel's channel that is off by one.
    """
    originals = compared.originals

    def psnrs(pictures: Sequence[Rgb]) -> list[float]:
        return [finite_psnr(a, b) for a, b in zip(originals, pictures, strict=True)]

    ours, before = psnrs(compared.restored), psnrs(compared.faded)
    theirs = {name: psnrs(pictures) for name, pictures in compared.baselines.items()}
    best = max(theirs, key=lambda name: float(np.mean(theirs[name])))
    faded = _likeness(originals, compared.faded, before)
    restored = _likeness(originals, compared.restored, ours)
    baselines = {name: _likeness(originals, compared.baselines[name], values) for name, values in theirs.items()}
    return DefadeMeasures(
        images=len(originals),
        faded=faded,
        restored=restored,
        baselines=baselines,
        best_baseline=best,
        gain=restored.psnr - faded.psnr,
        gain_over_best=restored.psnr - baselines[best].psnr,
        wins_over_best=float(np.mean(np.array(ours) > np.array(theirs[best]))),
        wins_over_any=float(np.mean(np.array(ours) > np.max(list(theirs.values()), axis=0))),
        delta_e_ratio=restored.delta_e / faded.delta_e if faded.delta_e else float("nan"),
    )


def finite_psnr(a: Rgb, b: Rgb) -> float:
    """``psnr``, and where two pictures are equal that of a single difference of one level."""
    return min(psnr(a, b), float(10 * np.log10(255**2 * a.size)))


def measure_fresh(pictures: Sequence[Rgb], restore: Restore) -> Likeness:
    """How like themselves pictures stay that were not faded."""
    restored = [restore(rgb) for rgb in pictures]
    return _likeness(pictures, restored, [finite_psnr(a, b) for a, b in zip(pictures, restored, strict=True)])


# Reporting


def defade_table(results: Mapping[str, Mapping[str, DefadeMeasures]], fresh: Mapping[str, Likeness]) -> str:
    """The results, by set and by name of the strength, as a Markdown table."""
    lines = [
        "| set | faded | images | | PSNR | SSIM | ΔE2000 |",
        "|---|---|---|---|---|---|---|",
    ]
    summary = [
        "| set | faded | over faded | over best baseline | beats it on | beats every baseline on | ΔE ÷ faded's |",
        "|---|---|---|---|---|---|---|",
    ]
    for name, by_strength in results.items():
        for strength, m in by_strength.items():
            for kind, likeness in {"faded": m.faded, "restored": m.restored, **m.baselines}.items():
                lines.append(f"| {name} | {strength} | {m.images} | {kind} | {_cells(likeness)} |")
            summary.append(
                f"| {name} | {strength} | {m.gain:+.2f} dB | {m.gain_over_best:+.2f} dB ({m.best_baseline}) "
                f"| {m.wins_over_best:.0%} | {m.wins_over_any:.0%} | {m.delta_e_ratio:.2f} |"
            )
        count = next(iter(by_strength.values())).images
        lines.append(f"| {name} | not | {count} | restored | {_cells(fresh[name])} |")
    return "\n".join([*lines, "", *summary])


def _cells(likeness: Likeness) -> str:
    return f"{likeness.psnr:.2f} dB | {likeness.ssim:.3f} | {likeness.delta_e:.2f}"


def defade_sheet(compared: Compared, best: str, *, columns: int = 12, side: int = 192) -> Image.Image:
    """Faded, restored, best baseline and original below one another, ``columns`` beside one another."""
    rows = (compared.faded, compared.restored, compared.baselines[best], compared.originals)
    tiles = []
    for start in range(0, len(compared.originals), columns):
        for pictures in rows:
            resized = [
                Image.fromarray(p).resize((side, side), Image.Resampling.BICUBIC)
                for p in pictures[start : start + columns]
            ]
            blank = [Image.new("RGB", (side, side), "white")] * (columns - len(resized))
            tiles += [torch.from_numpy(np.array(image)).permute(2, 0, 1) for image in resized + blank]
    return Image.fromarray(make_grid(torch.stack(tiles), nrow=columns).permute(1, 2, 0).numpy())
