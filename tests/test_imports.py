"""The rooms of the house: demo → deoldify ← train, arrows inside go down only, and what is slow is imported late."""

from __future__ import annotations

import ast
import importlib
import subprocess
import sys
from collections.abc import Iterator
from functools import cache
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PACKAGES = ("benchmarks", "demo", "deoldify", "train")

DEPTH = {
    "errors": 0, "doors": 0, "photo": 1, "imaging": 2, "network": 3, "alternatives": 3, "checkpoints": 4, "opinions": 4,
    "monochrome": 5, "model": 5, "variants": 6, "colorizer": 7, "defader": 7, "folder": 7, "restoring": 8,
    "agreement": 8, "loading": 9, "": 10, "jobs": 10, "cluster": 10, "terminal": 11, "record": 11, "options": 11,
    "choice": 12, "tally": 12, "verify_command": 12, "watching": 12, "one_look": 12, "model_commands": 13,
    "arguments": 13, "session": 13, "dry_run": 14, "console": 15, "__main__": 16,
}  # fmt: skip
"""How high the rooms of deoldify lie; what is imported lies lower. The package itself is the empty name."""

ROOMS = ("photo", "imaging", "network", "checkpoints", "monochrome", "folder", "cluster", "record")
"""Those of them that are packages."""


def name_of(path: Path) -> str:
    """The full name of the module in a file."""
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


@cache
def sources() -> dict[str, ast.Module]:
    """The syntax of all modules, by name."""
    files = [ROOT / "app.py", *(file for package in PACKAGES for file in sorted((ROOT / package).rglob("*.py")))]
    return {name_of(file): ast.parse(file.read_text()) for file in files}


def imported(module: str) -> Iterator[str]:
    """Full names of the modules and of the names in modules that a module imports, be it inside a function."""
    for node in ast.walk(sources()[module]):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.module and not node.level, f"{module} imports by a relative name"
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def home(name: str) -> str | None:
    """The module of ours that an imported name is, or is a name of."""
    while name and name not in sources():
        name = name.rpartition(".")[0]
    return name or None


@cache
def graph() -> dict[str, set[str]]:
    """All modules, each with those of ours that it imports."""
    return {module: {found for name in imported(module) if (found := home(name))} for module in sources()}


def package(name: str) -> str:
    return name.partition(".")[0]


def room(name: str) -> str:
    """The part of deoldify that one of its modules is or is in."""
    return name.split(".")[1] if "." in name else ""


@pytest.mark.parametrize(
    ("package_name", "never"),
    [
        ("deoldify", {"app", "demo", "train", "gradio", "tensorboard", "benchmarks"}),
        ("train", {"app", "demo", "gradio", "benchmarks"}),
        ("demo", {"app", "train", "tensorboard", "benchmarks"}),
    ],
)
def test_packages_import_only_what_they_may(package_name: str, never: set[str]) -> None:
    modules = [module for module in sources() if package(module) == package_name]
    assert modules
    for module in modules:
        assert not never & {package(name) for name in imported(module)}, module


def test_no_module_imports_itself_by_way_of_others() -> None:
    try:
        TopologicalSorter(graph()).prepare()
    except CycleError as error:
        pytest.fail(f"a circle: {' ← '.join(error.args[1])}")


def test_arrows_inside_deoldify_go_down() -> None:
    for module, others in graph().items():
        if package(module) == "deoldify":
            for other in others:
                same = room(module) == room(other) in ROOMS
                assert same or DEPTH[room(other)] < DEPTH[room(module)], f"{module} imports {other}"


def test_rooms_are_entered_by_their_doors() -> None:
    """From outside, their packages' own names are imported, or modules that these hand on whole."""
    for module in sources():
        for name in imported(module):
            parts = name.split(".")
            if parts[:1] == ["deoldify"] and parts[1:2] and parts[1] in ROOMS and len(parts) > 2:
                door = importlib.import_module(".".join(parts[:2]))
                inside = package(module) == "deoldify" and room(module) == parts[1]
                assert inside or (len(parts) == 3 and parts[2] in door.__all__), f"{module} imports {name}"


