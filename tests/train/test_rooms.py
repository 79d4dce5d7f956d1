"""The rooms of training: arrows go down only, there are no circles, and private names stay where they are."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from graphlib import TopologicalSorter
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
# Each knows those before it.
ROOMS = [
    "errors",
    "parallel",
    "folder",
    "recipes",
    "data",
    "monochrome",
    "judges",
    "measure",
    "run",
    "publish",
    "__main__",
]
SOURCES = {
    ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__"): path
    for path in sorted((ROOT / "train").rglob("*.py"))
}


def imported(name: str) -> Iterator[tuple[str, str]]:
    """Modules of training that a module imports from, late or not, and what it imports of each."""
    for node in ast.walk(ast.parse(SOURCES[name].read_text())):
        if isinstance(node, ast.Import):
            assert not any(alias.name.split(".")[0] == "train" for alias in node.names), name
        elif isinstance(node, ast.ImportFrom) and node.module and node.module.split(".")[0] == "train":
            for alias in node.names:
                inner = f"{node.module}.{alias.name}"
                yield (inner, "") if inner in SOURCES else (node.module, alias.name)


def room(name: str) -> str:
    return name.split(".")[1]


def test_every_module_has_a_room() -> None:
    assert {room(name) for name in SOURCES if name != "train"} == set(ROOMS)


@pytest.mark.parametrize("name", [name for name in SOURCES if name != "train"])
def test_a_module_imports_from_its_room_and_those_below_and_nothing_private(name: str) -> None:
    for module, what in imported(name):
        assert ROOMS.index(room(module)) <= ROOMS.index(room(name)), f"{name} imports {module}"
        assert not what.startswith("_"), f"{name} imports {what}"


def test_modules_import_one_another_in_no_circle() -> None:
    graph = {name: {module for module, _ in imported(name)} - {name} for name in SOURCES}
    assert sum(map(len, graph.values())) > len(SOURCES)
    TopologicalSorter(graph).prepare()
