"""What the book takes from the rest of the repository: pages and pictures that lie elsewhere, and what programs say.

A page links to what lies beside `docs/` by the path that also works in the repository, such as
`../weights/compact.md`; the file is then a part of the book. A line ``<!-- typer: MODULE:APP NAME -->`` stands for the
options of a command line.
"""

from __future__ import annotations

import re
import sys
from importlib import import_module
from posixpath import dirname, join, normpath, relpath
from typing import Any

import typer
from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files
from mkdocs.structure.pages import Page
from typer.cli import get_docs_for_click

BESIDE = (
    "CHANGELOG.md", "CONTRIBUTING.md", "examples/README.md", "examples/before-after.jpg", "train/LOG.md",
    "train/README.md", "weights/compact.jpg", "weights/compact.md", "weights/defade.md", "weights/monochrome.md",
)  # fmt: skip
"""What lies beside `docs/` and belongs into the book."""

_LINK = re.compile(r"(?<=\]\()(?!\w+:|#)([^)#\s]+)(?=[)#])")
_TYPER = re.compile(r"^<!-- typer: (\S+) (.+) -->$", re.MULTILINE)
_HEADING = re.compile(r"^(#+) ", re.MULTILINE)


def on_config(config: MkDocsConfig) -> None:
    """Let command lines be imported from the repository."""
    sys.path.insert(0, dirname(str(config.config_file_path)))


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Take in what lies beside the folder."""
    for name in BESIDE:
        files.append(File.generated(config, name, abs_src_path=join(dirname(str(config.config_file_path)), name)))
    return files


def on_page_markdown(markdown: str, *, page: Page, **_: Any) -> str:
    """Point links to where things lie in the book, and write out the options of command lines."""
    here = page.file.src_uri
    beside = here in BESIDE

    def moved(link: re.Match[str]) -> str:
        there = normpath(join(dirname(here) if beside else join("docs", dirname(here)), link[1]))
        there = there.removeprefix("docs/")  # what docs/ holds is at the root of the book
        return relpath(there, dirname(here) or ".")

    def written_out(mark: re.Match[str]) -> str:
        return _HEADING.sub(r"#\1 ", options_of(mark[1], mark[2]))

    return _TYPER.sub(written_out, _LINK.sub(moved, markdown))


def options_of(where: str, name: str) -> str:
    """The commands and options of a command line, in Markdown.

    Args:
        where: its module and, behind a colon, the application or the function in it.
        name: that it is called by.
    """
    module, _, attribute = where.partition(":")
    found = getattr(import_module(module), attribute)
    if not isinstance(found, typer.Typer):
        function, found = found, typer.Typer(add_completion=False)
        found.command()(function)
    command = typer.main.get_command(found)
    return get_docs_for_click(obj=command, ctx=typer.Context(command), name=name)
