"""The door: whatever a decoder or encoder raises becomes one error with the photo's name, and warnings name it, once.

Decoders of four libraries fail in as many ways as there are bytes: with ``MemoryError``, ``ZeroDivisionError``,
``struct.error``, an ``ImportError`` of a codec that was left out, and their own. Who opens, works on or saves a photo
goes through one of the three context managers here. What our own code raises by mistake is called that, and no damage.
"""

from __future__ import annotations

import logging
import re
import struct
import traceback
import warnings
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from pathlib import Path

from deoldify.errors import DeOldifyError, OutOfMemoryError, PhotoError, ProgramError

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class _Photo:
    name: str
    said: set[str] = field(default_factory=set)


_in_hand: ContextVar[_Photo | None] = ContextVar("_in_hand", default=None)
_heard: ContextVar[list[str] | None] = ContextVar("_heard", default=None)


def shown(name: object) -> str:
    """A file's name as a terminal may have it: control characters, which could steer it, are spelt out."""
    return "".join(c if c.isprintable() else c.encode("unicode_escape", "backslashreplace").decode() for c in str(name))


def warn(text: str) -> None:
    """Log a warning that begins with the name of the photo in hand; the same one is given once a photo."""
    photo = _in_hand.get()
    if photo is None:
        _log.warning("%s", text)
    elif text not in photo.said:
        photo.said.add(text)
        _log.warning("%s: %s", photo.name, text)
        heard = _heard.get()
        if heard is not None:
            heard.append(text)


@contextmanager
def hearing() -> Iterator[list[str]]:
    """What is warned of a photo inside the block, without its name; in the block's own thread."""
    heard: list[str] = []
    token = _heard.set(heard)
    try:
        yield heard
    finally:
        _heard.reset(token)


def unreadable(kind: str) -> PhotoError:
    """The error for what is whole and yet cannot be read; it goes on after the photo's name."""
    return PhotoError(f"is of a kind that cannot be read ({kind}): convert it to TIFF, PNG or JPEG first")


def damaged(reason: str) -> PhotoError:
    """The error for what is damaged; it goes on after the photo's name."""
    return PhotoError(f"is not a photograph that can be read: damaged or cut short ({reason})")


@contextmanager
def opening(name: object) -> Iterator[None]:
    """Errors of decoders, and refusals that go on after the photo's name, as a ``PhotoError`` that begins with it."""
    name = shown(name)
    with _named(name):
        try:
            yield
        except PhotoError as error:
            raise PhotoError(f"{name} {error}") from error.__cause__
        except MemoryError as error:
            raise PhotoError(f"{name} does not fit into the memory that is free: make it smaller first") from error
        except (ImportError, NotImplementedError) as error:
            raise PhotoError(f"{name} {unreadable(_reason(error))}") from error
        except Exception as error:
            if _is_ours(error):
                raise _mistake(name, error) from error
            if isinstance(error, OSError) and error.errno is not None:  # of the disk; decoders raise it without
                raise PhotoError(f"{name} cannot be read: {error.strerror or _reason(error)}") from error
            reason = _reason(error)
            raise PhotoError(f"{name} {(unreadable if _OF_KIND.search(reason) else damaged)(reason)}") from error


@contextmanager
def working_on(name: object) -> Iterator[None]:
    """Errors of the work between opening and saving as one of the package, with the photo's name."""
    name = shown(name)
    with _named(name):
        try:
            yield
        except (OutOfMemoryError, PhotoError) as error:
            raise type(error)(f"{name}: {error}") from error.__cause__
        except DeOldifyError:
            raise
        except MemoryError as error:
            raise OutOfMemoryError(f"{name}: the work on it does not fit into the memory that is free") from error
        except Exception as error:
            if _is_ours(error):
                raise _mistake(name, error) from error
            raise PhotoError(f"{name} cannot be worked on: {_reason(error)}") from error


@contextmanager
def saving(path: object) -> Iterator[None]:
    """Errors of encoders and of the disk as a ``PhotoError`` that names the file."""
    name = shown(path)
    with _named(name):
        try:
            yield
        except PhotoError as error:
            raise PhotoError(f"cannot save {name}: {error}") from error.__cause__
        except MemoryError as error:
            raise PhotoError(f"cannot save {name}: memory ran out") from error
        except OSError as error:
            raise PhotoError(f"cannot save {name}: {error.strerror or _reason(error)}") from error
        except Exception as error:
            if _is_ours(error):
                raise _mistake(name, error) from error
            raise PhotoError(f"cannot save {name}: {_reason(error)}") from error


@contextmanager
def _named(name: str) -> Iterator[None]:
    token = _in_hand.set(_Photo(name))
    try:
        yield
    finally:
        _in_hand.reset(token)


_OF_KIND = re.compile(r"(?i)\b(unsupported|not supported|cannot handle|not implemented|unimplemented)\b")
"""What decoders say of what is whole, and of a kind that they do not know."""

_OUR_OWN = Path(__file__).parents[1]
_OF_CONTENT = (ValueError, struct.error, OverflowError, OSError, EOFError, RuntimeError, zlib.error, SyntaxError)
"""What our own code and the C functions that it calls raise where a file is not what it should be."""


def _is_ours(error: Exception) -> bool:
    """Whether an error is a mistake of this package: of a kind that no content of a file explains, and raised in it."""
    if isinstance(error, _OF_CONTENT) or error.__traceback__ is None:
        return False
    *_, (frame, _) = traceback.walk_tb(error.__traceback__)
    return _OUR_OWN in Path(frame.f_code.co_filename).parents


def _mistake(name: str, error: Exception) -> ProgramError:
    return ProgramError(
        f"{name}: a mistake in this program, not in the photo, keeps it from being done "
        f"({type(error).__name__}: {_reason(error)}); please report it"
    )


_LONGEST_REASON = 200  # characters; some errors quote the file


def _reason(error: Exception) -> str:
    text = shown(" ".join(str(error).split())) or type(error).__name__
    return text if len(text) <= _LONGEST_REASON else text[:_LONGEST_REASON] + " …"


def _quieten() -> None:
    """While a photo is in hand, what libraries log or warn of it stays inside: it is said in our words or not at all.

    Others who use the same libraries in the same process hear all of it.
    """
    logging.getLogger("tifffile").addFilter(lambda record: _in_hand.get() is None)
    show = warnings.showwarning

    def show_of_others(*arguments: object, **options: object) -> None:
        if _in_hand.get() is None:
            show(*arguments, **options)  # type: ignore[arg-type]

    warnings.showwarning = show_of_others


_quieten()
