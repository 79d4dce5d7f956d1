"""What TensorBoard shows of a run, and the progress bar in the terminal."""

from __future__ import annotations

import logging
import resource
import sys
import time
import warnings
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, cast

import torch
from torch import Tensor, nn
from torch.utils.tensorboard import SummaryWriter
from torch.utils.tensorboard.summary import hparams
from torchvision.utils import make_grid
from tqdm.auto import tqdm

from deoldify.imaging import denormalise
from train.errors import TrainingError

logger = logging.getLogger(__name__)

STEPS_BETWEEN_SCALARS = 10


class Board:
    """Writes a run's TensorBoard files; a process that does not lead writes nothing.

    Args:
        folder: for the files.
        step: the run's; what an earlier process wrote beyond it is hidden.
        stages: steps of each stage, and how much work one of them is, in any unit. The progress bar, which appears on
            a terminal only, goes by the work, so that small pictures do not promise an early end.
        active: whether to write.
    """

    def __init__(self, folder: Path, *, step: int, stages: Sequence[tuple[int, float]], active: bool) -> None:
        self._folder = str(folder)
        # What is hidden begins after the step that the run goes on from.
        self._writer = SummaryWriter(self._folder, purge_step=step + 1 if step else None) if active else None
        self._step, self._stages = step, stages
        self._bar = tqdm(
            total=self._work(sum(steps for steps, _ in stages)), initial=self._work(step),
            disable=None if active and logger.isEnabledFor(logging.INFO) else True, dynamic_ncols=True,
            bar_format="{desc}: {percentage:3.0f}%|{bar}| {elapsed}, {remaining} left{postfix}",
        )  # fmt: skip

        self._began, self._done_before = time.monotonic(), self._work(step)

    @property
    def has_bar(self) -> bool:
        """Whether the progress bar is to be seen."""
        return not self._bar.disable

    def progress(self) -> str:
        """How much of the run is done, by its work, and how long the rest is going to take."""
        done, whole = self._work(self._step), self._work(sum(steps for steps, _ in self._stages))
        speed = (done - self._done_before) / (time.monotonic() - self._began)
        left = tqdm.format_interval((whole - done) / speed) if speed > 0 else "?"
        return f"{done / whole:.0%}, {left} left"

    def _work(self, step: int) -> float:
        """The work of all steps up to one."""
        done = 0.0
        for steps, work in self._stages:
            taken = min(step, steps)
            done, step = done + taken * work, step - taken
        return done

    def scalars(self, values: Mapping[str, float], step: int) -> None:
        """Write numbers by name."""
        if self._writer is not None:
            for name, value in values.items():
                self._writer.add_scalar(name, value, step)

    def pictures(self, name: str, rows: Sequence[Tensor], step: int) -> None:
        """Write batches of normalised pictures, a row each."""
        if self._writer is not None:
            shown = torch.cat([denormalise(row.float()).clamp(0, 1).cpu() for row in rows])
            self._writer.add_image(name, make_grid(shown, nrow=len(rows[0])), step)

    def image(self, name: str, picture: Tensor, step: int) -> None:
        """Write one picture: (3, H, W) uint8."""
        if self._writer is not None:
            self._writer.add_image(name, picture, step)

    def histograms(self, name: str, network: nn.Module, step: int) -> None:
        """Write the distribution of every weight."""
        if self._writer is not None:
            for key, weight in network.named_parameters():
                self._writer.add_histogram(f"{name}/{key}", weight.detach().float(), step)

    def graph(self, network: nn.Module, x: Tensor) -> None:
        """Write the network's graph, traced on a batch."""
        if self._writer is not None:
            with torch.no_grad(), warnings.catch_warnings():
                warnings.simplefilter("ignore")  # the tracer warns of what does not matter for a drawing
                self._writer.add_graph(network, x)

    def recipe(self, recipe: Mapping[str, Any]) -> None:
        """Write the recipe's values as hyper-parameters."""
        if self._writer is not None:
            file = cast(Any, self._writer.file_writer)
            for summary in hparams(flat(recipe), {}):  # type: ignore[no-untyped-call]
                file.add_summary(summary)

    def advance(self, stage: str, shown: str) -> None:
        """Move the progress bar by one step."""
        before, self._step = self._work(self._step), self._step + 1
        self._bar.set_description_str(f"{stage}, step {self._step:,}", refresh=False)
        if shown:
            self._bar.set_postfix_str(shown, refresh=False)
        self._bar.update(self._work(self._step) - before)

    def back_to(self, step: int) -> None:
        """Move the progress bar back, and hide what was written beyond."""
        if self._writer is not None:
            self._writer.close()
            self._writer = SummaryWriter(self._folder, purge_step=step + 1)
        self._step = step
        self._bar.n = self._work(step)
        self._bar.refresh()

    def close(self) -> None:
        """Write what is still to be written.

        Raises:
            TrainingError: the folder cannot be written.
        """
        self._bar.close()
        if self._writer is not None:
            try:
                self._writer.close()
            except OSError as error:
                raise TrainingError(f"TensorBoard's files cannot be written: {error}") from error


def flat(values: Mapping[str, Any], prefix: str = "") -> dict[str, bool | str | float | int]:
    """Nested plain data with dotted names, stages by theirs; lists and ``None`` as text."""
    found: dict[str, bool | str | float | int] = {}
    for key, value in values.items():
        if key == "stages":
            for stage in value:
                found |= flat(stage, f"{prefix}{stage['name']}.")
        elif isinstance(value, Mapping):
            found |= flat(value, f"{prefix}{key}.")
        else:
            found[prefix + key] = value if isinstance(value, (bool, str, float, int)) else str(value)
    return found


def memory(device: torch.device) -> float:
    """Most memory in use so far in GiB: the GPU's, or this process's."""
    if device.type == "cuda":
        return torch.cuda.max_memory_allocated(device) / 2**30
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / 2**30 if sys.platform == "darwin" else peak / 2**20
