"""Photographs from folders and tar files, cut, degraded and batched; every sample is a function of the seed.

``train.shards`` is the same for tar files that are streamed.
"""

from __future__ import annotations

import io
import multiprocessing
import os
import signal
import tarfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO, Literal, Protocol
from zlib import crc32

import numpy as np
import numpy.typing as npt
import torch
from PIL import Image, ImageChops, ImageFilter
from torch import Tensor
from torch.utils.data import DataLoader, Dataset, Sampler, Subset

from deoldify.errors import DeOldifyError
from deoldify.imaging import LUMA_WEIGHTS, sampled, sampled_square
from train.fading import fade, fade_randomly, jitter_2018
from train.parallel import Peers

SUFFIXES = {".jpg", ".jpeg", ".png", ".webp", ".bmp", ".tif", ".tiff"}
SampleKey = tuple[int, int, int]  # which image, optimisation step, place in the batch
Task = Literal["colorize", "defade"]
Damage = Literal["old photograph", "grey", "fading", "jitter-2018"]
Rgb = npt.NDArray[np.uint8]  # (H, W, 3)
Pairs = Iterable[tuple[Tensor, Tensor]]
"""Batches of (before, after), each (N, 3, size, size) uint8."""


class DataError(DeOldifyError):
    """The training data cannot be used."""


@dataclass(frozen=True)
class Entry:
    """Where one image lies: a file, or ``size`` bytes at ``offset`` of a tar file."""

    source: str
    name: str
    path: Path
    offset: int = 0
    size: int = -1


def index(*roots: Path) -> list[Entry]:
    """List the images of folders, or of tar files.

    A tar file is a source named after it; so is each sub-folder; images directly in a folder are the source ``"."``.

    Args:
        roots: folders, in which sub-folders and tar files are looked into; tar files; or image files.

    Raises:
        DataError: one of them is missing or is no tar file, or there is no image in any of them.
    """
    entries = []
    for root in roots:
        if not root.exists():
            raise DataError(f"{root} does not exist; --data names a folder of images, of sub-folders, or of tar files")
        inside = sorted(root.rglob("*")) if root.is_dir() else [root]
        for path in inside:
            if path.suffix == ".tar":
                entries += _index_tar(path)
            elif path.suffix.lower() in SUFFIXES:
                relative = path.relative_to(root if root.is_dir() else root.parent)
                entries.append(Entry(relative.parts[0] if len(relative.parts) > 1 else ".", str(relative), path))
    if not entries:
        looked = ", ".join(map(str, roots[:3])) + (", …" if len(roots) > 3 else "")
        raise DataError(f"{looked} holds no images ({', '.join(sorted(SUFFIXES))}) and no tar files of them")
    return entries


def _index_tar(path: Path) -> list[Entry]:
    try:
        with tarfile.open(path) as tar:
            return [
                Entry(path.stem, name_in_tar(path.stem, member.name), path, member.offset_data, member.size)
                for member in tar
                if is_image(member)
            ]
    except (tarfile.TarError, OSError) as error:
        raise DataError(f"{path} cannot be read as a tar file ({error}); make it again or move it away") from error


def is_image(member: tarfile.TarInfo) -> bool:
    """Whether a member of a tar file is an image, by its name."""
    return member.isfile() and Path(member.name).suffix.lower() in SUFFIXES


def name_in_tar(stem: str, member: str) -> str:
    """What an image in a tar file is called: the same wherever the tar file lies."""
    return f"{stem}/{Path(member).name}"


HELD_OUT = 0.01
"""Share of the images that training does not see."""


def is_held_out(name: str, share: float = HELD_OUT) -> bool:
    """Whether an image belongs to the validation part; decided by its name alone, so it never moves."""
    return crc32(name.encode()) < share * 2**32


