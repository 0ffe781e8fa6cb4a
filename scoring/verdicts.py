"""Verdicts: figures in sentences that a manager understands, each with how much of it could be chance."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

import polars as pl

__all__ = ["tell"]

_ASKED: Final = {
    "reply": "a reply within 30 days",
    "meeting": "a meeting within 30 days",
    "answer": "an answer, if the rep writes",
    "engaged": "a reply or a meeting within 30 days",
}
_NAMES: Final = {
    "product": "trained",
    "shipped": "the shipped model",
    "prior": "the prior alone",
    "true chance": "the true chance",
    "recency": "sorting by recency",
    "rfm": "sorting by RFM",
    "engagement_level": "sorting by engagement_level",
    "bgnbd": "sorting by BG/NBD",
    "meetings_30d": "sorting by recent meetings",
}
_COLUMNS: Final = {
    "auc": "AUC",
    "ap": "AP",
    "ndcg": "NDCG@10",
    "rate_10": "top 10 %",
    "rate_20": "top 20 %",
    "rate_30": "top 30 %",
    "brier": "Brier",
    "log_loss": "log loss",
}
_MOST_SEGMENTS: Final = 5
_FEW_OUTCOMES: Final = 30
_WIDE_GAP: Final = 0.2  # of the rate: a chance that is less off is near enough to work by


def tell(
    labels: pl.DataFrame, measures: pl.DataFrame, differences: pl.DataFrame, segments: pl.DataFrame, by_rep: bool
) -> str:
    """Put an evaluation into words.

    Parameters
    ----------
    labels, measures, differences, segments, by_rep
        As in `Evaluation`.

    Returns
    -------
    str
        Lines for a terminal.
    """
    judged = labels.filter("judged")
    days = sorted({f"{when:%Y-%m-%d}" for when in judged["as_of"]})
    drawn = "reps" if by_rep else "contacts (there are fewer than ten reps)"
    months = " and dates." if len(days) > 1 else "; how much one month differs from the next, one date cannot tell."
    lines = [
        f"{_dates(len(days))}, {days[0]} to {days[-1]}, each predicted from the exports known by then; the figures are "
        "means over dates.",
        f"In brackets: where they lie in 95 of 100 draws of {drawn}{months}",
    ]
    if labels.filter(pl.col("target") != "answer", pl.col("open") > pl.col("missing")).height:
        lines.append(
            "Open is what the later exports do not settle: mostly contacts who were in touch up to their date. Without "
            "them rates and figures are rather too low."
        )
    for target in judged["target"].unique(maintain_order=True):
        counts = labels.filter(target=target)
        means, held = (frame.filter(pl.col("as_of").is_null(), target=target) for frame in (measures, differences))
        lines += ["", *_head(target, counts), *_order(means, counts), *_against(held), *_limit(held)]
        lines += _level(held, segments.filter(target=target), counts.filter("judged", "settled").height)
        lines += _table(means)
    return "\n".join([*lines, *_left_out(labels.filter(~pl.col("judged")))])


def _left_out(labels: pl.DataFrame) -> list[str]:
    lines = []
    for target in labels["target"].unique(maintain_order=True):
        days = ", ".join(f"{when:%Y-%m-%d}" for when in labels.filter(target=target)["as_of"])
        lines.append(f"{target.upper()} is not judged after {days}: of the known rows all did it, or none.")
    return ["", *lines] if lines else []


def _head(target: str, counts: pl.DataFrame) -> list[str]:
    judged = counts.filter("judged")
    happened, did_not = int(judged["happened"].sum()), int(judged["did_not"].sum())
    share = _part(happened / (happened + did_not))
    lines = [
        f"{target.upper()}: {_ASKED[target]} - {happened:,} of {happened + did_not:,} known outcomes ({share}) on "
        f"{_dates(judged.height)}; {judged['open'].sum():,} open ones left out"
    ]
    if target == "answer":
        lines.append("  judged only where the order of mails is proved: no fair sample, so its share says little")
    if min(happened, did_not) < _FEW_OUTCOMES:
        lines.append(f"  only {min(happened, did_not)} outcomes of one kind: too few to rely on any of it")
    return lines


def _order(means: pl.DataFrame, counts: pl.DataFrame) -> list[str]:
    top, area = (means.row(by_predicate=_is("product", name), named=True) for name in ("rate_10", "auc"))
    judged = counts.filter("judged")
    # the mean of the dates' rates, not that of all rows, as the figure beside it weighs each date alike
    rate = float((judged["happened"] / (judged["happened"] + judged["did_not"])).to_numpy().mean())
    return [
        f"  the first tenth of the list: {_part(top['value'])} succeed {_range(top, _part)}, "
        f"{top['value'] / rate:.1f} times the average; AUC {area['value']:.3f} {_range(area)}"
    ]


def _is(model: str, measure: str) -> pl.Expr:
    return (pl.col("model") == model) & (pl.col("measure") == measure)


def _against(held: pl.DataFrame) -> list[str]:
    """Say of each other model whether the product orders better."""
    others = held.filter(pl.col("against") != "true chance", measure="auc")
    return [f"  {_sentence(row, 'AUC')}" for row in others.iter_rows(named=True)]


def _limit(held: pl.DataFrame) -> list[str]:
    """Say how far from the true chance the product is, where that is known."""
    found = {row["measure"]: row for row in held.filter(against="true chance").iter_rows(named=True)}
    units = {
        name: unit for name, unit in {"auc": "AUC", "brier": "Brier", "log_loss": "log loss"}.items() if name in found
    }
    short, near = [], []
    for name, unit in units.items():
        regret, row = f"{-found[name]['difference']:.3f} {unit}", found[name]
        if row["verdict"] == "worse":
            short.append(f"{regret} ({-row['high']:.3f} to {-row['low']:.3f})")
        else:
            near.append(unit)
    lines = [f"  short of the true chance, the most that is possible, by {', '.join(short)}"] if short else []
    return lines + ([f"  not short of the true chance beyond chance in {', '.join(near)}"] if near else [])


def _sentence(row: Mapping[str, Any], unit: str) -> str:
    other, by = _NAMES[row["against"]], f"{abs(row['difference']):.3f} {unit}"
    if row["verdict"] is None:
        return f"{row['difference']:+.3f} {unit} against {other}: too few to tell whether that is chance"
    if row["verdict"] == "no difference":
        return f"no difference from {other} beyond chance: {row['difference']:+.3f} {unit} {_range(row)}"
    low, high = sorted((abs(row["low"]), abs(row["high"])))
    dates = f", on {row['dates_above']} of {row['dates']} dates" if row["dates"] > 1 else ""
    told = f"{row['verdict']} than {other} by {by} ({low:.3f} to {high:.3f})"
    return told + (dates if row["verdict"] == "better" else "")


def _level(held: pl.DataFrame, segments: pl.DataFrame, settled: int) -> list[str]:
    """Say whether as many did it as the chances led to expect."""
    if not settled:
        return ["  chances: their level cannot be judged, as no date is settled (30 days, and few open outcomes)"]
    lines = []
    every = segments.filter(segment="everyone").row(0, named=True)
    if every["gap"] is not None:
        when = "the settled date" if settled == 1 else f"the {settled} settled dates"
        lines.append(f"  chances on {when}: {_expected(every)}")
    losses = held.filter(pl.col("against") != "true chance", measure="log_loss").iter_rows(named=True)
    lines += [f"  chances: {_sentence(row, 'log loss')}" for row in losses]
    everyone = every["gap"] or 0.0
    off = segments.filter(
        pl.col("segment") != "everyone",
        pl.col("value").is_in(["unknown", "other"]).not_(),
        *((pl.col("low") > level) | (pl.col("high") < level) for level in (0.0, everyone)),
        pl.col("gap").abs() > _WIDE_GAP * pl.col("rate"),
    ).sort(pl.col("gap").abs() * pl.col("rows"), "segment", "value", descending=[True, False, False])
    for row in off.head(_MOST_SEGMENTS).iter_rows(named=True):
        lines.append(f"    {row['segment']} {row['value']}: {_expected(row)}")
    return lines


def _expected(row: Mapping[str, Any]) -> str:
    told = f"{_part(row['expected'])} expected, {_part(row['rate'])} came"
    if row["low"] is None:
        return told
    if row["low"] <= 0 <= row["high"]:
        return f"{told}; the difference could be chance"
    return f"{told}; too {'high' if row['gap'] > 0 else 'low'} by {abs(row['gap']) * 100:.1f} points"


def _table(means: pl.DataFrame) -> list[str]:
    lines = [f"  {'':<28}" + "".join(f"{title:>10}" for title in _COLUMNS.values())]
    for model in means["model"].unique(maintain_order=True):
        found = dict(means.filter(model=model).select("measure", "value").iter_rows())
        cells = (_cell(found.get(name), name) for name in _COLUMNS)
        lines.append(f"  {_NAMES[model]:<28}" + "".join(f"{cell:>10}" for cell in cells))
    return lines


def _cell(value: float | None, measure: str) -> str:
    if value is None:
        return "-"
    return _part(value) if measure.startswith("rate_") else f"{value:.3f}"


def _part(share: float) -> str:
    return f"{share:.1%}" if share < 0.1 else f"{share:.0%}"


def _figure(value: float) -> str:
    return f"{value:.3f}"


def _range(row: Mapping[str, Any], form: Callable[[float], str] = _figure) -> str:
    return "" if row["low"] is None else f"({form(row['low'])} to {form(row['high'])})"


def _dates(number: int) -> str:
    return f"{number} date" if number == 1 else f"{number} dates"
