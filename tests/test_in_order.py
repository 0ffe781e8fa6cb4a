"""Parts worked on at once: the results, and whatever goes wrong, come in order."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Iterator
from typing import Any

import pytest

from scoring.in_order import _AT_ONCE, in_order


def every(function: Callable[[Any], Any], parts: Iterable[Any]) -> list[Any]:
    with in_order(function, parts) as results:
        return list(results)


def test_results_come_in_order_however_long_each_takes() -> None:
    done = [threading.Event() for _ in range(8)]

    def work(number: int) -> int:
        if number % 2 == 0:
            assert done[number + 1].wait(10)  # the next one is ready first
        done[number].set()
        return number * number

    assert every(work, range(8)) == [number * number for number in range(8)]


def test_several_are_worked_on_at_once() -> None:
    together = threading.Barrier(_AT_ONCE)
    assert every(lambda _: together.wait(10) >= 0, range(2 * _AT_ONCE)) == [True] * (2 * _AT_ONCE)


def test_no_more_is_taken_than_can_be_worked_on() -> None:
    taken: list[int] = []

    def parts() -> Iterator[int]:
        for number in range(100):
            taken.append(number)
            yield number

    with in_order(lambda number: number, parts()) as results:
        for number in range(10):
            assert next(results) == number
            assert len(taken) <= number + 1 + _AT_ONCE
    assert len(taken) <= 10 + _AT_ONCE


def test_parts_are_taken_by_who_takes_the_results_and_worked_on_by_others() -> None:
    mine = threading.get_ident()
    takers = (threading.get_ident() for _ in range(5))
    for taker, worker in every(lambda taker: (taker, threading.get_ident()), takers):
        assert taker == mine != worker


def test_an_error_comes_in_the_place_of_its_result_and_nothing_runs_on() -> None:
    begun: list[int] = []

    def work(number: int) -> int:
        begun.append(number)
        if number == 3:
            raise ValueError("the third")
        return number

    with in_order(work, range(100)) as results:
        assert [next(results) for _ in range(3)] == [0, 1, 2]
        with pytest.raises(ValueError, match="the third"):
            next(results)
    assert max(begun) <= 3 + _AT_ONCE
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("scoring")]


def test_an_error_of_the_parts_themselves_ends_it() -> None:
    def parts() -> Iterator[int]:
        yield 1
        raise OSError("broken off")

    with pytest.raises(OSError, match="broken off"):
        every(str, parts())


def test_of_nothing_there_is_nothing() -> None:
    assert every(str, []) == []


def test_a_panic_of_polars_at_ctrl_c_is_an_interrupt() -> None:
    def work(_: int) -> None:
        raise RuntimeError('JoinError::Panic(Id(599), "__POLARS_ABORT_KEYBOARD_INTERRUPT", ...)')

    with pytest.raises(KeyboardInterrupt):
        every(work, [1])
