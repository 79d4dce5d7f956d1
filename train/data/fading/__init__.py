"""How photographs fade: dyes, silver, cameras and scans, each a small pure function of a picture and a strength.

A picture is (H, W, 3) float32 RGB in 0 to 1, sRGB-encoded. An effect is a frozen record of plain parameters that
says what happens at strength 1, and is called as ``effect(rgb, strength)``; strength 0 gives the picture back as it
is, between 0 and 1 the amounts grow with it. ``draw`` takes the parameters from the ranges it states, in the order in
which they are written there; applying an effect draws nothing, so the same record always does the same. Places are
relative to the picture, so that a fading looks alike at any size.

Strength 0.33 is mild, 0.66 medium, 1 strong: on photographs the faded picture is on average about 23, 17 and 14 dB
PSNR from the original. The look of one draw (which dye goes, where the light fell) does not depend on the strength.

Sources, named where they are used:
    Henry Wilhelm with Carol Brower, The Permanence and Care of Color Photographs, 1993.
    Rudolf Gschwind, Franziska Frey and Lukas Rosenthaler, Electronic Imaging: A Tool for the Reconstruction of Faded
    Color Photographs and Color Movies, 1995.
    Geoffrey Woolfe, Bruce Pillman and Michael Barry, Restoration of Faded Images, US patent 5,796,874, 1998.
    Sreya Chatterjee, Giorgio Trumpy and Ulrich Ruedel, Digital Unfading of Chromogenic Film Informed by Its Spectral
    Densities, 2023.
    James Reilly, Care and Identification of 19th-Century Photographic Prints, 1986.
    Gawain Weaver, A Guide to Fiber-Base Gelatin Silver Print Condition and Deterioration, 2008.
    R. W. G. Hunt, The Reproduction of Colour, 6th edition, 2004.
    Rudolf Kingslake, Optics in Photography, 1992.
    Alasdair Newson, Julie Delon and Bruno Galerne, A Stochastic Film Grain Model for Resolution-Independent
    Rendering, 2017.
"""

from train.data.fading.camera import Blur, Exposure, Grain, Jitter2018, Vignetting
from train.data.fading.density import D_MAX, density, from_density
from train.data.fading.effect import Effect, PointEffect, luma
from train.data.fading.history import (
    GREY_KINDS,
    KINDS,
    Fading,
    Kind,
    draw_fading,
    fade,
    fade_randomly,
    is_grey,
    jitter_2018,
)
from train.data.fading.material import DYE_FAMILIES, DyeFading, Overlay, SilverPrint
from train.data.fading.scan import Jpeg, Levels
from train.data.fading.uneven import Uneven

__all__ = [
    "DYE_FAMILIES",
    "D_MAX",
    "GREY_KINDS",
    "KINDS",
    "Blur",
    "DyeFading",
    "Effect",
    "Exposure",
    "Fading",
    "Grain",
    "Jitter2018",
    "Jpeg",
    "Kind",
    "Levels",
    "Overlay",
    "PointEffect",
    "SilverPrint",
    "Uneven",
    "Vignetting",
    "density",
    "draw_fading",
    "fade",
    "fade_randomly",
    "from_density",
    "is_grey",
    "jitter_2018",
    "luma",
]
