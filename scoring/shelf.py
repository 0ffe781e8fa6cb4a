"""Frames that are needed again: in memory as long as there is room, the rest on disk."""

from __future__ import annotations

from pathlib import Path
from typing import Final

import polars as pl

from scoring.errors import InputError

__all__ = ["ROOM", "Shelf"]

ROOM: Final = 2**27
"""Bytes that are held in memory: some 700,000 rows; to write and read them again costs a tenth of their scoring."""


class Shelf:
    """Frames of the same columns, in order.

    Parameters
    ----------
    folder : Path
        Where those are kept for which there is no room; it is made when there is one.
    room : int, optional
        Bytes of memory; `ROOM` by default.

    Examples
    --------
    >>> from tempfile import TemporaryDirectory
    >>> with TemporaryDirectory() as folder:
    ...     shelf = Shelf(Path(folder, "parts"))
    ...     shelf.put(pl.DataFrame({"a": [1, 2]}))
    ...     shelf.put(pl.DataFrame({"a": [3]}))
    ...     len(shelf), shelf[1].item(), shelf.scan().collect()["a"].to_list()
    (2, 3, [1, 2, 3])
    """

    def __init__(self, folder: Path, room: int | None = None) -> None:
        self._folder = folder
        self._held: list[pl.DataFrame | Path] = []
        self._room = ROOM if room is None else room

    def __len__(self) -> int:
        """Count them."""
        return len(self._held)

    def __getitem__(self, place: int) -> pl.DataFrame:
        """Give one of them."""
        held = self._held[place]
        return pl.read_ipc(held) if isinstance(held, Path) else held

    def put(self, frame: pl.DataFrame) -> None:
        """Keep a frame.

        Parameters
        ----------
        frame : polars.DataFrame
            With the columns of the others.

        Raises
        ------
        InputError
            If the disk is full.
        """
        self._room -= int(frame.estimated_size())
        if self._room >= 0:
            # what is added to a text makes it a new one: else it holds on to all that was read along with it
            self._held.append(frame.with_columns(pl.col(pl.String) + ""))
            return
        path = self._folder / f"{len(self):06}.arrow"
        try:
            self._folder.mkdir(exist_ok=True)
            frame.write_ipc(path, compression="uncompressed")
        except (OSError, pl.exceptions.PolarsError) as error:
            raise InputError(
                f"the folder of the output cannot hold the rows of the file for a while ({type(error).__name__})",
                expected="some 200 bytes of room for each row",
                hint="is the disk full, or the folder read-only?",
            ) from error
        self._held.append(path)

    def scan(self) -> pl.LazyFrame:
        """Look at all frames, one behind the other.

        Returns
        -------
        polars.LazyFrame
        """
        frames = [held.lazy() for held in self._held if not isinstance(held, Path)]
        if paths := [held for held in self._held if isinstance(held, Path)]:
            frames.append(pl.scan_ipc(paths))
        return pl.concat(frames)
