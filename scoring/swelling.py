"""Swelling: a top tier that holds more than it was cut for, or more than reps can work.

Tiers stay where they were cut, so that an A means what it meant. The price is that more and more contacts may come to
lie above a cut, until an A no longer says who comes first.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import polars as pl

from scoring.config import HORIZON_DAYS, TIERS
from scoring.model import Model
from scoring.wording import percent

__all__ = ["tell_overflow", "tell_swelling"]

_TOP: Final = TIERS[0]
_TWICE: Final = 2
_FEW: Final = 20
_LISTS: Final = HORIZON_DAYS // 7


def tell_swelling(tiers: Mapping[str, int], model: Model) -> str | None:
    """Say if tier A holds far more contacts than it was cut for.

    Parameters
    ----------
    tiers : mapping of str to int
        Scored contacts in each tier.
    model : Model
        What scored them.

    Returns
    -------
    str or None
        A warning if A holds more than twice the share that it has in the model's reference population, and at least 20
        contacts more than that share; else None.

    Examples
    --------
    >>> from scoring.model import load_model
    >>> tell_swelling({"A": 18, "D": 82}, load_model()) is None
    True
    >>> tell_swelling({"A": 40, "D": 60}, load_model()).partition(":")[0]
    'tier A holds 40 % of the contacts, in the simulated organisations of the model it was 18 %'
    """
    rows, found = sum(tiers.values()), tiers.get(_TOP, 0)
    steps = len(model.quantiles) + 1
    usual = (steps - int(model.quantiles.searchsorted(model.tier_cuts[0]))) / steps
    if found <= _TWICE * usual * rows or found < usual * rows + _FEW:
        return None
    simulated = model.provenance.get("learned_from") == "simulated organisations"
    reference = "the simulated organisations of the model" if simulated else "the model's reference"
    how = "learning from your own export (`--adapt`)" if simulated else "`scoring train --new-tiers`"
    return (
        f"tier {_TOP} holds {percent(found / rows)} of the contacts, in {reference} it was {percent(usual)}: "
        f"`scoring drift` says what has changed, and {how} cuts the tiers anew"
    )


def _places(count: int) -> str:
    return f"{count:,} place{'' if count == 1 else 's'}"


def tell_overflow(rows: pl.DataFrame, places: pl.DataFrame) -> str | None:
    """Say if reps have more contacts in tier A than they can work.

    Parameters
    ----------
    rows : polars.DataFrame
        One row for each scored contact: `rep` and `tier`.
    places : polars.DataFrame
        One row for each rep: `rep`, and its `places` on one list.

    Returns
    -------
    str or None
        A warning if a rep has more of them than four lists hold, which is one a week for the 30 days that chances are
        for; else None. Reps without places do not count.

    Examples
    --------
    >>> rows = pl.DataFrame({"rep": ["a"] * 9 + ["b"], "tier": ["A"] * 10})
    >>> places = pl.DataFrame({"rep": ["a", "b"], "places": [2, 2]})
    >>> tell_overflow(rows, places).partition(":")[0]
    '1 of 2 reps has more contacts in tier A than 4 lists hold, one a week (the most'
    """
    top = rows.filter(pl.col("tier").cast(pl.String) == _TOP).group_by("rep").agg(pl.len().alias("held"))
    working = places.filter(pl.col("places") > 0)
    held = working.join(top, on="rep", nulls_equal=True).filter(pl.col("held") > _LISTS * pl.col("places"))
    if not held.height:
        return None
    most = held.sort("held", "places", descending=[True, False]).row(0, named=True)
    return (
        f"{held.height:,} of {working.height:,} reps {'has' if held.height == 1 else 'have'} more contacts in tier "
        f"{_TOP} than {_LISTS} lists hold, one a week (the most: {most['held']:,}, and {_places(most['places'])} on a "
        f"list): their order says who comes first, the tier no longer does"
    )
