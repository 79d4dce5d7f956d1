"""Tar files that are streamed, from a web server or a bucket: the same order of pictures, however many workers.

A stream can only be read forwards, so the order is made of lanes. Each lane reads shards one after the other; the
shards of a pass are dealt to the lanes in an order that the seed decides, and the n-th picture of the run comes from
lane n modulo ``LANES``. A process, and within it a worker, has lanes of its own, so that none reads what another does,
and how far each lane has got, in bytes, is all that a run must know to go on. Neighbours in a batch come from as many
shards as there are lanes; within a shard the order is the shard's, so shards should have been shuffled when they were
written.
"""

from __future__ import annotations

import itertools
import logging
import os
import shutil
import tarfile
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path, PurePosixPath
from typing import Any, BinaryIO, cast
from urllib.parse import quote, unquote, urlsplit

import braceexpand
import fsspec
import numpy as np
import torch
from PIL import Image
from torch import Tensor
from torch.utils.data import DataLoader, IterableDataset, get_worker_info

from train.data.entries import HELD_OUT, Entry, index, is_held_out, is_image, name_in_tar
from train.data.samples import NOTHING_USEFUL, Pairs, Skipped, leave_signals_to_the_run, useful
from train.data.source import PIECE, Drawing, Images, Source
from train.errors import DataError
from train.parallel import Peers

logger = logging.getLogger(__name__)

LANES = 48
"""Divides among 1, 2, 3, 4, 6, 8, 12, 16, 24 or 48 workers of all processes together."""
_REACH = 1 << 40
"""Positions count shards in units of this, and bytes within a shard below it."""
_BLOCK = 1 << 21
"""Bytes that are asked for at once: each lane holds one or two such pieces in memory."""
_RETRIES = 5
_WAIT_SECONDS = 1.0

Item = tuple[Tensor, Tensor, int, int]
"""Input, original, lane, and the lane's position behind them."""


def open_source(data: str | Sequence[str], images: int | None = None, hold_out: Sequence[str] = ()) -> Source:
    """The source of training images that a user names.

    Args:
        data: a folder or a tar file; or a pattern with braces of several, such as ``tars/{train,extra}-{00..99}.tar``;
            or one of URLs, such as ``https://host/imagenet-{000000..000146}.tar`` or ``s3://bucket/{00..99}.tar``,
            which are streamed. Several of these are taken together.
        images: how many images the streamed shards hold.
        hold_out: sources that are held out as a whole, of images on this machine; see ``is_unseen``.

    Raises:
        DataError: there is no such data, no such source, or no way to it.
    """
    named: list[str] = []
    for words in [data] if isinstance(data, str) else data:
        try:
            named += [words] if Path(words).exists() else braceexpand.braceexpand(words)
        except ValueError as error:
            raise DataError(f"{words} is no pattern: {error}") from error
    streamed = ["://" in name for name in named]
    if not any(streamed):
        if images is not None:
            raise DataError("images on this machine are counted; --images is for shards that are streamed")
        return Images(index(*map(Path, named)), hold_out)
    if not all(streamed):
        raise DataError(f"{named[0]}, … mixes URLs and files of this machine; name one kind")
    if hold_out:
        raise DataError("--hold-out is for images on this machine; of streamed shards a hundredth is held out")
    for scheme in {urlsplit(name).scheme for name in named}:
        try:
            fsspec.get_filesystem_class(scheme)
        except (ValueError, ImportError) as error:
            raise DataError(f"{scheme}:// cannot be read here: {error}") from error
    return Shards(named, images)


