"""Where to run, and in which floating-point type: what ``auto`` means here."""

from __future__ import annotations

import torch

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
