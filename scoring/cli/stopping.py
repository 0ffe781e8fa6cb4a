"""Stopping: SIGTERM, which schedulers and `docker stop` send, is obeyed as Ctrl-C is: nothing is left behind."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Thread, current_thread, main_thread

__all__ = ["Stop", "heeding"]


class Stop:
    """What has asked to stop.

    Attributes
    ----------
    terminated : bool
        Whether it was SIGTERM.
    """

    terminated = False


@contextmanager
def heeding() -> Iterator[Stop]:
    """Take SIGTERM for Ctrl-C.

    Yields
    ------
    Stop

    Raises
    ------
    KeyboardInterrupt
        Within, when the signal comes.

    Notes
    -----
    Python looks at signals between its own steps, and polars may take minutes over one. polars itself ends its work at
    Ctrl-C, and at nothing else. So a thread waits for the signal, and passes it on.
    """
    stop = Stop()
    if sys.platform == "win32" or current_thread() is not main_thread():
        yield stop
        return

    def interrupt(*_: object) -> None:
        stop.terminated = True
        raise KeyboardInterrupt

    coming, told = os.pipe()
    os.set_blocking(told, False)
    before, wakes = signal.signal(signal.SIGTERM, interrupt), signal.set_wakeup_fd(told, warn_on_full_buffer=False)
    watcher = Thread(target=_pass_on, args=(coming, stop), daemon=True)
    watcher.start()
    try:
        yield stop
    finally:
        signal.set_wakeup_fd(wakes)
        signal.signal(signal.SIGTERM, before)
        os.close(told)
        watcher.join()
        os.close(coming)


def _pass_on(coming: int, stop: Stop) -> None:
    """Wait for signals until nobody is there to tell of any."""
    while number := os.read(coming, 1):
        if number[0] == signal.SIGTERM:
            stop.terminated = True
            os.kill(os.getpid(), signal.SIGINT)
