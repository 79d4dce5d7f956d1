"""What a visitor sends: files that were uploaded here, and nothing else."""

from __future__ import annotations

import unicodedata
from pathlib import Path

import gradio as gr
from gradio.data_classes import FileData, ImageData, ListFiles
from gradio.utils import get_upload_folder

from demo.component import WithoutStub

NOT_UPLOADED = "This photo was not uploaded here. Upload it, then try again."

_LONGEST_NAME = 180  # bytes of UTF-8: file systems take 255, and results add to it


class UploadedPhoto(gr.Image, metaclass=WithoutStub):
    """``gr.Image`` that hands on the path of an uploaded file and opens nothing else.

    The original reads whatever image file of the server an API client names. This one accepts files inside Gradio's
    upload cache only, where a file's folder is a digest that nobody else can guess, and no ``data:`` URLs, which
    evade the limit on the size of an upload.
    """

    def get_block_name(self) -> str:
        return "image"  # the front end knows no other

    def preprocess(  # type: ignore[override]
        self, payload: ImageData | None
    ) -> tuple[Path, str] | None:
        """
        Parameters:
            payload: an uploaded photo
        Returns:
            The path of the file, of which nothing has been read yet, and the name that the visitor has for it.
        """
        return None if payload is None else _checked(payload)


class UploadedFiles(gr.File, metaclass=WithoutStub):
    """``gr.File`` for several files, as careful as ``UploadedPhoto``."""

    def get_block_name(self) -> str:
        return "file"

    def preprocess(self, payload: ListFiles | FileData | None) -> list[tuple[Path, str]]:  # type: ignore[override]
        """
        Parameters:
            payload: uploaded photographs and ZIP archives of photographs
        Returns:
            The path of each, and the name that the visitor has for it.
        """
        if payload is None:
            return []
        return [_checked(file) for file in ([payload] if isinstance(payload, FileData) else payload.root)]


def _checked(payload: FileData | ImageData) -> tuple[Path, str]:
    path = None if (payload.url or "").startswith("data:") else uploaded(payload.path)
    if path is None:
        raise gr.Error(NOT_UPLOADED, print_exception=False)
    return path, clean_name(payload.orig_name or path.name)


def uploaded(path: object) -> Path | None:
    """The file that a client says it has uploaded; None for everything that was not uploaded here."""
    if not isinstance(path, str) or not path:
        return None
    try:
        found = Path(path).resolve(strict=True)
    except (OSError, ValueError):  # the answer for what is missing is that for what is elsewhere: no probing
        return None
    return found if found.is_file() and found.is_relative_to(Path(get_upload_folder()).resolve()) else None


def clean_name(name: object) -> str:
    """A name that a visitor gives a photo, with its folders, so that it can be shown and stand in a ZIP archive.

    Folders above, control characters and what is too long for a file system are left out.
    """
    parts = []
    for part in str(name).replace("\\", "/").split("/"):
        kept = "".join(letter for letter in part if unicodedata.category(letter) not in ("Cc", "Cf", "Cs", "Zl", "Zp"))
        kept = kept.replace(":", "").strip()
        if kept.strip("."):
            parts.append(shortened(kept))
    return "/".join(parts[-8:]) or "photo"


def shortened(name: str) -> str:
    """A file's name that is not longer than file systems take, with its suffix."""
    stem, dot, suffix = name.rpartition(".")
    if not stem or len(suffix) > 10:
        stem, dot, suffix = name, "", ""
    room = _LONGEST_NAME - len((dot + suffix).encode())
    return stem.encode()[:room].decode(errors="ignore") + dot + suffix