class Reader:
    """Reads entries; keeps one open handle per tar file, so it must not be shared between processes."""

    def __init__(self) -> None:
        self._handles: dict[Path, BinaryIO] = {}

    def read(self, entry: Entry) -> Image.Image:
        """The image as RGB; raises ``OSError`` where it cannot be read or decoded."""
        return decoded(self.content(entry))

    def content(self, entry: Entry) -> bytes:
        """The file as it is; raises ``OSError`` where it cannot be read."""
        if entry.size < 0:
            return entry.path.read_bytes()
        if entry.path not in self._handles:
            self._handles[entry.path] = entry.path.open("rb")
        handle = self._handles[entry.path]
        handle.seek(entry.offset)
        return handle.read(entry.size)


def decoded(content: bytes) -> Image.Image:
    """The image in a file's content, as RGB; raises ``OSError`` where there is none."""
    try:
        return Image.open(io.BytesIO(content)).convert("RGB")
    except Exception as error:  # a damaged file fails in as many ways as there are bytes
        raise OSError(f"no image that can be decoded: {error}") from error


def cut(image: Image.Image, size: int, rng: np.random.Generator, smallest: float = 0.5) -> Image.Image:
    """A random part of an image as a ``size`` × ``size`` square, mirrored half of the time.

    Photographs are stretched to a square before a generator sees them, so the part keeps only roughly its shape.

    Args:
        image: any size.
        size: side of the result in pixels.
        rng: source of chance.
        smallest: the least share of the image's area that is kept.
    """
    left, top, w, h = _part(image.size, rng, smallest)
    part = image.resize((size, size), Image.Resampling.BICUBIC, box=(left, top, left + w, top + h), reducing_gap=2.0)
    return part.transpose(Image.Transpose.FLIP_LEFT_RIGHT) if rng.random() < 0.5 else part


def cut_out(image: Image.Image, most: int, rng: np.random.Generator, smallest: float = 0.5) -> Rgb:
    """A random part of an image in its own pixels, mirrored half of the time; see ``cut``.

    Args:
        image: any size.
        most: longest side of the result in pixels; of a larger part, evenly picked pixels are taken.
        rng: source of chance.
        smallest: the least share of the image's area that is kept.
    """
    left, top, w, h = _part(image.size, rng, smallest)
    pixels: Rgb = np.asarray(image.crop((left, top, left + w, top + h)))
    shrink = min(1.0, most / max(w, h))
    part: Rgb = np.asarray(sampled(pixels, max(1, round(h * shrink)), max(1, round(w * shrink))), np.uint8)
    return np.ascontiguousarray(part[:, ::-1]) if rng.random() < 0.5 else part


def _part(size: tuple[int, int], rng: np.random.Generator, smallest: float) -> tuple[int, int, int, int]:
    """Left, top, width and height of a random part."""
    width, height = size
    area = width * height * rng.uniform(smallest, 1.0)
    aspect = (width / height) ** rng.uniform(0.4, 1.0) * np.exp(rng.uniform(-0.2, 0.2))
    w = min(width, max(1, round((area * aspect) ** 0.5)))
    h = min(height, max(1, round((area / aspect) ** 0.5)))
    return int(rng.integers(width - w + 1)), int(rng.integers(height - h + 1)), w, h


def as_old_photograph(rgb: Rgb, rng: np.random.Generator) -> npt.NDArray[np.uint8]:
    """The grey picture that an old camera, print and scanner might have left of a scene.

    Emulsions before about 1930 saw little red (orthochromatic), prints have their own tone curve, and scans bring
    blur, grain, JPEG and sometimes a border. A third of the pictures stay the plain luma.

    Args:
        rgb: (H, W, 3) uint8.
        rng: source of chance.

    Returns:
        (H, W) uint8.
    """
    weights = np.array(LUMA_WEIGHTS)
    if rng.random() < 1 / 3:
        return _to_bytes(rgb @ weights / 255)
    if rng.random() < 0.4:  # another emulsion or filter: any mix of channels, now and then nearly blind to red
        weights = rng.dirichlet(np.array([2.0, 4.0, 1.5]))
    grey = rgb @ weights / 255
    if rng.random() < 0.7:
        grey = grey ** np.exp(rng.normal(0, 0.25))
    if rng.random() < 0.6:
        low, high = rng.uniform(-0.1, 0.2), rng.uniform(0.8, 1.1)
        grey = low + grey * (high - low)
    if rng.random() < 0.3:
        picture = Image.fromarray(_to_bytes(grey)).filter(ImageFilter.GaussianBlur(float(rng.uniform(0.3, 1.0))))
        grey = np.asarray(picture) / 255
    if rng.random() < 0.5:
        grey = grey + rng.normal(0, rng.uniform(0.005, 0.06), grey.shape)
    if rng.random() < 0.3:
        buffer = io.BytesIO()
        Image.fromarray(_to_bytes(grey)).save(buffer, "JPEG", quality=int(rng.integers(30, 90)))
        return np.asarray(Image.open(buffer))
    return _to_bytes(grey)


