"""A file made of stretches of other files, so that a decoder sees of a photograph only what it is to see."""

from __future__ import annotations

import io
import os
from bisect import bisect_right
from collections.abc import Iterable
from typing import Any, BinaryIO, cast

Piece = bytes | tuple[BinaryIO, int, int]


class Pieces(io.RawIOBase):
    """Stretches read as one file, none of them copied.

    Args:
        pieces: bytes, or a seekable stream with the offset and the length of a stretch in it. The streams stay open.
    """

    def __init__(self, pieces: Iterable[Piece]) -> None:
        self.pieces, self._starts, self._length, self._at = list[Piece](), list[int](), 0, 0
        for piece in pieces:
            length = len(piece) if isinstance(piece, bytes) else piece[2]
            if length > 0:
                self.pieces.append(piece)
                self._starts.append(self._length)
                self._length += length

    @property
    def file(self) -> BinaryIO:
        """The same, as decoders call it."""
        return cast(BinaryIO, self)

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._at

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        base = {os.SEEK_SET: 0, os.SEEK_CUR: self._at, os.SEEK_END: self._length}[whence]
        if base + offset < 0:
            raise ValueError(f"negative position {base + offset}")
        self._at = base + offset
        return self._at

    def readinto(self, buffer: Any) -> int:
        view, done = memoryview(buffer).cast("B"), 0
        while done < len(view) and self._at < self._length:
            index = bisect_right(self._starts, self._at) - 1
            piece, inside = self.pieces[index], self._at - self._starts[index]
            if isinstance(piece, bytes):
                part = piece[inside : inside + len(view) - done]
            else:
                stream, start, length = piece
                stream.seek(start + inside)
                part = stream.read(min(length - inside, len(view) - done))
                if not part:
                    break
            view[done : done + len(part)] = part
            done += len(part)
            self._at += len(part)
        return done

    def readall(self) -> bytes:
        whole = bytearray(max(0, self._length - self._at))
        return bytes(memoryview(whole)[: self.readinto(whole)])
