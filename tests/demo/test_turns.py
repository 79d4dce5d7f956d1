"""Visitors take turns."""

from __future__ import annotations

import threading

import pytest

from demo.turns import LeftError, Turns


def test_turns_come_in_the_order_of_asking_and_albums_alternate() -> None:
    turns, order, ahead = Turns(), list[str](), list[int]()
    first_has_it, go = threading.Event(), threading.Event()

    def visitor(name: str, photos: int) -> None:
        for number in range(photos):
            with turns.take(tell=ahead.append):
                order.append(f"{name}{number}")
                if name == "a" and number == 0:
                    first_has_it.set()
                    assert go.wait(10)

    album = threading.Thread(target=visitor, args=("a", 3))
    album.start()
    assert first_has_it.wait(10)
    other = threading.Thread(target=visitor, args=("b", 1))
    other.start()
    while ahead != [1]:
        assert other.is_alive()
    go.set()
    album.join(10)
    other.join(10)
    assert order == ["a0", "b0", "a1", "a2"]


def test_who_left_loses_the_turn_and_holds_up_nobody() -> None:
    turns = Turns()
    with turns.take(), pytest.raises(LeftError), turns.take(left=lambda: True):
        raise AssertionError("nobody is there")
    with turns.take():
        pass
