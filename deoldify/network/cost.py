"""What a render costs, and the largest render that fits.

Memory and arithmetic are counted, not fitted: the prepared generator runs once on tensors that have a shape and no
content, and a ledger keeps what each operation holds and computes. So the count follows ``prepared.py``, its strips
included, whatever changes there. Seconds are that arithmetic at the pace of one short render.
"""

from __future__ import annotations

import bisect
import functools
import threading
import time
import weakref
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch._subclasses.fake_tensor import FakeTensorMode
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves
from torch.utils.flop_counter import flop_registry

from deoldify.network.backbones import CHANNELS
from deoldify.network.building import build
from deoldify.network.config import DDColorConfig, GeneratorConfig, NetworkConfig
from deoldify.network.prepared import Prepared
from deoldify.network.strips import STRIP_BYTES

MARGIN = 1.15
"""What must be free per byte that a render is predicted to take: predictions are that good."""

CALIBRATION_SIDE = 192
"""Pixels of the side of the short render that tells a device's pace: soon done, and no longer mostly overhead."""

_KERNEL_BYTES = 40 << 10
"""What oneDNN's code for a product of one shape takes, about; it is compiled, and kept, when the first one comes."""

_HEAP_BYTES = 2 << 20
"""What glibc's heap holds of blocks too small to be mapped."""

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

    On a CPU memory is taken when it is first written, not when it is asked for. Convolutions and linear layers also
    make a copy of their weights there, in the layout that the kernel wants, and products of every new shape need a
    kernel.

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
            if operation is aten.convolution:
                extra += args[1].nbytes
            elif operation is aten.addmm:
                extra += args[2].nbytes
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
def render_cost(config: NetworkConfig, device: torch.device, dtype: torch.dtype, side: int, pictures: int = 1) -> Cost:
    """What a prepared generator's render of a square costs; takes no weights, and a moment the first time.

    Args:
        config: of the generator.
        device: where it runs.
        dtype: what it runs in, see ``choose_precision``.
        side: of the square, in pixels.
        pictures: rendered in one batch.
    """
    with _tracing:
        fake, prepared = _shapes(config, device, dtype)
        generator = prepared.generator
        ledger = _Ledger(device.type, (*generator.parameters(), *generator.buffers()))
        with torch.no_grad(), fake, ledger:
            x = torch.zeros(pictures, 3, side, side)
            made = prepared.judged(x.to(device)) if prepared.has_opinions else (prepared.forward(x.to(device)),)
            for part in made:
                part.float().cpu()
        return Cost(ledger.peak + (_HEAP_BYTES if device.type == "cpu" else 0), ledger.flop)


def render_bound(config: NetworkConfig, device: torch.device, side: int) -> int:
    """Bytes that a render never takes, known at once: where so much is free, nothing has to be counted.

    Args:
        config: of the generator.
        device: where it runs.
        side: of the square, in pixels.
    """
    bound = _ddcolor_bound(config, side) if isinstance(config, DDColorConfig) else _unet_bound(config, side)
    return bound + 12 * STRIP_BYTES.get(device.type, STRIP_BYTES["cpu"])


def _unet_bound(config: GeneratorConfig, side: int) -> int:
    """All that the generator makes, at once, in float32 and at half size, and weights of the widest convolution."""
    channels = (*CHANNELS[config.encoder], *config.middle_widths, *config.up_widths, *config.widths)
    return 4 * (sum(channels) * (side // 2) ** 2 + 9 * max(channels) ** 2)


def _ddcolor_bound(config: DDColorConfig, side: int) -> int:
    """In float32, all maps at once, each four times; of each that queries look at, what they see of it, eight times;
    what is done at full size; and weights of the widest layer."""
    encoder = sum(width * (side // 4 >> level) ** 2 for level, width in enumerate(config.encoder_widths))
    places = sum((side // 4 >> level) ** 2 for level in range(3))
    values = 4 * (encoder + config.width * places) + 8 * config.query_width * places + 64 * side**2
    return 4 * (values + 16 * max(*config.encoder_widths, config.width) ** 2)


@functools.lru_cache(maxsize=16)
def _shapes(config: NetworkConfig, device: torch.device, dtype: torch.dtype) -> tuple[FakeTensorMode, Prepared]:
    """A prepared generator that has shapes and no weights."""
    meta = torch.device("meta")
    with meta:  # without spectral norm, which preparing folds away, there is less to build
        generator = build(config, spectral=False).eval()
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
    config: NetworkConfig,
    device: torch.device,
    dtype: torch.dtype,
    sides: Sequence[int],
    free: int,
    pictures: int = 1,
) -> int | None:
    """The largest of some squares whose render fits, with a margin.

    Args:
        config: of the generator.
        device: where it runs.
        dtype: what it runs in.
        sides: of the squares in pixels, ascending, at least one.
        free: bytes that may be taken.
        pictures: rendered in one batch.

    Returns:
        one of ``sides``; None where not even the first fits.
    """

    def too_large(side: int) -> bool:
        return render_cost(config, device, dtype, side, pictures).bytes * MARGIN > free

    if pictures * render_bound(config, device, sides[-1]) * MARGIN <= free or not too_large(sides[-1]):
        return sides[-1]
    fitting = bisect.bisect_left(sides, True, key=too_large)
    return sides[fitting - 1] if fitting else None


# Seconds


_paces: dict[tuple[NetworkConfig, torch.device, torch.dtype], float] = {}


def calibrate(prepared: Prepared) -> None:
    """Measure once in a process how fast a generator runs here, by a short render; afterwards this does nothing."""
    config = prepared.generator.config
    key = config, prepared.device, prepared.dtype
    with prepared.turn:
        if key in _paces:
            return
        x = torch.zeros(1, 3, CALIBRATION_SIDE, CALIBRATION_SIDE)
        render = prepared.opinions if prepared.has_opinions else prepared
        render(x)  # the first one compiles kernels
        start = time.perf_counter()
        render(x)
        seconds = time.perf_counter() - start
        _paces[key] = render_cost(*key, CALIBRATION_SIDE).flop / seconds


def render_seconds(config: NetworkConfig, device: torch.device, dtype: torch.dtype, side: int) -> float | None:
    """Seconds that a render of one square is going to take; None before ``calibrate`` was called for such a generator.

    Args:
        config: of the generator.
        device: where it runs.
        dtype: what it runs in.
        side: of the square, in pixels.
    """
    pace = _paces.get((config, device, dtype))
    return None if pace is None else render_cost(config, device, dtype, side).flop / pace
