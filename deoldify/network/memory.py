"""The memory that is free, what happens where it runs out all the same, and how the process's heap is kept small."""

from __future__ import annotations

import ctypes
import functools
import gc
import os
import sys
from collections.abc import Callable, Iterable
from pathlib import Path

import psutil
import torch


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


# The heap


_MMAP_THRESHOLD, _TRIM_THRESHOLD = 1 << 18, 1 << 20
_LARGE_MMAP_THRESHOLD, _LARGE_TRIM_THRESHOLD = 1 << 24, 1 << 26


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