class Shards:
    """A source of images in tar files that are streamed; see ``Source``. Shares and limits are left aside.

    Args:
        urls: of the tar files.
        images: how many they hold, those of the validation part among them.
    """

    def __init__(self, urls: Sequence[str], images: int | None = None) -> None:
        self.urls = list(urls)
        self.images = None if images is None else round(images * (1 - HELD_OUT))
        self.skipped = Skipped()
        self._positions = [0] * LANES
        self._drawn = 0  # by all processes

    def batches(self, drawing: Drawing, steps: range) -> Pairs:
        part = drawing.peers.part(drawing.batch)
        self._meet(drawing.peers)
        stream = _Stream(self, drawing, steps, [drawing.seed], self._positions, self._drawn)
        size = len(range(drawing.batch)[part])
        items = iter(_loaded(stream, size))
        for _ in steps:
            batch = list(itertools.islice(items, size))
            for _, _, lane, position in batch:
                self._positions[lane] = position
            self._drawn += drawing.batch
            yield _stacked(batch)

    def pairs(self, drawing: Drawing, step: int) -> Pairs:
        # From the beginning, in an order of its own, so that it need not be known how far earlier ones had got.
        stream = _Stream(self, drawing, range(step, step + 1), [drawing.seed, step], [0] * LANES, 0)
        items = iter(_loaded(stream, PIECE))
        while piece := list(itertools.islice(items, PIECE)):
            yield _stacked(piece)

    def few(self, folder: Path, most: int) -> list[Entry]:
        kept = folder / "held-out"
        if not kept.exists():
            self._keep_few(kept, most)
        return [Entry("held-out", unquote(path.name.partition("-")[2]), path) for path in sorted(kept.iterdir())]

    def _keep_few(self, kept: Path, most: int) -> None:
        """Bring images of the validation part, and others where all shards hold too few of it."""
        wanted: list[tuple[str, bytes]] = []
        others: list[tuple[str, bytes]] = []
        for name, content, _ in itertools.chain.from_iterable(members(url) for url in self.urls):
            if is_held_out(name):
                wanted.append((name, content))
            elif len(others) < most:
                others.append((name, content))
            if len(wanted) == most:
                break
        beside = kept.with_name(kept.name + ".part")
        shutil.rmtree(beside, ignore_errors=True)
        beside.mkdir(parents=True)
        for number, (name, content) in enumerate([*wanted, *others[: most - len(wanted)]]):
            (beside / f"{number:04}-{quote(name, safe='')}").write_bytes(content)
        os.replace(beside, kept)

    def state(self, peers: Peers) -> dict[str, Any]:
        self._meet(peers)
        return {"shards": len(self.urls), "positions": list(self._positions), "drawn": self._drawn}

    def go_to(self, state: Mapping[str, Any]) -> None:
        if state.get("shards") != len(self.urls):
            before = state.get("shards", "no")
            raise DataError(f"the run was started on {before} shards, not on {len(self.urls)}; name the same --data")
        self._positions, self._drawn = list(state["positions"]), state["drawn"]

    def _meet(self, peers: Peers) -> None:
        """Learn how far the lanes of the other processes have got."""
        self._positions = peers.highest(self._positions)


class _Stream(IterableDataset[Item]):
    """What one process, or one of its workers, draws: items in the order of the run.

    Args:
        shards: where from.
        drawing: what.
        steps: how long.
        order: numbers that decide in which order the shards come.
        positions: of the lanes at the beginning.
        drawn: items that all processes have drawn until then.
    """

    def __init__(
        self, shards: Shards, drawing: Drawing, steps: range, order: list[int], positions: Sequence[int], drawn: int
    ) -> None:
        self.urls, self.skipped, self.drawing = shards.urls, shards.skipped, drawing
        self.steps, self.order, self.positions, self.drawn = steps, order, tuple(positions), drawn

    def __iter__(self) -> Iterator[Item]:
        worker, peers, batch = get_worker_info(), self.drawing.peers, self.drawing.batch
        number, workers = (0, 1) if worker is None else (worker.id, worker.num_workers)
        lanes: dict[int, Iterator[tuple[Image.Image, int]]] = {}
        # Item n belongs to process n modulo their number, and there the loader takes one from each worker in turn.
        for item in range(peers.rank + peers.count * number, len(self.steps) * batch, peers.count * workers):
            lane = (self.drawn + item) % LANES
            if lane not in lanes:
                lanes[lane] = self._lane(lane)
            image, position = next(lanes[lane])
            step, place = divmod(item, batch)
            rng = np.random.default_rng([self.drawing.seed, self.steps[step], place])
            yield *self.drawing.preparation.planes(image, self.drawing.size, rng), lane, position

    def _lane(self, lane: int) -> Iterator[tuple[Image.Image, int]]:
        """The useful images of a lane without end, each with the position behind it."""
        turn, offset = divmod(self.positions[lane], _REACH)
        fruitless = 0
        while fruitless <= 20 + 3 * len(self.urls):  # by then it has seen every shard, as good as surely
            fruitless += 1
            for name, content, end in members(self._shard(turn * LANES + lane), offset):
                image = None if is_held_out(name) else useful(content, self.drawing.preparation, self.skipped)
                if image is not None:
                    fruitless = 0
                    yield image, turn * _REACH + end
            turn, offset = turn + 1, 0
        raise DataError(NOTHING_USEFUL)

    def _shard(self, number: int) -> str:
        """The n-th shard of the run, counted over all lanes."""
        turn, place = divmod(number, len(self.urls))
        order = np.random.default_rng([*self.order, turn]).permutation(len(self.urls))
        return self.urls[int(order[place])]


