"""What a render costs, what is free, and the largest render that fits.

Memory and arithmetic are counted, not fitted: the prepared generator runs once on tensors that have a shape and no
content, and a ledger keeps what each operation holds and computes. So the count follows ``inference.py``, its strips
included, whatever changes there. Seconds are that arithmetic at the pace of one short render.
"""

from __future__ import annotations

import bisect
import ctypes
import functools
import gc
import os
import sys
import threading
import time
import weakref
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import psutil
import torch
from torch import Tensor, nn
from torch._subclasses.fake_tensor import FakeTensorMode
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves
from torch.utils.flop_counter import flop_registry

from deoldify.backbones import CHANNELS
from deoldify.config import GeneratorConfig
from deoldify.generator import Generator
from deoldify.inference import STRIP_BYTES, Prepared

MARGIN = 1.15
"""What must be free per byte that a render is predicted to take: predictions are that good."""

CALIBRATION_SIDE = 192
"""Pixels of the side of the short render that tells a device's pace: soon done, and no longer mostly overhead."""

_KERNEL_BYTES = 40 << 10
"""What oneDNN's code for a product of one shape takes, about; it is compiled, and kept, when the first one comes."""
_HEAP_BYTES = 2 << 20
"""What glibc's heap holds of blocks too small to be mapped."""

_MMAP_THRESHOLD, _TRIM_THRESHOLD = 1 << 18, 1 << 20
_LARGE_MMAP_THRESHOLD, _LARGE_TRIM_THRESHOLD = 1 << 24, 1 << 26

aten = torch.ops.aten
_UNWRITTEN = (aten.empty, aten.empty_like, aten.empty_strided, aten.new_empty)
_tracing = threading.Lock()


# What a render costs


@dataclass(frozen=True)
class Cost:
    """What one render costs.

    Attributes:
        bytes: the most memory it takes at any moment, above the weights.
        flop: floating-point operations of its convolutions and matrix products; a multiplication and an addition
            count as two.
    """

    bytes: int
    flop: int


class _Ledger(TorchDispatchMode):
    """Counts arithmetic, and the bytes of all tensors that are alive on a device.

    On a CPU memory is taken when it is first written, not when it is asked for. A convolution also makes a copy of its
    weights there, in the layout that its kernel wants, and products of every new shape need a kernel.

    Args:
        device: type of the device whose memory is counted.
        held: tensors that are not counted: the weights.
    """

    def __init__(self, device: str, held: Iterable[Tensor]) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.peak = self.flop = 0
        self._device = device
        self._alive = 0
        self._kernels: set[object] = set()
        self._held = {tensor.untyped_storage()._cdata for tensor in held}
        self._written: dict[int, list[tuple[int, int]]] = {}  # by storage: stretches, to the byte beyond the last

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        kwargs = kwargs or {}
        out = func(*args, **kwargs)
        operation = func.overloadpacket
        count = flop_registry.get(operation)
        extra = 0
        if count is not None:
            self.flop += count(*args, **kwargs, out_val=out)
            self._kernels.add((operation, *((arg.shape, arg.dtype) for arg in args if isinstance(arg, Tensor))))
        if self._device == "cpu":
            for index, argument in enumerate(func._schema.arguments):
                if argument.alias_info is not None and argument.alias_info.is_write:
                    self._write(kwargs[argument.name] if argument.kwarg_only else args[index])
            extra = len(self._kernels) * _KERNEL_BYTES
            extra += args[1].nbytes if operation is aten.convolution else 0
        for tensor in tree_leaves(out):
            if isinstance(tensor, Tensor) and tensor.device.type == self._device:
                storage = tensor.untyped_storage()
                key = storage._cdata
                if key in self._written or key in self._held:  # a view has the storage of another tensor
                    continue
                weakref.finalize(storage, self._leave, key)
                self._written[key] = []
                if self._device != "cpu" or operation not in _UNWRITTEN:
                    self._write(tensor)
        self.peak = max(self.peak, self._alive + extra)
        return out

    def _write(self, tensor: Tensor) -> None:
        key = tensor.untyped_storage()._cdata
        if key not in self._written or not tensor.numel():
            return
        first, last = self._span(tensor)
        apart = []
        for start, stop in self._written[key]:
            if start <= last and first <= stop:
                first, last = min(first, start), max(last, stop)
                self._alive -= stop - start
            else:
                apart.append((start, stop))
        self._written[key] = [*apart, (first, last)]
        self._alive += last - first

    @staticmethod
    def _span(tensor: Tensor) -> tuple[int, int]:
        """The bytes of its storage that a tensor lies in; with gaps, which pages of memory hardly ever have."""
        first = int(tensor.storage_offset())
        steps = sum((length - 1) * int(stride) for length, stride in zip(tensor.shape, tensor.stride(), strict=True))
        return first * tensor.itemsize, (first + steps + 1) * tensor.itemsize

    def _leave(self, key: int) -> None:
        self._alive -= sum(stop - start for start, stop in self._written.pop(key))


