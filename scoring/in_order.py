"""Several parts worked on at once, what comes of them in their order."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from typing import Final, TypeVar

from scoring.errors import heed_interrupt

__all__ = ["in_order"]

_AT_ONCE: Final = 2
"""Threads: numpy's work on a part is that of one thread. More would need more memory, for parts that wait."""

_Part = TypeVar("_Part")
_Done = TypeVar("_Done")


@contextmanager
def in_order(function: Callable[[_Part], _Done], parts: Iterable[_Part]) -> Iterator[Iterator[_Done]]:
    """Apply a function to parts, to some of them ahead of whoever takes what comes of them.

    Parameters
    ----------
    function : callable
        It is called by other threads, several at once.
    parts : iterable
        Taken one after the other by the thread that takes the results.

    Yields
    ------
    iterator
        Results in the order of the parts. An exception comes in the place of its result. At the end what has begun is
        ended, and the rest is not begun.

    Examples
    --------
    >>> with in_order(len, ["a", "bc", ""]) as lengths:
    ...     list(lengths)
    [1, 2, 0]
    """
    # whoever begins it holds the threads: polars, which may take the results, drops what it has where Ctrl-C gets lost
    pool = ThreadPoolExecutor(_AT_ONCE, "scoring")
    try:
        yield _results(pool, function, parts)
    finally:
        pool.shutdown(cancel_futures=True)


def _results(pool: ThreadPoolExecutor, function: Callable[[_Part], _Done], parts: Iterable[_Part]) -> Iterator[_Done]:
    begun: deque[Future[_Done]] = deque()
    for part in parts:
        begun.append(pool.submit(function, part))
        if len(begun) > _AT_ONCE:
            yield _result(begun.popleft())
    while begun:
        yield _result(begun.popleft())


def _result(future: Future[_Done]) -> _Done:
    try:
        return future.result()
    except BaseException as error:
        heed_interrupt(error)
        raise