def is_private(name: str) -> bool:
    return name.startswith("_") and not name.endswith("__")  # __version__ and its like are for everybody


def test_private_names_stay_in_their_module() -> None:
    for module, tree in sources().items():
        names = list(imported(module))
        assert not [name for name in names if home(name) and is_private(name.rpartition(".")[2])], module
        namespaces = {name.rpartition(".")[2] for name in names if name in sources()}
        for node in ast.walk(tree):
            if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id in namespaces:
                assert not is_private(node.attr), f"{module} uses {node.value.id}.{node.attr}"


@pytest.mark.parametrize("name", ["deoldify", *(f"deoldify.{room}" for room in ROOMS), "demo"])
def test_a_door_hands_on_all_that_it_names(name: str) -> None:
    door = importlib.import_module(name)
    assert set(door.__all__) <= set(dir(door))
    for public in door.__all__:
        assert not public.startswith("_")
        assert getattr(door, public) is not None
    with pytest.raises(AttributeError, match=rf"module '{name}' has no attribute 'nonsense'"):
        _ = door.nonsense


def test_help_and_completion_show_what_is_loaded_late() -> None:
    code = "import deoldify, pydoc, rlcompleter; print(pydoc.render_doc(deoldify, renderer=pydoc.plaintext)); "
    code += "complete = rlcompleter.Completer({'deoldify': deoldify}).complete; "
    code += "print(*(complete('deoldify.', i) for i in range(200)))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT)
    shown, _, completions = done.stdout.strip().rpartition("\n")
    for words in ("    class Colorizer(", "    class Defader(", "\n    load(", "\n    load_colorizer("):
        assert words in shown
    assert {"deoldify.load(", "deoldify.Colorizer(", "deoldify.Defader("} <= set(completions.split())


def modules_after(statement: str) -> set[str]:
    code = f"import sys; {statement}; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT)
    return {name.split(".")[0] for name in done.stdout.split()}


def test_importing_the_package_does_not_import_what_is_slow() -> None:
    ours = {"train", "app", "demo"}
    assert not {"gradio", "torch", "timm", "tensorboard", *ours} & modules_after("import deoldify")
    assert not {"gradio", "timm", "tensorboard", *ours} & modules_after("import deoldify; deoldify.load")


def test_listing_models_needs_no_torch() -> None:
    assert "torch" not in modules_after("import deoldify; deoldify.models()")


def test_help_and_the_list_of_models_need_nothing_that_is_slow() -> None:
    heavy = {"torch", "torchvision", "timm", "numpy", "PIL", "imagecodecs", "tifffile"}
    for arguments in (["--help"], ["colorize", "--help"], ["models"]):
        called = f"sys.argv = ['deoldify', *{arguments}]; from deoldify.__main__ import app"
        loaded = modules_after(f"{called}; app(standalone_mode=False)")
        assert "typer" in loaded
        assert not heavy & loaded


def test_options_of_the_page_need_neither_gradio_nor_the_page() -> None:
    for option, said in (("--help", "--allow-host"), ("--version", "DeOldify")):
        called = f"import runpy; sys.argv = ['app.py', '{option}']; runpy.run_path('app.py', run_name='__main__')"
        code = f"import sys, atexit; atexit.register(lambda: print(*sys.modules)); {called}"
        done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT)
        *shown, loaded = done.stdout.splitlines()
        assert said in "".join(shown)
        assert not {"gradio", "starlette", "torch", "numpy", "PIL", "demo"} & {
            each.split(".")[0] for each in loaded.split()
        }


def test_the_page_waits_for_no_library_of_models() -> None:
    assert not {"timm", "torchvision", "tensorboard", "train"} & modules_after("import app; app.demo")