@functools.lru_cache(maxsize=1024)
def render_cost(config: GeneratorConfig, device: torch.device, dtype: torch.dtype, side: int) -> Cost:
    """What a prepared generator's render of one square costs; takes no weights, and a moment the first time.

    Args:
        config: of the generator.
        device: where it runs.
        dtype: what it runs in, see ``inference.choose_precision``.
        side: of the square, in pixels.
    """
    with _tracing:
        fake, prepared = _shapes(config, device, dtype)
        generator = prepared.generator
        ledger = _Ledger(device.type, (*generator.parameters(), *generator.buffers()))
        with torch.no_grad(), fake, ledger:
            x = torch.zeros(1, 3, side, side)
            prepared.forward(x.to(device)).float().cpu()
        return Cost(ledger.peak + (_HEAP_BYTES if device.type == "cpu" else 0), ledger.flop)


def render_bound(config: GeneratorConfig, device: torch.device, side: int) -> int:
    """Bytes that a render never takes, known at once: where so much is free, nothing has to be counted.

    All that the generator makes, at once, in float32 and at half size, weights of the widest convolution there could
    be, and strips.

    Args:
        config: of the generator.
        device: where it runs.
        side: of the square, in pixels.
    """
    channels = (*CHANNELS[config.encoder], *config.middle_widths, *config.up_widths, *config.widths)
    weights = 9 * max(channels) ** 2
    return 4 * (sum(channels) * (side // 2) ** 2 + weights) + 12 * STRIP_BYTES.get(device.type, STRIP_BYTES["cpu"])


@functools.lru_cache(maxsize=16)
def _shapes(config: GeneratorConfig, device: torch.device, dtype: torch.dtype) -> tuple[FakeTensorMode, Prepared]:
    """A prepared generator that has shapes and no weights."""
    meta = torch.device("meta")
    with meta:  # without spectral norm, which preparing folds away, there is less to build
        generator = Generator(replace(config, spectral=False)).eval()
    prepared = Prepared(generator, meta, dtype)
    prepared.device = device
    fake = FakeTensorMode()
    with fake:
        for module in generator.modules():
            for name, weight in module.named_parameters(recurse=False):
                setattr(module, name, nn.Parameter(_like(weight, device), requires_grad=False))
            for name, buffer in module.named_buffers(recurse=False):
                setattr(module, name, _like(buffer, device))
    return fake, prepared


def _like(tensor: Tensor, device: torch.device) -> Tensor:
    return torch.empty_strided(tensor.shape, tensor.stride(), dtype=tensor.dtype, device=device)


def largest_fitting(
    config: GeneratorConfig, device: torch.device, dtype: torch.dtype, sides: Sequence[int], free: int
) -> int | None:
    """The largest of some squares whose render fits, with a margin.

    Args:
        config: of the generator.
        device: where it runs.
        dtype: what it runs in.
        sides: of the squares in pixels, ascending, at least one.
        free: bytes that may be taken.

    Returns:
        one of ``sides``; None where not even the first fits.
    """

    def too_large(side: int) -> bool:
        return render_cost(config, device, dtype, side).bytes * MARGIN > free

    if render_bound(config, device, sides[-1]) * MARGIN <= free or not too_large(sides[-1]):
        return sides[-1]
    fitting = bisect.bisect_left(sides, True, key=too_large)
    return sides[fitting - 1] if fitting else None


# Seconds

_paces: dict[tuple[GeneratorConfig, torch.device, torch.dtype], float] = {}


def calibrate(prepared: Prepared) -> None:
    """Measure once in a process how fast a generator runs here, by a short render; afterwards this does nothing."""
    config = prepared.generator.config
    key = config, prepared.device, prepared.dtype
    with prepared.turn:
        if key in _paces:
            return
        x = torch.zeros(1, 3, CALIBRATION_SIDE, CALIBRATION_SIDE)
        prepared(x)  # the first one compiles kernels
        start = time.perf_counter()
        prepared(x)
        seconds = time.perf_counter() - start
        _paces[key] = render_cost(*key, CALIBRATION_SIDE).flop / seconds


def render_seconds(config: GeneratorConfig, device: torch.device, dtype: torch.dtype, side: int) -> float | None:
    """Seconds that a render of one square is going to take; None before ``calibrate`` was called for such a generator.

    Args:
        config: of the generator.
        device: where it runs.
        dtype: what it runs in.
        side: of the square, in pixels.
    """
    pace = _paces.get((config, device, dtype))
    return None if pace is None else render_cost(config, device, dtype, side).flop / pace


# What is free


def free_bytes(device: torch.device) -> int:
    """Bytes that a render may take on a device now: what is free, and what PyTorch keeps and does not use."""
    if device.type == "cuda":
        free, _ = torch.cuda.mem_get_info(device)
        return free + torch.cuda.memory_reserved(device) - torch.cuda.memory_allocated(device)
    if device.type == "mps":
        return torch.mps.recommended_max_memory() - torch.mps.current_allocated_memory()
    return free_ram()


def free_ram(proc: Path = Path("/proc"), cgroups: Path = Path("/sys/fs/cgroup")) -> int:
    """Bytes of RAM that this process may still take: what the system can spare, within its containers' limits.

    Args:
        proc: where the kernel tells of processes.
        cgroups: where control groups are mounted, version 1 or 2.
    """
    return max(0, min([psutil.virtual_memory().available, *_room_in_cgroups(proc, cgroups)]))


def _room_in_cgroups(proc: Path, mount: Path) -> Iterable[int]:
    """What each limited control group around this process has left, counting file cache as free."""
    try:
        lines = (proc / "self" / "cgroup").read_text().splitlines()
    except OSError:  # no Linux
        return
    for line in lines:
        _, controllers, path = line.split(":", 2)
        if controllers == "":  # version 2
            root, limit, usage = mount, "memory.max", "memory.current"
            cache = ("inactive_file", "active_file")
        elif "memory" in controllers.split(","):
            root, limit, usage = mount / "memory", "memory.limit_in_bytes", "memory.usage_in_bytes"
            cache = ("total_inactive_file", "total_active_file")
        else:
            continue
        # Every group has to keep to the limits of those it is in. A container often sees its own group as the root
        # while the path is the host's, so that folders on the way may be missing.
        group = root / path.lstrip("/")
        for folder in (group, *group.parents):
            try:
                most = (folder / limit).read_text().strip()
                if most != "max":
                    stat = dict(entry.split() for entry in (folder / "memory.stat").read_text().splitlines())
                    reclaimable = sum(int(stat.get(name, 0)) for name in cache)
                    yield int(most) - int((folder / usage).read_text()) + reclaimable
            except OSError:
                pass
            if folder == root:
                break


# When it runs out all the same

_REFUSALS = (
    "not enough memory", "can't allocate memory", "cannot allocate memory", "out of memory", "alloc_failed",
    "could not create a primitive",  # oneDNN, where it has no memory for a kernel
)  # fmt: skip
"""How RuntimeErrors of PyTorch and of what it builds on say so, in lower case."""


def ran_out(error: BaseException) -> bool:
    """Whether an error says that memory ran out."""
    if isinstance(error, (MemoryError, torch.OutOfMemoryError)):
        return True
    return isinstance(error, RuntimeError) and any(words in str(error).lower() for words in _REFUSALS)


def give_back(device: torch.device) -> None:
    """Give the system what is not used any more."""
    gc.collect()
    if device.type == "cuda":
        torch.cuda.empty_cache()
    elif device.type == "mps":
        torch.mps.empty_cache()
    trim = _function_of_glibc("malloc_trim")
    if trim is not None:
        trim(0)


@functools.cache
def keep_heap_small() -> None:
    """Have glibc map large blocks one by one, and give them back when they are freed; for the whole process.

    By default its heap grows to hold blocks of up to 32 MiB and, in between those that are still in use, keeps what
    was freed: a render's peak is half as much again as its tensors, and hardly any of it comes back. To map blocks
    anew takes time, as much as the render where pages are small, and hardly any in the large pages that
    ``deoldify/__init__.py`` has PyTorch ask for; so this is only done where the kernel gives these. Who sets glibc's
    own variables is left alone, and so are other C libraries.
    """
    if _large_pages():
        _set_heap(_MMAP_THRESHOLD, _TRIM_THRESHOLD)


def let_heap_grow() -> None:
    """Have glibc keep what was freed for what comes next; for the whole process.

    For many small renders: their blocks, of a few megabytes, are too small for large pages, and mapping them anew each
    time is two fifths of all the work on a photo of two megapixels. A render's peak, as much as twice what is
    predicted then, is small all the same.
    """
    keep_heap_small()  # so that it is not done later
    _set_heap(_LARGE_MMAP_THRESHOLD, _LARGE_TRIM_THRESHOLD)


def _set_heap(mmap_threshold: int, trim_threshold: int) -> None:
    chosen = os.environ.keys() & {"MALLOC_MMAP_THRESHOLD_", "MALLOC_TRIM_THRESHOLD_", "GLIBC_TUNABLES", "LD_PRELOAD"}
    mallopt = _function_of_glibc("mallopt")
    if mallopt is not None and not chosen:
        mallopt(-3, mmap_threshold)  # M_MMAP_THRESHOLD
        mallopt(-1, trim_threshold)  # M_TRIM_THRESHOLD


def _large_pages(setting: Path = Path("/sys/kernel/mm/transparent_hugepage/enabled")) -> bool:
    """Whether PyTorch asks for large pages, and the kernel gives them to who asks."""
    try:
        given = "[never]" not in setting.read_text()
    except OSError:
        return False
    return given and os.environ.get("THP_MEM_ALLOC_ENABLE") == "1"


def _function_of_glibc(name: str) -> Callable[..., int] | None:
    return getattr(ctypes.CDLL(None), name, None) if sys.platform == "linux" else None