def _to_bytes(values: npt.NDArray[np.floating]) -> npt.NDArray[np.uint8]:
    return np.asarray(np.rint(np.clip(values, 0, 1) * 255), dtype=np.uint8)


def _luma_only(rgb: Rgb) -> Rgb:
    return np.repeat(_to_bytes(rgb @ np.array(LUMA_WEIGHTS) / 255)[..., None], 3, axis=-1)


def with_border(rgb: Rgb, rng: np.random.Generator) -> Rgb:
    """The picture inside a neutral mount or a black scan border of its own width on each side."""
    height, width = rgb.shape[:2]
    top, bottom, left, right = rng.integers(0, max(2, min(height, width) // 10), 4)
    framed = np.full_like(rgb, rng.choice([rng.integers(0, 40), rng.integers(200, 256)]))
    inner = Image.fromarray(rgb).resize((width - left - right, height - top - bottom), Image.Resampling.BICUBIC)
    framed[top : height - bottom, left : width - right] = np.asarray(inner)
    return framed


@dataclass(frozen=True)
class Preparation:
    """How a picture becomes a pair of what a generator sees and what it should make of it.

    Attributes:
        damage: what makes the input of the original: ``"old photograph"``, see ``colorize_pair``; ``"grey"``, its
            luma and nothing else, as in 2018 and 2019; ``"fading"``, see ``defade_pair``; ``"jitter-2018"``,
            brightness and contrast shaken by a half.
        crop: the least share of a picture's area that is kept.
        lighting: largest change of brightness and contrast of input and original alike; see ``relit``.
        warp: largest shift of a corner towards the centre, in units of the side; see ``tilted``.
        noise: probability of noise on the input; see ``noisy``.
        sampled: damage the picture at its own size and pick pixels of it then, for a generator that reads tones off
            single pixels (``GeneratorConfig.sees_samples``).
    """

    damage: Damage = "old photograph"
    crop: float = 0.5
    lighting: float = 0.0
    warp: float = 0.0
    noise: float = 0.0
    sampled: bool = False

    @property
    def wants_colour(self) -> bool:
        """Whether greyscale originals teach the wrong thing."""
        return self.damage in ("old photograph", "grey")

    def pair(self, image: Image.Image, size: int, rng: np.random.Generator) -> tuple[Rgb, Rgb]:
        """Input and original, (size, size, 3) each, of an RGB image."""
        if self.warp:
            image = tilted(image, self.warp, rng)
        rgb = cut_out(image, 2 * size, rng, self.crop) if self.sampled else np.asarray(cut(image, size, rng, self.crop))
        if self.lighting:
            rgb = relit(rgb, self.lighting, rng)
        before, after = self._damaged(rgb, rng)
        if self.sampled:
            before, after = sampled_square(before, size), sampled_square(after, size)
        if self.noise and rng.random() < self.noise:
            before = noisy(before, rng)
        return before, after

    def planes(self, image: Image.Image, size: int, rng: np.random.Generator) -> tuple[Tensor, Tensor]:
        """Input and original, (3, size, size) uint8 each, of an RGB image."""
        before, after = (np.ascontiguousarray(rgb.transpose(2, 0, 1)) for rgb in self.pair(image, size, rng))
        return torch.from_numpy(before), torch.from_numpy(after)

    def _damaged(self, rgb: Rgb, rng: np.random.Generator) -> tuple[Rgb, Rgb]:
        if self.damage == "old photograph":
            return colorize_pair(rgb, rng)
        if self.damage == "fading":
            return defade_pair(rgb, rng)
        if self.damage == "grey":
            return _luma_only(rgb), rgb
        return _to_bytes(fade(np.asarray(rgb, np.float32) / np.float32(255), jitter_2018(rng))), rgb


def tilted(image: Image.Image, most: float, rng: np.random.Generator) -> Image.Image:
    """The image as a camera held at another angle would see it: each corner moves inwards by up to half of ``most``."""
    width, height = image.size
    (left, top), (left2, bottom), (right, bottom2), (right2, top2) = rng.uniform(0, most / 2, (4, 2)).tolist()
    corners = ((left, top), (left2, 1 - bottom), (1 - right, 1 - bottom2), (1 - right2, top2))
    quad = [length * share for corner in corners for length, share in zip((width, height), corner)]
    return image.transform((width, height), Image.Transform.QUAD, quad, Image.Resampling.BILINEAR)


def relit(rgb: Rgb, most: float, rng: np.random.Generator) -> Rgb:
    """Other brightness and contrast, in the logit of the values, so that nothing clips.

    Args:
        rgb: (H, W, 3) uint8.
        most: below 1; mid-grey moves to within 0.5 × (1 ± ``most``), contrast by a factor within 1 − ``most`` and
            its inverse.
        rng: source of chance.
    """
    middle = rng.uniform(0.5 * (1 - most), 0.5 * (1 + most))
    contrast = np.exp(rng.uniform(np.log(1 - most), -np.log(1 - most)))
    values = np.clip(rgb / 255, 0.5 / 255, 1 - 0.5 / 255)
    logit = np.log(values / (1 - values)) * contrast + np.log(middle / (1 - middle))
    return _to_bytes(1 / (1 + np.exp(-logit)))


def noisy(rgb: Rgb, rng: np.random.Generator) -> Rgb:
    """A share of the pixels, up to 40 %, lighter or darker by up to 30 levels: what flickers from frame to frame."""
    hit = rng.random(rgb.shape[:2]) < rng.uniform(0.001, 0.4)
    change = rng.integers(-30, 31, rgb.shape[:2]) * hit
    return np.asarray(np.clip(rgb + change[..., None], 0, 255), np.uint8)


def has_no_colour(image: Image.Image, tolerance: int = 8) -> bool:
    """Whether an RGB image's channels nowhere differ by more than a JPEG of a grey picture may make them."""
    red, green, blue = image.split()
    pairs = ((red, green), (blue, green))
    return all(ImageChops.difference(*pair).getextrema()[1] <= tolerance for pair in pairs)  # type: ignore[operator]


class Skipped:
    """Counts images that were left out, over all workers."""

    def __init__(self) -> None:
        self._counts = multiprocessing.Array("q", 2)

    def add(self, *, corrupt: int = 0, grey: int = 0) -> None:
        with self._counts.get_lock():
            self._counts[0] += corrupt
            self._counts[1] += grey

    def counts(self) -> tuple[int, int]:
        """How often an image could not be decoded, and how often one had no colour to learn from."""
        return int(self._counts[0]), int(self._counts[1])


class Samples(Dataset[tuple[Tensor, Tensor]]):
    """Pairs of what a generator sees and what it should make of it, both (3, size, size) uint8.

    Args:
        entries: the images.
        preparation: how pairs are made.
        size: side of the squares in pixels.
        seed: of the run; a sample depends on it and on its key, on nothing else.
        skipped: counts what is left out.
    """

    def __init__(
        self, entries: Sequence[Entry], preparation: Preparation, size: int, seed: int, skipped: Skipped | None = None
    ) -> None:
        self.entries, self.preparation, self.size, self.seed = entries, preparation, size, seed
        self.skipped = skipped or Skipped()
        self._reader = Reader()

    def __len__(self) -> int:
        return len(self.entries)

    def __getitem__(self, key: SampleKey) -> tuple[Tensor, Tensor]:
        """The sample for a key; an image that is of no use gives way to the next that is."""
        number, step, place = key
        rng = np.random.default_rng([self.seed, step, place])
        for offset in range(len(self.entries)):
            entry = self.entries[(number + offset) % len(self.entries)]
            try:
                content = self._reader.content(entry)
            except OSError:
                content = b""
            image = useful(content, self.preparation, self.skipped)
            if image is not None:
                return self.preparation.planes(image, self.size, rng)
        raise DataError(NOTHING_USEFUL)


NOTHING_USEFUL = "not one of the training images can be decoded and has colour"


def useful(content: bytes, preparation: Preparation, skipped: Skipped) -> Image.Image | None:
    """The image in a file's content, or ``None``, counted, where there is nothing to learn from it."""
    try:
        image = decoded(content)
    except OSError:
        skipped.add(corrupt=1)
        return None
    if preparation.wants_colour and has_no_colour(image):
        skipped.add(grey=1)
        return None
    return image


def colorize_pair(rgb: Rgb, rng: np.random.Generator) -> tuple[Rgb, Rgb]:
    """An old photograph of a scene, as grey RGB, and the scene in colour."""
    if rng.random() < 0.08:
        rgb = with_border(rgb, rng)
    return np.repeat(as_old_photograph(rgb, rng)[..., None], 3, axis=-1), rgb


def defade_pair(rgb: Rgb, rng: np.random.Generator) -> tuple[Rgb, Rgb]:
    """A faded photograph and the fresh one.

    One in ten is not faded at all, so that a photograph that is fine is left alone; one in eight was black and
    white, so that a toned silver print comes back neutral; one in twelve has a border, which fades with it.
    """
    if rng.random() < 1 / 12:
        rgb = with_border(rgb, rng)
    if rng.random() < 1 / 8:
        rgb = _luma_only(rgb)
    strength = 0.0 if rng.random() < 1 / 10 else rng.uniform(0.15, 1.0)
    return _to_bytes(fade_randomly(np.asarray(rgb, np.float32) / np.float32(255), strength, rng)), rgb


class WeightedBatches(Sampler[list[SampleKey]]):
    """Batches for the steps of a stage: each is drawn anew from (seed, step), so that resuming needs no replay.

    Args:
        entries: the images.
        shares: how often each source is drawn; sources not named are left out. Where it is empty, or the data have
            none of its sources, every image is drawn alike.
        batch: samples in a batch.
        steps: the steps to draw for, as numbers that are unique within the run.
        seed: of the run.
        part: the places of a batch that this process takes; the others belong to its peers.
    """

    def __init__(
        self,
        entries: Sequence[Entry],
        shares: Mapping[str, float],
        batch: int,
        steps: range,
        seed: int,
        part: slice = slice(None),
    ) -> None:
        self.batch, self.steps, self.seed, self.part = batch, steps, seed, part
        by_source: dict[str, list[int]] = {}
        for number, entry in enumerate(entries):
            by_source.setdefault(entry.source, []).append(number)
        wanted = {name: share for name, share in shares.items() if name in by_source}
        if not wanted:
            wanted = {name: float(len(numbers)) for name, numbers in by_source.items()}
        self._pools = [np.array(by_source[name]) for name in wanted]
        total = sum(wanted.values())
        self._shares = [share / total for share in wanted.values()]

    def __len__(self) -> int:
        return len(self.steps)

    def __iter__(self) -> Iterator[list[SampleKey]]:
        for step in self.steps:
            rng = np.random.default_rng([self.seed, step])
            pools = rng.choice(len(self._pools), size=self.batch, p=self._shares)
            yield [(int(rng.choice(self._pools[pool])), step, place) for place, pool in enumerate(pools)][self.part]


@dataclass(frozen=True)
class Drawing:
    """What a stage wants of a source.

    Attributes:
        preparation: how pairs are made.
        size: side of the squares in pixels.
        batch: pairs in a batch, of all processes together.
        shares: how often each source of the data is drawn; see ``WeightedBatches``.
        seed: of the run.
        workers: processes that prepare pairs; 0 for none.
        peers: the processes that share the batches.
    """

    preparation: Preparation
    size: int
    batch: int
    shares: Mapping[str, float]
    seed: int
    workers: int
    peers: Peers


class Source(Protocol):
    """Where a run's photographs come from.

    Attributes:
        images: how many there are to train on; ``None`` where nobody has said.
        skipped: counts what is left out.
    """

    images: int | None
    skipped: Skipped

    def batches(self, drawing: Drawing, steps: range) -> Pairs:
        """This process's part of the batches of some steps, (N, 3, size, size) uint8, one per step."""

    def pairs(self, drawing: Drawing, step: int) -> Pairs:
        """This process's part of one batch, in pieces, whatever the batches of ``batches`` are.

        Args:
            drawing: its batch may be larger than memory.
            step: decides with the seed what is drawn.
        """

    def few(self, folder: Path, most: int) -> list[Entry]:
        """Images to look at while training: of the validation part, or where there is too little of it, any.

        Args:
            folder: of the run; what has to be brought from elsewhere is kept there.
            most: how many at least, if there are so many; those that lie on this machine anyway come all.
        """

    def state(self, peers: Peers) -> dict[str, Any]:
        """Plain data that tells how far the run has got in the data; all processes must ask at once."""

    def go_to(self, state: Mapping[str, Any]) -> None:
        """Go on from where ``state`` was asked for."""


class Images:
    """A source of images that lie on this machine, each to be had at any time; see ``Source``.

    Args:
        entries: the images, those of the validation part among them.
    """

    def __init__(self, entries: Sequence[Entry]) -> None:
        self.entries = [entry for entry in entries if not is_held_out(entry.name)]
        self.held_out = [entry for entry in entries if is_held_out(entry.name)]
        self.images: int | None = len(self.entries)
        self.skipped = Skipped()

    def batches(self, drawing: Drawing, steps: range) -> Pairs:
        part = drawing.peers.part(drawing.batch)
        return batches(
            self._samples(drawing), batch=drawing.batch, shares=drawing.shares, steps=steps, workers=drawing.workers,
            part=part,
        )  # fmt: skip

    def pairs(self, drawing: Drawing, step: int) -> Pairs:
        samples = self._samples(drawing)
        part = slice(drawing.peers.rank, None, drawing.peers.count)
        (keys,) = WeightedBatches(self.entries, drawing.shares, drawing.batch, range(step, step + 1), drawing.seed)
        return DataLoader(
            Subset(samples, keys[part]),  # type: ignore[arg-type]  # samples are asked for by more than a number
            batch_size=PIECE, num_workers=drawing.workers, worker_init_fn=leave_signals_to_the_run,
        )  # fmt: skip

    def few(self, folder: Path, most: int) -> list[Entry]:
        return self.held_out or self.entries

    def state(self, peers: Peers) -> dict[str, Any]:
        return {}  # every batch follows from its step

    def go_to(self, state: Mapping[str, Any]) -> None:
        pass

    def _samples(self, drawing: Drawing) -> Samples:
        return Samples(self.entries, drawing.preparation, drawing.size, drawing.seed, self.skipped)


PIECE = 32
"""Pairs that ``Source.pairs`` gives at once."""


def batches(
    samples: Samples,
    *,
    batch: int,
    shares: Mapping[str, float],
    steps: range,
    workers: int,
    part: slice = slice(None),
) -> Pairs:
    """Batches of (before, after), each (N, 3, size, size) uint8, one per step of ``steps``."""
    return DataLoader(
        samples,
        batch_sampler=WeightedBatches(samples.entries, shares, batch, steps, samples.seed, part),
        num_workers=workers,
        persistent_workers=False,
        prefetch_factor=4 if workers else None,
        worker_init_fn=leave_signals_to_the_run,
    )


def leave_signals_to_the_run(worker: int) -> None:
    """For a loader's workers: what a terminal or a launcher tells the group of processes, the run is to decide on.

    It needs its workers until its step has ended. When it ends itself it ends them, by SIGTERM.
    """
    if hasattr(os, "setsid"):
        os.setsid()
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
