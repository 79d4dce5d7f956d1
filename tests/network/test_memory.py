"""The memory that is free, within the limits of containers."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import psutil
import pytest

from deoldify.network import memory
from tests.network.costs import CPU


@pytest.fixture
def system(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., int]:
    """A function of the system's available bytes, /proc/self/cgroup and files of groups, to what is free then."""

    def free(available: int, groups: str | None, files: dict[str, Any]) -> int:
        monkeypatch.setattr(psutil, "virtual_memory", lambda: SimpleNamespace(available=available))
        if groups is not None:
            (tmp_path / "proc" / "self").mkdir(parents=True)
            (tmp_path / "proc" / "self" / "cgroup").write_text(groups)
        for name, content in files.items():
            file = tmp_path / "cgroup" / name
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(f"{content}\n")
        return memory.free_ram(tmp_path / "proc", tmp_path / "cgroup")

    return free


STAT_2 = "anon 700\nfile 300\nshmem 50\ninactive_file 100\nactive_file 40\nslab_reclaimable 7"
STAT_1 = "cache 300\nrss 700\ninactive_file 1\nactive_file 2\ntotal_inactive_file 100\ntotal_active_file 40"


def limits_2(folder: str, limit: Any, usage: int = 900) -> dict[str, Any]:
    prefix = f"{folder}/" if folder else ""
    return {f"{prefix}memory.max": limit, f"{prefix}memory.current": usage, f"{prefix}memory.stat": STAT_2}


def limits_1(folder: str, limit: int, usage: int = 900) -> dict[str, Any]:
    names = {"limit_in_bytes": limit, "usage_in_bytes": usage, "stat": STAT_1}
    return {f"memory/{folder}memory.{name}": value for name, value in names.items()}


@pytest.mark.parametrize(
    ("groups", "files", "expected"),
    [
        (None, {}, 5000),  # no Linux
        ("0::/\n", {}, 5000),  # no limits
        ("0::/\n", limits_2("", 1000), 240),  # a container's own root
        ("0::/\n", limits_2("", "max"), 5000),
        ("0::/app/web\n", {**limits_2("app/web", "max"), **limits_2("app", 1200)}, 440),  # limited from further out
        ("0::/app/web\n", {**limits_2("app/web", 1000), **limits_2("app", 1200)}, 240),
        ("0::/docker/0123\n", limits_2("", 1000), 240),  # the path is the host's, the folders are the container's
        ("0::/../outside\n", limits_2("", 1000), 240),
        ("0::/\n", limits_2("", 800), 40),
        ("0::/\n", limits_2("", 500), 0),  # over the limit already
        ("0::/\n", limits_2("", 9000), 5000),  # the system has less than the group may take
        ("4:memory:/job\n3:cpuset:/job\n0::/\n", limits_1("job/", 1000), 240),
        ("4:cpu,memory:/job\n", {**limits_1("job/", 9223372036854771712), **limits_1("", 1100)}, 340),
        ("4:memory:/docker/0123\n", limits_1("", 1000), 240),
        ("4:memory:/job\n0::/job\n", limits_1("job/", 9223372036854771712), 5000),
        ("5:devices:/job\n", limits_1("job/", 1000), 5000),
    ],
)
def test_what_is_free_keeps_to_the_containers_limits(
    groups: str | None, files: dict[str, Any], expected: int, system: Callable[..., int]
) -> None:
    assert system(5000, groups, files) == expected


def test_what_is_free_here_is_some_of_what_there_is() -> None:
    assert 0 < memory.free_bytes(CPU) <= psutil.virtual_memory().total
