"""Scoring files: a file in, a scored file out, whole or not at all, and what could not be used beside it."""

from __future__ import annotations

import json
import os
from collections.abc import Collection, Sequence
from contextlib import ExitStack
from dataclasses import asdict, dataclass, field, replace
from datetime import date, datetime
from math import isfinite
from pathlib import Path
from tempfile import TemporaryDirectory
from time import monotonic
from typing import Any, Final

import numpy as np
import polars as pl

from scoring.cloud import fetched, is_cloud, send
from scoring.context import Context
from scoring.dating import agree
from scoring.errors import InputError
from scoring.evidence import LEVELS
from scoring.intake import Intake, date_given, date_named, load_context, take_in
from scoring.lines import plain
from scoring.model import SHIPPED, Model, load_model
from scoring.paths import matching
from scoring.prediction import COLUMNS, refuse_columns, refuse_scored, score_intake
from scoring.reading import warn_missing
from scoring.reading.several import Source, open_several
from scoring.reading.streams import TEXT, Irregular, Stream, open_stream
from scoring.rows import laid_down
from scoring.splicing import Unfit
from scoring.streaming import Scored, Tally, score_rows
from scoring.validation import RULES
from scoring.workplace import workplace
from scoring.writing import (
    Part,
    check_target,
    ending_of,
    refuse_input,
    remove,
    write_frame,
    write_parts,
    write_with_lines,
)

__all__ = ["Summary", "score_file"]

REJECTED: Final = ".rejected.ndjson"
_SPARE: Final = 2**25 - 2**13
"""Bytes: the largest block that glibc, having had it back, takes for a usual size."""


@dataclass(frozen=True)
class Summary:
    """What scoring a file came to.

    Attributes
    ----------
    rows : int
        Rows read: ``scored + rejected + suppressed``.
    scored, rejected, suppressed : int
        Rows in the output, rows kept aside, rows left out on request.
    flagged : int
        Scored rows that contradict themselves.
    rules : mapping of str to int
        Rows for each rule that was met.
    tiers, evidence : mapping of str to int
        Scored rows for each tier and each level of evidence.
    as_of : str
        ISO 8601, UTC.
    dated : str
        Where `as_of` comes from.
    model_id : str
        What scored.
    output : str
        The scored file.
    rejected_output : str or None
        The rows kept aside, one JSON object a line; None where there are none.
    seconds : float
        From call to return, by the clock on the wall. It does not count when summaries are compared.
    """

    rows: int
    scored: int
    rejected: int
    suppressed: int
    flagged: int
    rules: dict[str, int]
    tiers: dict[str, int]
    evidence: dict[str, int]
    as_of: str
    dated: str
    model_id: str
    output: str
    rejected_output: str | None
    seconds: float = field(default=0.0, compare=False)

    def to_dict(self) -> dict[str, Any]:
        """Return the summary as plain values, ready for JSON."""
        return asdict(self)


def score_file(
    source: str | Path | Sequence[str | Path],
    output: str | Path,
    *,
    model: Model | str | Path = SHIPPED,
    context: Context | str | Path | None = None,
    as_of: datetime | date | str | None = None,
    suppress: Sequence[str] = (),
    strict: bool = False,
    overwrite: bool = False,
) -> Summary:
    """Score a file of contacts into another file.

    Parameters
    ----------
    source : str, Path or sequence of them
        CSV, JSON, NDJSON or Parquet, compressed or not; several are one export, as are those that a pattern such as
        ``exports/part-*.csv`` fits. An address of a cloud store
        (``s3://``, ``gs://``, ``abfs://``) is brought here first, to the folder for temporary files.
    output : str or Path
        Where to write; its ending says the format (``.csv``, ``.parquet``, ``.ndjson``, ``.jsonl``, ``.json``; text
        also ``.gz`` or ``.zst``). An older file is replaced once the new one is whole. May be an address, too.
    model, context, as_of, suppress, overwrite
        As for `scoring.score`.
    strict : bool
        Fail, and write nothing, if any row cannot be used.

    Returns
    -------
    Summary
        ``rows = scored + rejected + suppressed``.

    Raises
    ------
    InputError
        If the input cannot be read, the output cannot be written, or `strict` and a row cannot be used.

    Notes
    -----
    Rows that cannot be used go to ``OUTPUT.rejected.ndjson`` with their line number, rule, cell and all their columns;
    an older such file is removed where every row is fine.
    """
    began = monotonic()
    files = matching(source) if isinstance(source, str | Path) else list(source)
    source = files[0] if len(files) == 1 else files
    with ExitStack() as stack:
        near, target = _near(source, output, stack)
        place = check_target(target, near)
        refuse_input(_aside(place), near)
        order = _Order(place, load_model(model), load_context(context), as_of, suppress, strict, overwrite)
        summary = _score(near, order)
        if target is not output:
            summary = _sent(summary, os.fspath(output))
    return replace(summary, seconds=round(monotonic() - began, 2))


