"""Hindsight: what was promised and what came, in sentences and tables that a manager understands."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

import polars as pl

from scoring.lines import plain

__all__ = ["judge", "tell"]

_CAME: Final = {"reply": "replied", "meeting": "met", "engaged": "replied or met"}
_HEADS: Final = {"engaged": "REPLY OR MEETING", "reply": "REPLY", "meeting": "MEETING"}
_FEW: Final = 30
_WIDE_GAP: Final = 0.2  # of the rate: chances that are less off are near enough to work by
_MOST_NAMED: Final = 5
_FEWEST_EXPECTED: Final = 3.0  # below, nobody can be told from anybody


def judge(
    levels: pl.DataFrame,
    tiers: pl.DataFrame,
    top: pl.DataFrame,
    reps: pl.DataFrame,
    lists: pl.DataFrame,
    whole: bool,
) -> list[str]:
    """Say whether scores held.

    Parameters
    ----------
    levels, tiers, top, reps, lists
        As in `review.Review`.
    whole : bool
        Whether the 30 days are over.

    Returns
    -------
    list of str
        Sentences; each says whom it is about.
    """
    sentences = []
    for target in (name for name in _HEADS if name in levels["target"]):
        level = levels.row(by_predicate=pl.col("target") == target, named=True)
        sentences += _level(level, whole)
        sentences += _order(target, *(frame.filter(target=target) for frame in (tiers, top)))
        sentences += _lists(lists.filter(target=target))
        sentences += _reps(target, reps.filter(target=target))
    return [*sentences, *(_advice(levels) if whole else [])]


def _level(row: Mapping[str, Any], whole: bool) -> list[str]:
    """Say how many came, and how many were expected."""
    least, most, rows = row["observed"], row["observed"] + row["open"], row["rows"]
    came, share = f"{least:,}", _part(least / rows)
    if row["open"]:
        still = f"{row['open']:,} {'is' if row['open'] == 1 else 'are'} open"
        came, share = f"{least:,} to {most:,}", f"{share} to {_part(most / rows)}; {still}"
    told = f"{came} of {rows:,} contacts {_CAME[row['target']]} ({share})"
    if not whole:
        return [f"{told}; what was expected is of 30 days, and they are not over."]
    told += f", where {row['expected']:,.0f} were expected ({_part(row['expected'] / rows)})"
    if _is_few(row):
        return [f"{told}; too few of one kind to say more."]
    return [f"{told}; {_beyond(row)}."]


def _is_few(row: Mapping[str, Any]) -> bool:
    return bool(min(row["observed"], row["rows"] - row["observed"] - row["open"]) < _FEW)


def _is_off(row: Mapping[str, Any]) -> bool:
    """Tell whether a level is off beyond chance, whichever way the open rows turned out."""
    low, high = row["low"], row["high"]
    return low is not None and bool(low > 0 or high < 0)


def _beyond(row: Mapping[str, Any]) -> str:
    if row["low"] is None:
        return "whether the difference is chance cannot be told"
    if not _is_off(row):
        return "the difference could be chance" + (", or the open ones" if row["open"] else "")
    low, high = sorted(abs(row[border]) * 100 for border in ("low", "high"))
    return f"the chances were too {'high' if row['gap'] > 0 else 'low'}, by {low:.1f} to {high:.1f} points"


def _order(target: str, tiers: pl.DataFrame, top: pl.DataFrame) -> list[str]:
    """Say whether the order held."""
    known = tiers.filter(pl.col("rows") > 0)
    tenth = top.row(0, named=True)
    if tenth["captured"] is None:
        return []
    brought = f"the first tenth of the list held {_part(tenth['captured'])} of those who {_CAME[target]}, "
    told = [f"{brought}{tenth['lift']:.1f} times its share."]
    if known.height > 1:
        first, last = known.row(0, named=True), known.row(-1, named=True)
        rates = known["rate"].to_list()
        fell = all(above >= below for above, below in zip(rates, rates[1:], strict=False)) and rates[0] > rates[-1]
        held = "the tiers held their order" if fell else "the tiers did NOT hold their order"
        by = ", ".join(f"{tier} {_part(rate)}" for tier, rate in known.select("tier", "rate").iter_rows())
        times = f", {first['tier']} {first['rate'] / last['rate']:.0f} times {last['tier']}" if last["rate"] else ""
        told.append(f"{held}: {by}{times if fell else ''}.")
    return [f"{text[0].upper()}{text[1:]}" for text in told]


def _lists(lists: pl.DataFrame) -> list[str]:
    """Hold rows that were listed against those that were not."""
    if lists.filter(pl.col("rows") > 0).height < 2:
        return []
    told = (
        f"{row['part']} {row['observed']:,} of {row['rows']:,} ({_part(row['rate'])}; {row['expected']:,.1f} expected)"
        for row in lists.filter(pl.col("rows") > 0).iter_rows(named=True)
    )
    return [f"By place on the worklist: {', '.join(told)}."]


def _reps(target: str, reps: pl.DataFrame) -> list[str]:
    """Name the reps whose figure is out of what is usual for their contacts."""
    told = reps.filter(pl.col("usual") >= _FEWEST_EXPECTED)
    if not told.height:
        return []
    more, fewer = (told.filter(verdict=verdict).height for verdict in ("more", "fewer"))
    reps_told = (
        f"Of {told.height:,} {'rep' if told.height == 1 else 'reps'} with {_FEWEST_EXPECTED:.0f} or more to expect"
    )
    if not more + fewer:
        return [f"{reps_told}, none is out of what is usual."]
    return [
        f"{reps_told}, {more:,} had more contacts who {_CAME[target]} than is usual for such contacts and {fewer:,} "
        f"had fewer; by chance alone up to 1 in 20 would be out."
    ]


def _advice(levels: pl.DataFrame) -> list[str]:
    """Say what to do about levels that are off."""
    off = [
        row["target"]
        for row in levels.iter_rows(named=True)
        if _is_off(row) and not _is_few(row) and abs(row["gap"]) > _WIDE_GAP * row["observed"] / row["rows"]
    ]
    if not off:
        return []
    return [
        f"Levels off by more than a fifth, beyond chance: {', '.join(off)}. That leaves the order as it is. One month "
        "is one month; if the next says the same, `scoring recalibrate` on these exports moves the level."
    ]


def tell(verdict: Sequence[str], frames: Mapping[str, pl.DataFrame]) -> list[str]:
    """Put a review into lines: the verdict, then the tables behind it.

    Parameters
    ----------
    verdict : sequence of str
        What `judge` gave.
    frames : mapping of str to polars.DataFrame
        `labels`, `tiers`, `top`, `reliability`, `reps` and `lists` of a `review.Review`.

    Returns
    -------
    list of str
        Lines for a terminal.
    """
    lines = [f"- {sentence}" for sentence in verdict]
    for target in (name for name in _HEADS if name in frames["tiers"]["target"]):
        of = {name: frame.filter(target=target) for name, frame in frames.items()}
        counts = of["labels"].row(0, named=True)
        known, still_open = counts["happened"] + counts["did_not"], counts["open"] - counts["missing"]
        left_out = f"left out: {still_open:,} open, {counts['missing']:,} missing later"
        lines += ["", f"{_HEADS[target]}: {known:,} known; {left_out}"]
        lines += _table("tier", of["tiers"]) + _table("part", of["lists"]) + _shares(of["top"])
        lines += _bins(of["reliability"]) + _out_of_usual(of["reps"])
    return lines


def _shares(top: pl.DataFrame) -> list[str]:
    """Say what the first tenths of the list cost and found."""
    lines = []
    for row in top.iter_rows(named=True):
        if row["captured"]:
            found = f"{_part(row['rate'])} came, {row['lift']:.1f}x; {_part(row['captured'])} of all"
            lines.append(f"  first {row['share']:.0%}: {found}; {1 / row['rate']:.1f} contacts for each")
    return lines


def _table(by: str, rows: pl.DataFrame) -> list[str]:
    if not rows.height:
        return []
    lines = [f"  {by:<16}{'contacts':>9}{'expected':>10}{'came':>8}{'rate':>8}{'lift':>7}"]
    for row in rows.iter_rows(named=True):
        rate = "-" if row["rate"] is None else _part(row["rate"])
        lift = "-" if row["lift"] is None else f"{row['lift']:.1f}x"
        name, came = row[by], f"{row['observed']:,}"
        lines.append(f"  {name:<16}{row['rows']:>9,}{row['expected']:>10,.1f}{came:>8}{rate:>8}{lift:>7}")
    return lines


def _bins(rows: pl.DataFrame) -> list[str]:
    lines = [f"  {'chances':<16}{'contacts':>9}{'expected':>10}{'came':>8}"]
    for row in rows.iter_rows(named=True):
        span = f"{_part(row['lowest'])} to {_part(row['highest'])}"
        lines.append(f"  {span:<16}{row['rows']:>9,.0f}{_part(row['expected']):>10}{_part(row['observed']):>8}")
    return lines


def _out_of_usual(reps: pl.DataFrame) -> list[str]:
    """List the reps who are farthest out."""
    out = reps.filter(pl.col("verdict") != "as usual", pl.col("usual") >= _FEWEST_EXPECTED)
    far = out.sort((pl.col("observed") - pl.col("usual")).abs(), "rep", descending=[True, False])
    lines = [
        f"  {plain(row['rep'])}: {row['observed']:,} of {row['rows']:,} came; usual for them {row['usual']:,.1f} "
        f"({row['low']:,} to {row['high']:,}): {row['verdict']}"
        for row in far.head(_MOST_NAMED).iter_rows(named=True)
    ]
    more = far.height - _MOST_NAMED
    return lines + ([f"  and {more:,} more reps out of what is usual"] if more > 0 else [])


def _part(share: float) -> str:
    """Put a share into percent, with two digits that count wherever there are two."""
    return f"{share:.2%}" if 0 < share < 0.01 else f"{share:.1%}" if share < 0.1 else f"{share:.0%}"