def _loaded(stream: _Stream, at_once: int) -> Iterator[Item]:
    """The items of a stream, prepared by as many workers as the lanes divide among."""
    peers, wanted = stream.drawing.peers, stream.drawing.workers
    if LANES % peers.count:
        raise DataError(f"streamed shards cannot be divided among {peers.count} processes; a divisor of {LANES} can")
    workers = max((n for n in range(1, wanted + 1) if LANES % (peers.count * n) == 0), default=0)
    loader = DataLoader(
        stream, batch_size=None, num_workers=workers, worker_init_fn=leave_signals_to_the_run,
        prefetch_factor=max(2, 2 * at_once // workers) if workers else None,
    )  # fmt: skip
    wrong = ""
    try:
        yield from cast("Iterator[Item]", loader)
    except DataError as error:  # out of a worker it comes with all that the worker was doing
        wrong = str(error).strip().rpartition("DataError: ")[2]
    if wrong:  # raised out here, where the error above is gone and with it what kept the workers alive
        raise DataError(wrong)


def _stacked(items: Sequence[Item]) -> tuple[Tensor, Tensor]:
    return torch.stack([item[0] for item in items]), torch.stack([item[1] for item in items])


def members(url: str, offset: int = 0) -> Iterator[tuple[str, bytes, int]]:
    """The images of a tar file, read forwards; what breaks off is taken up again where it was.

    Args:
        url: of any scheme that fsspec knows. The server must be able to send a part of a file.
        offset: where a member begins; see below.

    Yields:
        name, see ``name_in_tar``; content; and the offset behind it, where the next member begins.

    Raises:
        DataError: there is no such file, it is no tar file, or it failed again and again.
    """
    stem, failures = PurePosixPath(urlsplit(url).path).stem, 0
    while True:
        try:
            for member, content, offset in _read(url, offset):  # noqa: B020, the offset is where to go on
                failures = 0
                yield name_in_tar(stem, member), content, offset
            return
        except FileNotFoundError as error:
            raise DataError(f"there is no {url}; look at the pattern of --data") from error
        except ValueError as error:  # a server that only ever sends whole files
            raise DataError(f"{url} cannot be read from byte {offset} on: {error}") from error
        except Exception as error:  # each file system fails in its own way
            failures += 1
            if failures > _RETRIES:
                raise DataError(
                    f"{url} cannot be read from byte {offset} on ({type(error).__name__}: {error})"
                ) from error
            logger.warning("%s failed at byte %d (%s); trying again", url, offset, error)
            time.sleep(_WAIT_SECONDS * 2 ** (failures - 1))


def _read(url: str, offset: int) -> Iterator[tuple[str, bytes, int]]:
    """Names and contents of the images of a tar file from an offset on, each with the offset behind it."""
    with fsspec.open(url, "rb", block_size=_BLOCK) as file:
        file.seek(offset)
        with tarfile.open(fileobj=file, mode="r|", bufsize=min(_BLOCK, 1 << 16)) as tar:
            for member in tar:
                if is_image(member):
                    content = cast(BinaryIO, tar.extractfile(member)).read()
                    blocks = -(-member.size // tarfile.BLOCKSIZE)
                    yield member.name, content, offset + member.offset_data + blocks * tarfile.BLOCKSIZE
                cast(Any, tar).members = []  # it would remember them all
