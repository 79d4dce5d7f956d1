"""What a stage is fed with: batches of pictures, or of renders that are made first; and the pictures looked at."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from pathlib import Path

import torch
from torch import Tensor

from deoldify import load_colorizer
from deoldify.colorizer import Colorizer
from deoldify.imaging import denormalise
from train.data import (
    Drawing,
    Entry,
    Images,
    Lessons,
    Pairs,
    Preparation,
    RenderedPairs,
    Samples,
    Source,
    give_lessons,
    make_renders,
    rendered_batches,
)
from train.errors import TrainingError
from train.recipes import Recipe, Stage
from train.run.networks import Networks

logger = logging.getLogger(__name__)

FIXED = 12
"""Pictures in the fixed batch of the progress images."""


class Feed:
    """The batches of a run.

    Args:
        recipe: resolved.
        source: of the photographs.
        networks: whose generator renders for a critic alone.
        folder: of the run, where such renders are kept.
        workers: processes that prepare pairs.
    """

    def __init__(self, recipe: Recipe, source: Source, networks: Networks, folder: Path, workers: int) -> None:
        self.recipe, self.source, self.networks = recipe, source, networks
        self.folder, self.workers = folder, workers
        self.lessons: Lessons | None = None

    def be_taught(self) -> None:
        """Have the recipe's teacher, if there is one, colour the photographs that it has not coloured yet.

        Raises:
            TrainingError: the photographs are streamed, or the disk has no room.
            DeOldifyError: there is no such model, or it cannot be loaded.
        """
        if not self.recipe.teacher:
            return
        if not isinstance(self.source, Images):
            raise TrainingError("a teacher needs photographs that lie on this machine; streamed ones come only once")
        peers = self.networks.peers
        teacher = teacher_of(self.recipe.teacher, peers.device)
        self.lessons = give_lessons(self.folder, self.source.entries, teacher, self.recipe.teacher_weight, peers)

    def batches(self, stage: Stage, seed: int, start: int, step: int) -> Pairs:
        """The batches of a stage, (N, 3, size, size) uint8 before and after; with a teacher, see ``Samples``.

        Args:
            stage: which; of the critic alone, what comes before are renders.
            seed: of the run.
            start: the run's step that the stage begins at.
            step: the run's step to begin with.
        """
        steps = range(step, start + stage.steps)
        if stage.phase == "critic":
            return self._rendered(stage, seed, start, steps)
        return self.source.batches(self._drawing(stage, stage.batch, seed), steps)

    def fixed(self, stage: Stage, few: Sequence[Entry]) -> tuple[Tensor, Tensor]:
        """The same pictures whenever a stage is looked at, before and after, as ``batches`` gives them."""
        samples = Samples(few, self._preparation(stage), stage.size, seed=0)
        numbers = torch.linspace(0, len(samples) - 1, FIXED).long().tolist()
        before, original = zip(*(samples[(number, 0, place)] for place, number in enumerate(numbers)))
        return torch.stack(before), torch.stack(original)

    def clear(self, stage: Stage) -> None:
        """Remove the renders of a stage that has ended."""
        self._renders(stage).unlink(missing_ok=True)

    def _drawing(self, stage: Stage, batch: int, seed: int) -> Drawing:
        preparation, peers = self._preparation(stage), self.networks.peers
        lessons = None if stage.phase == "critic" else self.lessons
        return Drawing(
            preparation, stage.size, batch, dict(stage.shares), seed, self.workers, peers, stage.limits, lessons
        )  # fmt: skip

    def _preparation(self, stage: Stage) -> Preparation:
        recipe = self.recipe
        return Preparation(
            recipe.damage, recipe.crop, recipe.lighting, recipe.warp, stage.noise, recipe.generator.sees_samples
        )

    def _rendered(self, stage: Stage, seed: int, start: int, steps: range) -> Pairs:
        """Batches of renders, made now unless an earlier process made them, beside their originals."""
        path, peers = self._renders(stage), self.networks.peers
        if not path.exists():
            count = stage.renders_on(self.source.images or 0)
            logger.info("rendering %d pictures for the critic", count)
            pairs = self.source.pairs(self._drawing(stage, count, seed), start)
            make_renders(path, count, stage.size, pairs, self._render_eight_bits, peers)
        half = stage.batch // 2
        return rendered_batches(
            RenderedPairs(path), batch=half, start=start, steps=steps, seed=seed, workers=self.workers,
            part=peers.part(half),
        )  # fmt: skip

    def _renders(self, stage: Stage) -> Path:
        return self.folder / f"pairs-{stage.name}.npy"

    def _render_eight_bits(self, pictures: Tensor) -> Tensor:
        """Renders of uint8 pictures, (N, 3, size, size) to the same."""
        render = self.networks.render(self.networks.seen(pictures))
        return (denormalise(render.float()).clamp(0, 1) * 255).round().to(torch.uint8).cpu()


def teacher_of(name: str, device: torch.device) -> Colorizer:
    """A teacher by its name, or by the path of its weights."""
    is_file = Path(name).is_file()
    return load_colorizer("auto" if is_file else name, checkpoint=name if is_file else None, device=device.type)
