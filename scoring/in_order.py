"""Several parts worked on at once, what comes of them in their order."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Generator, Iterable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Final, TypeVar

from scoring.errors import heed_interrupt

__all__ = ["in_order"]

_AT_ONCE: Final = 2
"""Threads: numpy's work on a part is that of one thread. More would need more memory, for parts that wait."""

_Part = TypeVar("_Part")
_Done = TypeVar("_Done")


def in_order(function: Callable[[_Part], _Done], parts: Iterable[_Part]) -> Generator[_Done]:
    """Apply a function to parts, to some of them ahead of whoever takes what comes of them.

    Parameters
    ----------
    function : callable
        It is called by other threads, several at once.
    parts : iterable
        Taken one after the other by the thread that takes the results.

    Yields
    ------
    object
        Results in the order of the parts. An exception comes in the place of its result; what has begun is ended then,
        and the rest is not begun.

    Examples
    --------
    >>> list(in_order(len, ["a", "bc", ""]))
    [1, 2, 0]
    """
    pool = ThreadPoolExecutor(_AT_ONCE, "scoring")
    begun: deque[Future[_Done]] = deque()
    try:
        for part in parts:
            begun.append(pool.submit(function, part))
            if len(begun) > _AT_ONCE:
                yield _result(begun.popleft())
        while begun:
            yield _result(begun.popleft())
    finally:
        pool.shutdown(cancel_futures=True)


def _result(future: Future[_Done]) -> _Done:
    try:
        return future.result()
    except BaseException as error:
        heed_interrupt(error)
        raise