def _near(
    source: str | Path | Sequence[str | Path], output: str | Path, stack: ExitStack
) -> tuple[str | Path | Sequence[str | Path], str | Path]:
    """Bring what is in a cloud store here for a while, and have what goes there written here first."""
    single = isinstance(source, str | Path)
    sources = [source] if isinstance(source, str | Path) else list(source)
    if not any(map(is_cloud, (*sources, output))):
        return source, output
    if os.fspath(output) in [os.fspath(one) for one in sources]:
        raise InputError("the output is the input", hint="write to another file")

    def folder() -> Path:
        return Path(stack.enter_context(TemporaryDirectory(prefix="scoring-")))

    near = [stack.enter_context(fetched(os.fspath(one), folder())) if is_cloud(one) else one for one in sources]
    target = folder() / os.fspath(output).rsplit("/", 1)[-1] if is_cloud(output) else output
    return near[0] if single else near, target


def _sent(summary: Summary, address: str) -> Summary:
    """Send what was written to its store."""
    send(Path(summary.output), address)
    aside = None
    if summary.rejected_output is not None:
        aside = address + REJECTED
        send(Path(summary.rejected_output), aside)
    return replace(summary, output=address, rejected_output=aside)


@dataclass(frozen=True, eq=False)
class _Order:
    """What is to be done with a file, as `score_file` was asked."""

    target: Path
    model: Model
    context: Context | None
    as_of: datetime | date | str | None
    suppress: Sequence[str]
    strict: bool
    overwrite: bool


def _aside(target: Path) -> Path:
    """Name the file for rows that cannot be used."""
    return target.with_name(target.name + REJECTED)


def _score(source: str | Path | Sequence[str | Path], order: _Order) -> Summary:
    """Score a file: a large one part after part, any other whole."""
    stream: Source | None = open_stream(source) if isinstance(source, str | Path) else open_several(list(source))
    with workplace(order.target) as place:
        while stream is not None:
            try:
                return _score_parts(stream, place, order)
            except Irregular as error:
                # without a better one: what cannot be told from a part of the file can be from all of it
                stream = error.better
        contacts = source if isinstance(source, str | Path) else list(source)
        taken = take_in(contacts, as_of=order.as_of, context=order.context, suppress=order.suppress)
        return _score_whole(taken, order)


def _score_whole(taken: Intake, order: _Order) -> Summary:
    """Score a file that is in memory."""
    if not order.overwrite:
        refuse_scored(taken)
    scored = score_intake(taken, order.model)
    fine = scored["problem"].is_null()
    rejected = scored.height - int(fine.sum())
    if order.strict and rejected:
        rules = taken.checked.problem.drop_nulls().str.split(":").list.first().unique().to_list()
        raise _not_strict(rejected, scored.height, rules)
    rows, aside = taken.export.source, _aside(order.target)
    whole = rows.with_columns(scored)
    if rejected:
        whole, scored = whole.filter(fine), scored.filter(fine)
        lines = _rejected(
            ~fine, rows.filter(~fine), taken.checked.problem, taken.export.faults, taken.export.lines, taken.places
        )
        write_with_lines(whole, order.target, lines, aside)
    else:
        write_frame(whole, order.target)
        remove(aside)
    return _summary(taken, scored, order, aside if rejected else None)


def _not_strict(rejected: int, rows: int, rules: Collection[str]) -> InputError:
    return InputError(
        f"{rejected} of {rows} rows cannot be used ({', '.join(sorted(rules))})",
        expected="none, as asked for by strict",
        hint="see them with `scoring check`",
    )


