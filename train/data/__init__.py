"""Photographs to train on: from a folder, tar files or a stream to batches of damaged pictures and their originals.

In come names of files or URLs (``open_source``) and what a stage wants of them (``Drawing``); out come batches of
(before, after), each (N, 3, size, size) uint8 RGB. ``entries`` lists what there is and reads it, ``pictures`` cuts and
bends, the rooms ``old_photograph`` and ``fading`` damage, ``pairs`` puts that together, ``samples`` draws and batches,
``source`` serves it from this machine and ``shards`` from a stream; ``renders`` keeps what a critic alone learns from,
``lessons`` what a teacher would make of the photographs.
Every sample is a function of the seed, so that a run can be gone on with anywhere.
"""

from train.data.entries import HELD_OUT, Entry, Reader, check_sources, index, is_held_out, is_unseen
from train.data.lessons import Lessons, give_lessons
from train.data.old_photograph import as_old_photograph
from train.data.pairs import Preparation, defade_pair
from train.data.pictures import cut, cut_out
from train.data.renders import RenderedPairs, make_renders, rendered_batches
from train.data.samples import Limit, Pairs, Samples, Skipped, WeightedBatches, batches, drawn_shares
from train.data.shards import Shards, members, open_source
from train.data.source import Drawing, Images, Source
from train.data.srgb import from_linear, to_linear
from train.errors import DataError

__all__ = [
    "HELD_OUT",
    "DataError",
    "Drawing",
    "Entry",
    "Images",
    "Lessons",
    "Limit",
    "Pairs",
    "Preparation",
    "Reader",
    "RenderedPairs",
    "Samples",
    "Shards",
    "Skipped",
    "Source",
    "WeightedBatches",
    "as_old_photograph",
    "batches",
    "check_sources",
    "cut",
    "cut_out",
    "defade_pair",
    "drawn_shares",
    "from_linear",
    "give_lessons",
    "index",
    "is_held_out",
    "is_unseen",
    "make_renders",
    "members",
    "open_source",
    "rendered_batches",
    "to_linear",
]
