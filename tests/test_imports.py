"""The rooms of the house: app → deoldify ← train, and what is slow is imported late."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]


def imported(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name.split(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            yield node.module.split(".")[0]


@pytest.mark.parametrize(
    ("package", "never"),
    [("deoldify", {"app", "train", "gradio", "tensorboard"}), ("train", {"app", "gradio"})],
)
def test_packages_import_only_what_they_may(package: str, never: set[str]) -> None:
    sources = sorted((ROOT / package).rglob("*.py"))
    assert sources
    for source in sources:
        assert not never & set(imported(source)), source


def modules_after(statement: str) -> set[str]:
    code = f"import sys; {statement}; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT)
    return {name.split(".")[0] for name in done.stdout.split()}


def test_importing_the_package_does_not_import_what_is_slow() -> None:
    assert not {"gradio", "torch", "timm", "tensorboard", "train", "app"} & modules_after("import deoldify")
    assert not {"gradio", "timm", "tensorboard", "train", "app"} & modules_after("import deoldify; deoldify.load")


def test_listing_models_needs_no_torch() -> None:
    assert "torch" not in modules_after("import deoldify; deoldify.models()")


def test_help_and_the_list_of_models_need_nothing_that_is_slow() -> None:
    heavy = {"torch", "torchvision", "timm", "numpy", "PIL", "imagecodecs", "tifffile"}
    for arguments in (["--help"], ["colorize", "--help"], ["models"]):
        called = f"sys.argv = ['deoldify', *{arguments}]; from deoldify.__main__ import app"
        loaded = modules_after(f"{called}; app(standalone_mode=False)")
        assert "typer" in loaded
        assert not heavy & loaded


def test_the_page_waits_for_no_library_of_models() -> None:
    assert not {"timm", "torchvision", "tensorboard", "train"} & modules_after("import app")
