"""Which contacts are learned from where exports hold very many: one in so many, the same ones in every export.

The rule needs nothing but a row's own key, so it can be applied to a frame, to a file in parts, or on a cluster, and
the same rows are in. It is: write the key as ``REP``, a line break and ``WHO``, where ``REP`` is `source_email` in
lower case (nothing if it is missing) and ``WHO`` is ``#`` with `crm_id`, or where that is missing ``@`` with `email` in
lower case; take BLAKE2b of its UTF-8 with a digest of 8 bytes and, as salt, the seed in 8 bytes; read the digest as a
whole number. Both have the highest byte first. A row is in where that number is below ``2**64 // one_in``.
"""

from __future__ import annotations

from dataclasses import dataclass
from hashlib import blake2b

import numpy as np
import polars as pl
from numpy.typing import NDArray

from scoring.validation import key_of

__all__ = ["Sample", "key_numbers"]


def key_numbers(table: pl.DataFrame, seed: int) -> NDArray[np.uint64]:
    """Draw a number for the key of each row: the same on every machine and in every version.

    Parameters
    ----------
    table : polars.DataFrame
        Rows with `source_email`, `crm_id` and `email`, typed.
    seed : int
        From 0; another one draws other numbers.

    Returns
    -------
    numpy.ndarray
        UInt64, evenly spread; rows of the same key have the same. Rows without a key share one.

    Examples
    --------
    >>> rows = pl.DataFrame({"source_email": ["Rep@a.example"], "crm_id": ["7"], "email": ["x@b.example"]})
    >>> [f"{number:016x}" for number in key_numbers(rows, seed=1)]
    ['46b77f426f100a78']
    """
    salt = seed.to_bytes(8, "big")
    rep, who = (key.fill_null("") for key in key_of("rep", "who"))
    keys = table.select(pl.concat_str(rep, who, separator="\n")).to_series()
    digests = b"".join([blake2b(key.encode(), digest_size=8, salt=salt).digest() for key in keys])
    return np.frombuffer(digests, dtype=">u8").astype(np.uint64)


@dataclass(frozen=True)
class Sample:
    """One in so many contacts, drawn by their keys.

    A larger `one_in` takes a part of the rows that a smaller one takes.

    Attributes
    ----------
    one_in : int
        1 for all.
    seed : int
        Which of them.

    Examples
    --------
    >>> rows = pl.DataFrame({"crm_id": [str(number) for number in range(1000)]})
    >>> rows = rows.with_columns(source_email=pl.lit("rep@a.example"), email=pl.lit(None, pl.String))
    >>> int(Sample(one_in=4, seed=1).takes(rows).sum())
    250
    """

    one_in: int = 1
    seed: int = 1

    @classmethod
    def of(cls, rows: int, most_rows: int, seed: int) -> Sample:
        """Choose how many contacts to leave out.

        Parameters
        ----------
        rows : int
            Rows of all exports together, as they came.
        most_rows : int
            How many to take at most, on average over seeds.
        seed : int
            Which of them.

        Returns
        -------
        Sample

        Examples
        --------
        >>> Sample.of(12_500_000, 500_000, seed=1).one_in, Sample.of(500_000, 500_000, seed=1).one_in
        (25, 1)
        """
        return cls(max(1, -(-rows // most_rows)), seed)

    def takes(self, table: pl.DataFrame) -> pl.Series:
        """Tell which rows are in the sample.

        Parameters
        ----------
        table : polars.DataFrame
            Rows with `source_email`, `crm_id` and `email`, typed.

        Returns
        -------
        polars.Series
            Boolean, one for each row.
        """
        if self.one_in == 1:
            return pl.Series([True], dtype=pl.Boolean).new_from_index(0, table.height)
        return pl.Series(key_numbers(table, self.seed) < np.uint64(self.limit))

    @property
    def limit(self) -> int:
        """The number of a key must be below this, unless all are taken."""
        return 2**64 // self.one_in
