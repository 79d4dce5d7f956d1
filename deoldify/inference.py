"""A generator made ready to run: normalised weights folded, memory layout and precision chosen for the device."""

from __future__ import annotations

import copy
from typing import Literal

import torch
from torch import Tensor, nn
from torch.nn.utils import parametrize

Precision = Literal["auto", "float32", "bfloat16", "float16"]
Device = Literal["auto", "cpu", "cuda", "mps"]

_DTYPES = {"float32": torch.float32, "bfloat16": torch.bfloat16, "float16": torch.float16}


def choose_device(device: str) -> torch.device:
    """The device that a name stands for; ``auto`` takes CUDA, then Apple's MPS, then the CPU.

    Raises:
        ValueError: the device is not on this machine, or no such device exists.
    """
    mps = torch.backends.mps.is_available()
    if device == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "mps" if mps else "cpu")
    if device not in ("cpu", "cuda", "mps"):
        raise ValueError(f"device {device!r} is none of auto, cpu, cuda, mps")
    if (device == "cuda" and not torch.cuda.is_available()) or (device == "mps" and not mps):
        raise ValueError(f"there is no {device} device on this machine, or this PyTorch was built without it; use auto")
    return torch.device(device)


def choose_precision(precision: str, device: torch.device) -> torch.dtype:
    """The floating-point type that a name stands for; ``auto`` takes what the device does well.

    On a CPU that is bfloat16 only where it multiplies it natively, else float32; on CUDA bfloat16 from Ampere on,
    float16 before; on MPS float16.

    Raises:
        ValueError: no such precision.
    """
    if precision in _DTYPES:
        return _DTYPES[precision]
    if precision != "auto":
        raise ValueError(f"precision {precision!r} is none of auto, {', '.join(_DTYPES)}")
    if device.type == "cuda":
        return torch.bfloat16 if torch.cuda.get_device_capability(device)[0] >= 8 else torch.float16
    if device.type == "mps":
        return torch.float16
    return torch.bfloat16 if _cpu_multiplies_bfloat16() else torch.float32


def _cpu_multiplies_bfloat16() -> bool:
    # Without the instructions bfloat16 runs all the same, emulated and slower than float32.
    probes = (getattr(torch.cpu, name, None) for name in ("_is_avx512_bf16_supported", "_is_amx_tile_supported"))
    return any(probe() for probe in probes if probe is not None)


def fold_norms(generator: nn.Module) -> nn.Module:
    """Put spectral and weight norm into the weights themselves, in place; the generator must be in eval mode."""
    for module in generator.modules():
        if parametrize.is_parametrized(module):
            parametrize.remove_parametrizations(module, "weight", leave_parametrized=True)
    return generator


class Prepared:
    """A generator made ready once, to be called many times.

    Args:
        generator: in eval mode. In float32 it is itself moved and laid out anew; other precisions run on a copy.
        device: where to run.
        dtype: float32, bfloat16 or float16.
    """

    def __init__(self, generator: nn.Module, device: torch.device, dtype: torch.dtype) -> None:
        self.device, self.dtype = device, dtype
        module = generator if dtype == torch.float32 else copy.deepcopy(generator)
        self._module = module.to(device, dtype).to(memory_format=torch.channels_last)

    @torch.inference_mode()
    def __call__(self, x: Tensor) -> Tensor:
        """(N, 3, H, W) float32, normalised, to the same on the CPU."""
        x = x.to(self.device, self.dtype).contiguous(memory_format=torch.channels_last)
        return self._module(x).float().cpu()  # type: ignore[no-any-return]
