"""Several processes on one run, started by torchrun: who we are, and what has to be the same everywhere."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from typing import cast

import torch
import torch.distributed as dist
from torch import Tensor, nn
from torch.nn.parallel import DistributedDataParallel

from train.errors import TrainingError


@dataclass(frozen=True)
class Peers:
    """This process among those of a run.

    Attributes:
        rank: its number.
        count: of processes; 1 without torchrun.
        device: where it trains.
    """

    rank: int
    count: int
    device: torch.device

    @property
    def leads(self) -> bool:
        """Whether this process writes files."""
        return self.rank == 0

    def agree(self, flag: bool) -> bool:
        """Whether the flag is raised in any process."""
        if self.count == 1:
            return flag
        raised = torch.tensor(float(flag), device=self.device)
        dist.all_reduce(raised)
        return bool(raised.item() > 0)

    def mean(self, value: float) -> float:
        """The mean of a number over all processes."""
        if self.count == 1:
            return value
        total = torch.tensor(value, dtype=torch.float64, device=self.device)
        dist.all_reduce(total)
        return float(total.item()) / self.count

    def averaged(self, values: Tensor) -> Tensor:
        """The mean of a tensor over all processes; in place where there are several."""
        if self.count > 1:
            dist.all_reduce(values)
            values /= self.count
        return values

    def total(self, value: float) -> float:
        """The sum of a number over all processes."""
        return self.mean(value) * self.count

    def highest(self, values: Sequence[int]) -> list[int]:
        """The highest value over all processes, for each of several."""
        if self.count == 1:
            return list(values)
        highest = torch.tensor(values, dtype=torch.int64, device=self.device)
        dist.all_reduce(highest, dist.ReduceOp.MAX)
        return cast("list[int]", highest.tolist())

    def wait(self) -> None:
        """Wait until all processes are here."""
        if self.count > 1:
            dist.barrier()

    def part(self, batch: int) -> slice:
        """The places of a batch that are this process's.

        Raises:
            TrainingError: the batch cannot be divided.
        """
        if batch % self.count:
            raise TrainingError(f"a batch of {batch} cannot be divided among {self.count} processes; --set batch")
        return slice(self.rank, None, self.count)

    def wrapped(self, module: nn.Module) -> nn.Module:
        """The module with gradients averaged over all processes; itself where there is one process."""
        if self.count == 1:
            return module
        # Buffers need no broadcast: batch norms share their statistics, spectral norms see the same weights.
        return DistributedDataParallel(
            module, device_ids=[self.device] if self.device.type == "cuda" else None, broadcast_buffers=False
        )


def device_called(name: str) -> torch.device:
    """The device that a name stands for: ``cpu``, ``cuda``, ``cuda:1``, ``mps``, or ``auto``, CUDA where there is one.

    Raises:
        TrainingError: there is no such device here; the message says what there is.
    """
    count = torch.cuda.device_count() if torch.cuda.is_available() else 0
    mps = torch.backends.mps.is_available()
    if name == "auto":
        return torch.device("cuda" if count else "cpu")
    there = {"cpu", *(["mps"] if mps else []), *(["cuda"] if count else []), *(f"cuda:{i}" for i in range(count))}
    if name not in there:
        raise TrainingError(
            f"there is no device {name!r} here, or this PyTorch was built without it; there is: "
            f"{', '.join(sorted(there))}; or leave it to --device auto"
        )
    return torch.device(name)


def join(device: str) -> Peers:
    """Join the other processes, if torchrun started this one.

    Args:
        device: see ``device_called``; of several GPUs each process takes the one of its local rank.

    Raises:
        TrainingError: there is no such device here.
    """
    chosen = device_called(device)
    if "WORLD_SIZE" not in os.environ:
        return Peers(0, 1, chosen)
    if chosen.type == "cuda":
        chosen = torch.device("cuda", int(os.environ["LOCAL_RANK"]))
        torch.cuda.set_device(chosen)
    if not dist.is_initialized():
        dist.init_process_group("nccl" if chosen.type == "cuda" else "gloo")
    return Peers(dist.get_rank(), dist.get_world_size(), chosen)


def leave() -> None:
    """Part from the other processes."""
    if dist.is_initialized():
        dist.destroy_process_group()


class SharedBatchNorm(nn.BatchNorm2d):
    """Batch norm over the batches of all processes, for devices that ``nn.SyncBatchNorm`` does not serve.

    Args:
        norm: whose place it takes, with its numbers; timm's also bring an activation.
    """

    def __init__(self, norm: nn.BatchNorm2d) -> None:
        super().__init__(norm.num_features, norm.eps, norm.momentum)
        self.load_state_dict(norm.state_dict())
        parts = (getattr(norm, name, None) for name in ("drop", "act"))
        self.activation = nn.Sequential(*(part for part in parts if isinstance(part, nn.Module)))

    def forward(self, x: Tensor) -> Tensor:
        return cast(Tensor, self.activation(self._normed(x) if self.training else super().forward(x)))

    def _normed(self, x: Tensor) -> Tensor:
        from torch.distributed.nn.functional import all_reduce  # warns at import where nothing is distributed

        values = x.float()
        count = values.new_tensor([values.numel() / values.shape[1]])
        sums = torch.cat([values.sum((0, 2, 3)), values.square().sum((0, 2, 3)), count])
        sums = cast(Tensor, all_reduce(sums))  # type: ignore[no-untyped-call]
        mean, square = sums[:-1].view(2, -1) / sums[-1]
        variance = (square - mean.square()).clamp(min=0)
        assert self.running_mean is not None and self.running_var is not None and self.momentum is not None
        assert self.num_batches_tracked is not None
        with torch.no_grad():
            self.num_batches_tracked.add_(1)
            self.running_mean.lerp_(mean, self.momentum)
            self.running_var.lerp_(variance * (sums[-1] / (sums[-1] - 1)), self.momentum)
        scale = self.weight * (variance + self.eps).rsqrt()
        shape = (1, -1, 1, 1)
        normed: Tensor = values * scale.view(shape) + (self.bias - mean * scale).view(shape)
        return normed.to(x.dtype)


def share_norms(module: nn.Module, peers: Peers) -> nn.Module:
    """The module with batch norms that see the batches of all processes as one; itself where there is one process."""
    if peers.count == 1:
        return module
    if peers.device.type == "cuda":
        from timm.layers.norm_act import convert_sync_batchnorm  # knows timm's norms too

        converted: nn.Module = convert_sync_batchnorm(module)  # type: ignore[no-untyped-call]
        return converted
    for name, child in module.named_children():
        if isinstance(child, nn.BatchNorm2d):
            setattr(module, name, SharedBatchNorm(child))
        else:
            share_norms(child, peers)
    return module