def _score_parts(stream: Source, place: Path, order: _Order) -> Summary:
    """Score a large file part after part."""
    if not order.overwrite:
        refuse_columns(stream.names)
    # From then on glibc keeps what is freed for the next part. Else it gives it back, and to get it again, page by
    # page, costs a twentieth of all work. Nothing is written to the block, so it takes no memory.
    np.empty(_SPARE, dtype=np.uint8)
    given = date_given(order.as_of, order.context)
    target, aside = order.target, _aside(order.target)
    with laid_down(stream, place / "parts", keys=order.context is not None, suppress=order.suppress) as rows:
        if order.strict and rows.rejected:
            raise _not_strict(rows.rejected, rows.starts[-1], rows.rules)
        dated = given or agree(date_named(stream.paths), rows.infer())
        totals = rows.total(dated) if order.context is None else order.context
        names = list(dict.fromkeys([*stream.names, *COLUMNS]))
        # a row can stay the text that it is where nothing in it is replaced, and a Parquet file where none is left out
        untouched = stream if isinstance(stream, Stream) and len(names) == len(stream.names) + len(COLUMNS) else None
        as_text = untouched is not None and untouched.separator == "," and ending_of(target) == ".csv"
        as_file = untouched is not None and untouched.kind == "parquet" and ending_of(target) == ".parquet"
        onto = stream.path if as_file and not rows.rejected and not rows.suppressed else None

        def write(onto: Path | None) -> Tally:
            tally = Tally()
            bare = onto is not None
            with score_rows(rows, order.model, dated, totals, as_text=as_text, bare=bare) as scored:
                parts = (_part(each, stream, tally) for each in scored)
                write_parts(parts, names, target, aside if rows.rejected else None, onto)
            return tally

        try:
            tally = write(onto)
        except Unfit:
            tally = write(None)
    if not rows.rejected:
        remove(aside)
    warn_missing(stream.missing)
    return Summary(
        rows=rows.starts[-1] + rows.suppressed,
        scored=tally.scored,
        rejected=rows.rejected,
        suppressed=rows.suppressed,
        flagged=tally.flagged,
        rules={rule.name: tally.rules[rule.name] for rule in RULES if tally.rules[rule.name]},
        tiers=dict(sorted(tally.tiers.items())),
        evidence={level: tally.evidence[level] for level in LEVELS if tally.evidence[level]},
        as_of=f"{dated.when:%Y-%m-%dT%H:%M:%SZ}",
        dated=dated.how,
        model_id=order.model.id,
        output=os.fspath(target),
        rejected_output=os.fspath(aside) if rows.rejected else None,
    )


def _part(scored: Scored, stream: Source, tally: Tally) -> Part:
    """Put the scores of a part beside its rows, and those that could not be used aside; count both."""
    part, scores, source, lines = scored.part, scored.scores, scored.part.source, []
    if (bad := scores["problem"].is_not_null()).any():
        unused = source.filter(bad)
        if isinstance(stream, Stream) and part.kind == TEXT:
            unused = stream.read_text(unused.to_series())
        lines = _rejected(bad, unused, scored.checked.problem, scored.faults, part.lines, scored.places)
        scores, source = scores.filter(~bad), source.filter(~bad)
    tally.add(scored.checked.counts, scores)
    if part.kind == TEXT:
        return Part(scores, lines, source.to_series())
    return Part(source.with_columns(scores), lines)


def _rejected(
    bad: pl.Series,
    source: pl.DataFrame,
    problem: pl.Series,
    faults: pl.DataFrame,
    lines: pl.Series | None,
    places: pl.Series,
) -> list[str]:
    """One JSON object for each row kept aside, in order; `source` has just these rows."""
    cells: dict[int, list[dict[str, Any]]] = {}
    for fault in faults.iter_rows(named=True):
        cells.setdefault(fault["row"], []).append({name: fault[name] for name in ("rule", "column", "cell")})
    found = []
    for row, contact in zip(bad.arg_true().to_list(), source.iter_rows(named=True), strict=True):
        about = {
            "line": None if lines is None else lines[row],
            "row": places[row],
            "problem": problem[row],
            "cells": cells.get(row, []),
            "contact": {name: _plain(value) for name, value in contact.items()},
        }
        text = json.dumps(about, ensure_ascii=False, default=str)
        # people look at these: what would steer a terminal, or break a line, is escaped
        found.append(text if plain(text) == text else json.dumps(about, default=str))
    return found


def _plain(value: Any) -> Any:
    """Put what JSON has no word for into one that it has: NaN, infinities, times, bytes."""
    if isinstance(value, float) and not isfinite(value):
        return None if value != value else str(value)
    if isinstance(value, datetime | date):
        return value.isoformat()
    if isinstance(value, bytes):
        return value.hex()
    if isinstance(value, dict):
        return {name: _plain(each) for name, each in value.items()}
    return [_plain(each) for each in value] if isinstance(value, list) else value


def _summary(taken: Intake, scored: pl.DataFrame, order: _Order, aside: Path | None) -> Summary:
    def rows_by(column: str) -> dict[str, int]:
        counted = scored.group_by(column).len().sort(column)
        return dict(counted.with_columns(pl.col(column).cast(pl.String)).iter_rows())

    met = taken.checked.counts.filter(pl.col("rows") > 0)
    return Summary(
        rows=taken.rows,
        scored=scored.height,
        rejected=taken.export.source.height - scored.height,
        suppressed=taken.suppressed,
        flagged=scored.height - scored["flags"].null_count(),
        rules=dict(zip(met["rule"], met["rows"], strict=True)),
        tiers=rows_by("tier"),
        evidence=rows_by("evidence"),
        as_of=f"{taken.as_of.when:%Y-%m-%dT%H:%M:%SZ}",
        dated=taken.as_of.how,
        model_id=order.model.id,
        output=os.fspath(order.target),
        rejected_output=None if aside is None else os.fspath(aside),
    )
