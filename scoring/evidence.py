"""Evidence: how much history a row holds."""

from __future__ import annotations

from typing import Final

import numpy as np
import polars as pl

from scoring.config import EVIDENCE

__all__ = ["LEVELS", "evidence_of"]

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
