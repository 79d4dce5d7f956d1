"""Exceptions that callers may want to tell apart; every message says what was wrong and what to do."""

from __future__ import annotations


class DeOldifyError(Exception):
    """Base of all errors raised on purpose by this package."""


class PhotoError(DeOldifyError, ValueError):
    """A file is no photograph, is damaged, or cannot be written in the format asked for."""


class ProgramError(DeOldifyError, RuntimeError):
    """A mistake of this program, met while a photograph was in hand, which need not be damaged; see ``__cause__``."""


class CheckpointError(DeOldifyError):
    """Weights are missing, damaged, or do not fit the generator."""


class HubError(CheckpointError):
    """The Hugging Face Hub could not deliver a checkpoint."""


class UnknownModelError(CheckpointError, ValueError):
    """No checkpoint has the name that was asked for."""


class OutOfMemoryError(DeOldifyError):
    """Not even the smallest render fits into the memory that is free; the message says what to do."""


class UsageError(DeOldifyError, ValueError):
    """What was asked for does not go together: nothing was begun, and the message says what to ask for instead."""


class ReportError(DeOldifyError):
    """A report cannot be written, or what is to be read as one is none."""


class LeftOutError(DeOldifyError):
    """A photograph is rightly left as it is; the message is the reason, such as "has colours"."""
