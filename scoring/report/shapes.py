"""Shapes: how a chance depends on each of the strongest features, as the model's own tables have it."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from scoring.features import FEATURES, Feature
from scoring.model import Model
from scoring.report.axes import AXES
from scoring.report.charts import draw_steps
from scoring.report.markup import Cell, Section, paragraph, part, picture, safe, table
from scoring.scorecard import Floats, Table

__all__ = ["Shape", "find_shapes", "show_shapes"]

_SHOWN: Final = 6
_FEATURES: Final = {feature.name: feature for feature in FEATURES}
_ODDS: Final = (1 / 64, 1 / 16, 1 / 4, 1, 4, 16, 64)
_LEAST, _ROOM = 1.4, 0.1


@dataclass(frozen=True, eq=False)
class Shape:
    """A feature's table, and how contacts lie along it.

    Attributes
    ----------
    feature : Feature
        Which.
    table : Table
        What it adds to the log-odds of a reply or a meeting.
    marks : numpy.ndarray
        Values up to which a tenth of the reference's contacts lies each; fewer where many share one value.
    below : numpy.ndarray
        Share of the contacts that have a value which lies at or below each mark.
    edges : numpy.ndarray
        Where the steps begin and end, as shares of the contacts that have a value: from 0 to 1.
    missing : float
        Share of the contacts that have no value.
    strength : float
        Mean size of what it adds, in log-odds.
    """

    feature: Feature
    table: Table
    marks: Floats
    below: Floats
    edges: Floats
    missing: float
    strength: float


def find_shapes(model: Model) -> list[Shape]:
    """Find the features that move chances most.

    Parameters
    ----------
    model : Model
        The model.

    Returns
    -------
    list of Shape
        Of the chance of a reply or a meeting, beside an export's context; the strongest first. Without a reference
        all steps count alike.
    """
    reference = {} if model.reference is None else {each.feature: each for each in model.reference.features}
    card = model.with_context["engaged"]
    found = [_shape(each, reference.get(each.feature)) for each in card.tables]
    return sorted(found, key=lambda shape: (-shape.strength, shape.feature.name))


def _shape(own: Table, spread: Table | None) -> Shape:
    if spread is None:
        marks, missing = own.thresholds.astype(np.float64), 0.0
        edges = np.linspace(0.0, 1.0, len(own.thresholds) + 2)
        below = edges[1:-1]
    else:
        marks, missing = spread.thresholds.astype(np.float64), float(spread.values[-1])
        below = (np.cumsum(spread.values[:-1]) / max(float(spread.values[:-1].sum()), 1e-12))[: len(marks)]
        edges = np.concatenate([[0.0], _share_below(own.thresholds.astype(np.float64), marks, below), [1.0]])
    widths = np.diff(edges)
    strength = float((1 - missing) * np.sum(widths * np.abs(own.values[:-1])) + missing * abs(own.values[-1]))
    return Shape(_FEATURES[own.feature], own, marks, below, edges, missing, strength)


def _share_below(values: Floats, marks: Floats, below: Floats) -> Floats:
    """Say which share of the contacts lies at or below each value: known at the marks, even between them."""
    if not len(marks) or not len(values):
        return np.linspace(0.0, 1.0, len(values) + 2)[1:-1]
    lowest, highest = min(values[0], marks[0]), max(values[-1], marks[-1])
    reach = max(highest - lowest, 1e-9) * 0.05
    x = np.concatenate([[lowest - reach], marks, [highest + reach]])
    y = np.concatenate([[0.0], below, [1.0]])
    found: Floats = np.interp(values, x, y)
    return found


def show_shapes(model: Model) -> Section:
    """Show how the chance of a reply or a meeting depends on the strongest features.

    Parameters
    ----------
    model : Model
        The model.

    Returns
    -------
    Section
    """
    shapes = _strongest(find_shapes(model))
    values = [float(value) for shape in shapes for value in shape.table.values] or [0.0]
    # all on one scale, so that they can be compared
    scale = min(*values, -_LEAST) - _ROOM, max(*values, _LEAST) + _ROOM
    lead = paragraph(
        "A chance is a sum of what each feature adds, and these are the ones that move it most. The line says by how "
        "much the odds of a reply or a meeting are multiplied: 4× are odds of 4 to 1 where they were even.",
        "Equal widths are equally many contacts.",
        "Does a shape contradict what you know of your customers? Then look at how that field gets into your CRM "
        "before you trust the list.",
    )
    drawn = "".join(_draw(number, shape, *scale) for number, shape in enumerate(shapes, start=1))
    return Section("shapes", "What drives the chances", lead, f'<div class="side">{drawn}</div>')


def _strongest(shapes: Sequence[Shape]) -> list[Shape]:
    """Keep of each fact the feature that tells most of it."""
    first: dict[str, Shape] = {}
    for shape in shapes:
        first.setdefault(shape.feature.fact.name, shape)
    return list(first.values())[:_SHOWN]


def _draw(number: int, shape: Shape, lowest: float, highest: float) -> Cell:
    feature = shape.feature
    title = f"{feature.fact.name[:1].upper()}{feature.fact.name[1:]}"
    values = shape.table.values

    def height(log_odds: float) -> float:
        return (log_odds - lowest) / (highest - lowest)

    steps = [
        (float(start), float(end), height(float(value)))
        for start, end, value in zip(shape.edges, shape.edges[1:], values[:-1], strict=False)
        if end > start
    ]
    up = [(height(math.log(odds)), _odds(odds)) for odds in _ODDS if lowest <= math.log(odds) <= highest]
    ticks = _ticks(shape)
    levels = _levels(shape)
    ends = f"from {_odds(math.exp(float(values[0])))} at the least to {_odds(math.exp(float(values[-2])))} at the most"
    aside = height(float(values[-1])) if shape.missing > 0 else None
    drawn = draw_steps(f"shape-{number}", title, ends, AXES[feature.name], ticks, up, steps, height(0.0), aside)
    rows = [(_value(mark, feature.unit), _odds(math.exp(log_odds))) for mark, log_odds in levels]
    rows.append(("more", _odds(math.exp(float(values[-2])))))
    if shape.missing > 0:
        rows.append((f"no value ({part(shape.missing)})", _odds(math.exp(float(values[-1])))))
    numbers = table(
        f"shape-{number}-table",
        f"What the odds are multiplied by; {feature.name} = {feature.formula}",
        ["At", "Odds"],
        rows,
    )
    ring = "" if aside is None else f"The ring is where there is no value: {safe(feature.fact.absent)}."
    caption = f"<code>{safe(feature.name)}</code>. {ring}"
    return f"<div><h3>{safe(title)}</h3>{picture(f'shape-{number}-figure', drawn, caption, numbers)}</div>"


def _levels(shape: Shape) -> list[tuple[float, float]]:
    """Look up what the table adds at each mark."""
    bins = shape.table.locate(shape.marks.astype(np.float32))
    return [(float(mark), float(shape.table.values[each])) for mark, each in zip(shape.marks, bins, strict=True)]


def _ticks(shape: Shape) -> list[tuple[float, str]]:
    """Label a few marks along the axis, far enough from each other to be read."""
    ticks: list[tuple[float, str]] = []
    for place, mark in zip(shape.below, shape.marks, strict=True):
        if 0.04 <= place <= 0.96 and (not ticks or place - ticks[-1][0] >= 0.19):
            ticks.append((float(place), _value(float(mark), shape.feature.unit)))
    return ticks


def _value(value: float, unit: str) -> str:
    """Write a value of a feature shortly."""
    if unit.startswith("share"):
        return part(value)
    if abs(value) < 0.01:
        return f"{value:.1g}" if "a day" in unit else "0"
    return f"{value:,.0f}" if abs(value) >= 10 else f"{value:.2g}"


def _odds(ratio: float) -> str:
    """Write what odds are multiplied by."""
    if ratio >= 1:
        return f"{ratio:.0f}×" if ratio >= 9.5 or abs(ratio - round(ratio)) < 0.005 else f"{ratio:.1f}×"
    return f"1/{1 / ratio:.0f}×" if 1 / ratio >= 3.5 or abs(1 / ratio - 2) < 0.01 else f"{ratio:.2f}×"
