"""What can be asked of a photograph's colours after the render: records, without an array in them."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from numbers import Real

SATURATIONS = (0.0, 1.5)
"""From no colour to half as much again as the render has."""
WARMTHS = (-1.0, 1.0)
"""From cool to warm; 0 leaves colours as they are."""
SHARES = (0.0, 1.0)
"""Of liveliness, from the cautious opinion to the lively one; of caution, from none to all; of width and height."""


@dataclass(frozen=True)
class Hint:
    """What colour the surface at a place of the photograph has.

    Attributes:
        x: of the place, as a share of the upright photo's width, from the left.
        y: of the place, as a share of the upright photo's height, from the top.
        colour: ``#rrggbb``; its luma does not matter, for the photo's own stays. None, or ``none``, for no colour.

    Raises:
        ValueError: a share is outside 0 to 1, or the colour is none; the message says what it must be.
    """

    x: float
    y: float
    colour: str | None

    def __post_init__(self) -> None:
        for name in ("x", "y"):
            _check(f"{name} of a hint", getattr(self, name), SHARES)
        colour = None if self.colour is None else self.colour.strip().lower()
        if colour in (None, "none"):
            object.__setattr__(self, "colour", None)
            return
        if not re.fullmatch("#[0-9a-f]{6}", colour):
            raise ValueError(f"colour {self.colour!r} of a hint is neither #rrggbb, such as #334d80, nor none")
        object.__setattr__(self, "colour", colour)

    @classmethod
    def parse(cls, text: str) -> Hint:
        """Read a hint as ``str`` writes it: ``0.4,0.6,#334d80``.

        Raises:
            ValueError: it is no hint; the message says what one looks like.
        """
        try:
            x, y, colour = text.split(",")
            x_share, y_share = float(x), float(y)
        except ValueError:
            raise ValueError(
                f"hint {text!r} is not x,y,colour, such as 0.4,0.6,#334d80 or 0.4,0.6,none; "
                f"x and y are shares of the photo's width and height"
            ) from None
        return cls(x_share, y_share, colour)

    @property
    def rgb(self) -> tuple[int, int, int] | None:
        """Red, green and blue, 0 to 255; None for no colour."""
        if self.colour is None:
            return None
        red, green, blue = bytes.fromhex(self.colour[1:])
        return red, green, blue

    def __str__(self) -> str:
        return f"{self.x:g},{self.y:g},{self.colour or 'none'}"


@dataclass(frozen=True)
class Look:
    """How much colour photographs have on the whole, and which way it leans; see ``imaging.look_of``.

    Attributes:
        chroma: the mean of what is coloured, in the units of U and V; more than 0.
        u: the mean of U.
        v: the mean of V.

    Raises:
        ValueError: there is no chroma.
    """

    chroma: float
    u: float
    v: float

    def __post_init__(self) -> None:
        if not 0 < self.chroma < 1:
            raise ValueError(f"chroma {self.chroma} of a look is outside 0 to 1")

    def __str__(self) -> str:
        return f"{self.chroma:.3f},{self.u:.3f},{self.v:.3f}"


@dataclass(frozen=True)
class Adjustments:
    """What is done to a render's colours, in this order; as it stands, nothing.

    Attributes:
        liveliness: 0 for the model's cautious opinion to 1 for its lively one; None for what the model is used at.
        caution: 0 to 1: how much colour is paled where the render is not certain of it.
        look: of other photographs, that it is drawn to.
        saturation: 0 to 1.5: how much colour there is, of what was rendered.
        warmth: −1 to 1: how much colours turn towards blue or orange; what is neutral stays so.
        hints: colours of places, which come after all else and in full; kept as a tuple.

    Raises:
        ValueError: a number is out of range; the message names the range.
    """

    saturation: float = 1.0
    warmth: float = 0.0
    liveliness: float | None = None
    caution: float = 0.0
    hints: Sequence[Hint] = ()
    look: Look | None = None

    def __post_init__(self) -> None:
        _check("saturation", self.saturation, SATURATIONS)
        _check("warmth", self.warmth, WARMTHS)
        _check("caution", self.caution, SHARES)
        if self.liveliness is not None:
            _check("liveliness", self.liveliness, SHARES)
        object.__setattr__(self, "hints", tuple(self.hints))

    def __str__(self) -> str:
        """What was set, such as ``saturation 1.2, hint 0.4,0.6,#334d80``; empty where nothing was."""
        usual = Adjustments()
        said = [
            f"{name} {getattr(self, name):g}"
            for name in ("saturation", "warmth", "liveliness", "caution")
            if getattr(self, name) != getattr(usual, name)
        ]
        if self.look is not None:
            said.append(f"look {self.look}")
        return ", ".join([*said, *(f"hint {hint}" for hint in self.hints)])


def _check(name: str, value: float, within: tuple[float, float]) -> None:
    low, high = within
    if isinstance(value, bool) or not isinstance(value, Real):
        raise ValueError(f"{name} must be a number, not {value!r}")
    if not low <= value <= high:  # which no NaN is
        raise ValueError(f"{name} {value} is outside {low:g} to {high:g}")
