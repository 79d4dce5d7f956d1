"""What command lines share: options for how much they say, and which version they are."""

from __future__ import annotations

import logging
import sys
from typing import Annotated

import typer

from deoldify import __version__

_usual: dict[str, int] = {}
"""The level of every logger that `begin` was told of, when neither more nor less is asked for."""


def begin(*, quiet: bool, verbose: bool, **levels: int) -> None:
    """Let loggers say what they usually do, or less or more of it where that is asked for.

    Args:
        quiet: nothing but errors.
        verbose: what is one level below the usual, too.
        levels: the usual level of each logger, by name.
    """
    _usual.update(levels)
    for name, level in levels.items():
        logging.getLogger(name).setLevel(level)
    _less(quiet)
    _more(verbose)


def _less(asked: bool) -> bool:
    for name in _usual if asked else ():
        logging.getLogger(name).setLevel(logging.ERROR)
    return asked


def _more(asked: bool) -> bool:
    for name in _usual if asked else ():
        logging.getLogger(name).setLevel(_usual[name] - 10)
    return asked


def _tell_version(asked: bool) -> bool:
    if asked:
        typer.echo(f"DeOldify {__version__}, Python {sys.version.split()[0]}")
        raise typer.Exit
    return asked


QuietOption = Annotated[bool, typer.Option("--quiet", "-q", help="Say nothing but errors.", callback=_less)]
VerboseOption = Annotated[bool, typer.Option("--verbose", "-v", help="Say more of what is done.", callback=_more)]
VersionOption = Annotated[
    bool, typer.Option("--version", help="Say which version this is.", callback=_tell_version, is_eager=True)
]


def is_quiet() -> bool:
    """Whether nothing but errors is to be said, and no progress shown."""
    return not logging.getLogger("deoldify").isEnabledFor(logging.WARNING)


def say(text: str, *, detail: bool = False, error: bool = False) -> None:
    """Write one line to stderr, above a progress bar if there is one; what could steer a terminal is spelt out.

    Args:
        text: the line.
        detail: it is for those who asked for more.
        error: it is for those, too, who asked for less.
    """
    level = logging.ERROR if error else logging.INFO if detail else logging.WARNING
    if not logging.getLogger("deoldify").isEnabledFor(level):
        return
    from deoldify.photo import shown

    if "tqdm" in sys.modules:
        from tqdm import tqdm

        tqdm.write(shown(text), file=sys.stderr)
    else:
        typer.echo(shown(text), err=True)
