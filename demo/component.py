"""What every component class of ours needs."""

from __future__ import annotations

from abc import ABCMeta
from typing import Any, cast

import gradio as gr


class WithoutStub(type(gr.Image)):  # type: ignore[misc]
    """Gradio's metaclass writes a .pyi file beside the source of every component's subclass; this one does not."""

    def __new__(cls, name: str, bases: tuple[type, ...], attributes: dict[str, Any]) -> type:
        return cast(type, ABCMeta.__new__(cls, name, bases, attributes))


class SentNumber(gr.Number, metaclass=WithoutStub):
    """``gr.Number`` that hands on what a client sends, for the job to say what is wrong with it."""

    def preprocess(self, payload: Any) -> Any:
        """
        Parameters:
            payload: anything
        Returns:
            The same.
        """
        return payload

    def get_block_name(self) -> str:
        return "number"


class SentCheckbox(gr.Checkbox, metaclass=WithoutStub):
    """``gr.Checkbox`` that hands on what a client sends, for the job to say what is wrong with it."""

    def preprocess(self, payload: Any) -> Any:
        """
        Parameters:
            payload: anything
        Returns:
            The same.
        """
        return payload

    def get_block_name(self) -> str:
        return "checkbox"


class SentChoice(gr.Dropdown, metaclass=WithoutStub):
    """``gr.Dropdown`` that hands on what a client sends, for the job to say what is wrong with it."""

    def preprocess(self, payload: Any) -> Any:
        """
        Parameters:
            payload: anything
        Returns:
            The same.
        """
        return payload

    def get_block_name(self) -> str:
        return "dropdown"
