"""What a visitor sends: files that were uploaded here, and nothing else."""

from __future__ import annotations

from abc import ABCMeta
from pathlib import Path
from typing import Any, cast

import gradio as gr
from gradio.data_classes import ImageData


class _WithoutStub(type(gr.Image)):  # type: ignore[misc]
    """Gradio's metaclass writes a .pyi file beside the source of every component's subclass; this one does not."""

    def __new__(cls, name: str, bases: tuple[type, ...], attributes: dict[str, Any]) -> type:
        return cast(type, ABCMeta.__new__(cls, name, bases, attributes))


class UploadedPhoto(gr.Image, metaclass=_WithoutStub):
    """``gr.Image`` that hands on the path of an uploaded file and opens nothing else.

    The original reads whatever image file of the server an API client names. This one accepts files inside Gradio's
    upload cache only, where a file's folder is a digest that nobody else can guess, and no ``data:`` URLs, which
    evade the limit on the size of an upload.
    """

    def get_block_name(self) -> str:
        return "image"  # the front end knows no other

    def preprocess(self, payload: ImageData | None) -> str | None:
        """
        Parameters:
            payload: an uploaded photo
        Returns:
            The path of the file, of which nothing has been read yet.
        """
        if payload is None:
            return None
        path = self._path_in_cache(payload)
        if path is None:
            raise gr.Error("This photo was not uploaded here. Upload it, then try again.", print_exception=False)
        return str(path)

    def _path_in_cache(self, payload: ImageData) -> Path | None:
        if not payload.path or (payload.url or "").startswith("data:"):
            return None
        try:
            path = Path(payload.path).resolve(strict=True)
        except (OSError, ValueError):  # the answer for what is missing is that for what is elsewhere: no probing
            return None
        return path if path.is_file() and path.is_relative_to(Path(self.GRADIO_CACHE).resolve()) else None
