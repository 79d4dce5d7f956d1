"""What can go wrong in training, as a user is told of it."""

from __future__ import annotations

from deoldify.errors import DeOldifyError


class RecipeError(DeOldifyError):
    """A recipe, or a change to one, makes no sense."""


class DataError(DeOldifyError):
    """The training data cannot be used."""


class TrainingError(DeOldifyError):
    """A run cannot start, or cannot go on."""
