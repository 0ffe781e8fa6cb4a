"""Evidence: how much history a row holds."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import numpy as np
import polars as pl

from scoring.config import EVIDENCE

__all__ = ["LEVELS", "evidence_of", "evidence_of_one"]

LEVELS: Final = ("none", *EVIDENCE)
"""Levels of evidence, from the least on."""

_NAMES: Final = pl.Series(LEVELS, dtype=pl.Enum(LEVELS))
_LEAST_TOUCHES: Final = np.array(list(EVIDENCE.values()))
_TOUCHES: Final = ("total_inbound", "total_outbound", "total_meetings")


def evidence_of(contacts: pl.DataFrame) -> pl.Series:
    """Say how much history each row holds.

    Parameters
    ----------
    contacts : polars.DataFrame
        Typed contacts; a null count is 0.

    Returns
    -------
    polars.Series
        ``none``, ``thin`` or ``enough``, by how many of the least numbers of touches in `config.EVIDENCE` it reaches.

    Examples
    --------
    >>> from scoring import schema
    >>> evidence_of(schema.empty(2).with_columns(total_inbound=pl.Series([None, 5]))).to_list()
    ['none', 'enough']
    """
    touches = np.sum([np.nan_to_num(contacts[name].to_numpy().astype(np.float64)) for name in _TOUCHES], axis=0)
    return _NAMES.gather(_LEAST_TOUCHES.searchsorted(touches, side="right"))


def evidence_of_one(row: Mapping[str, Any]) -> str:
    """Say how much history one row holds.

    Parameters
    ----------
    row : mapping of str to object
        The cells of a row of typed contacts; a count that is None is 0.

    Returns
    -------
    str
        As `evidence_of` says it.

    Examples
    --------
    >>> evidence_of_one({"total_inbound": None, "total_outbound": 2, "total_meetings": 0})
    'thin'
    """
    touches = 0.0
    for name in _TOUCHES:
        touches += row[name] or 0
    return LEVELS[int(_LEAST_TOUCHES.searchsorted(touches, side="right"))]
