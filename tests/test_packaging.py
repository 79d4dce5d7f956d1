"""What an installed copy needs is said once more in requirements.txt, for the demo and for Spaces; both must agree."""

from __future__ import annotations

import re
import zipfile
from pathlib import Path

import pytest
import torch
from setuptools import build_meta

from deoldify.checkpoints import BEST, find
from deoldify.network import cost

ROOT = Path(__file__).parents[1]


def requirements(lines: list[str]) -> set[str]:
    return {line.strip() for line in lines if line.strip() and not line.startswith("#")}


@pytest.mark.filterwarnings("ignore")  # setuptools' own, of a class that does not travel between the suite's processes
def test_the_wheel_brings_package_weights_and_command(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    clean = tmp_path / "source"
    clean.mkdir()
    for name in ("deoldify", "weights", "pyproject.toml", "README.md", "LICENSE"):
        (clean / name).symlink_to(ROOT / name)
    monkeypatch.chdir(clean)
    wheel = tmp_path / build_meta.build_wheel(str(tmp_path))
    with zipfile.ZipFile(wheel) as archive:
        names = set(archive.namelist())
        metadata = archive.read(next(n for n in names if n.endswith("METADATA"))).decode()
        commands = archive.read(next(n for n in names if n.endswith("entry_points.txt"))).decode()
    modules = {str(source.relative_to(ROOT)) for source in (ROOT / "deoldify").rglob("*.py")}
    assert "deoldify/checkpoints/hub_process.py" in modules
    assert {"deoldify/py.typed", *modules, "deoldify/weights/compact.safetensors"} <= names
    assert not [n for n in names if n.startswith(("train/", "tests/", "app", "demo"))]
    assert "deoldify = deoldify.__main__:run" in commands
    needed = {
        line.removeprefix("Requires-Dist: ").replace(" ", "")
        for line in metadata.splitlines()
        if line.startswith("Requires-Dist: ") and "extra ==" not in line
    }
    listed = requirements((ROOT / "requirements.txt").read_text().splitlines())
    assert {_sorted(r) for r in needed} == {_sorted(r) for r in listed if not r.startswith(("gradio", "pillow-heif"))}


def test_what_is_checked_at_every_commit_is_what_ci_checks() -> None:
    entries = re.findall(r"^ +entry: (.+)$", (ROOT / ".pre-commit-config.yaml").read_text(), re.MULTILINE)
    commands = (ROOT / ".ci" / "run").read_text().strip().splitlines()
    assert entries and commands[-len(entries) :] == entries


def _sorted(requirement: str) -> tuple[str, ...]:
    """A requirement whose bounds may stand in either order; the name is spelled with hyphens."""
    end = min((requirement.find(c) for c in "<>=" if c in requirement), default=len(requirement))
    return (requirement[:end].replace("_", "-"), *sorted(requirement[end:].split(",")))


def test_a_space_preloads_what_agrees_best_at_the_commits_of_their_records() -> None:
    head = (ROOT / "README.md").read_text().split("---")[1]
    wanted = [find(name) for name in BEST[0]]
    for record in wanted:
        assert f"  - {record.repo} {record.file} {record.revision}\n" in head.partition("preload_from_hub:")[2]
        assert f"  - {record.repo}\n" in head.partition("models:")[2].partition("preload_from_hub:")[0]
    hosting = (ROOT / "docs" / "hosting.md").read_text()
    assert f"{sum(record.bytes for record in wanted) / 1e9:.1f} GB" in hosting
    for record in wanted:  # what a photo costs there is what the networks say
        render = cost.render_cost(record.config, torch.device("cpu"), torch.float32, record.render_factor * 16)
        assert f"{render.flop / 1e9:,.0f}" in hosting and f"{render.bytes / 1e6:.0f}" in hosting
