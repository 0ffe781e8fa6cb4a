"""How good the chances are on real organisations: the table "How good it is" of the README.

    python benchmarks/quality.py FOLDER [FOLDER ...] [--newest 3] [--target reply]

A FOLDER is one organisation: its exports (contacts-DATE.parquet) and what happened in the 30 days from each date
(outcomes-DATE.parquet: crm_id, replied, met, answered, contacted; a contact without a row did nothing). Each of the
newest dates that have an export before them is judged on what happened after it, by what was known on the day. An
answer is judged among the contacts who were written to. Prints the mean over dates of each organisation, and of those
the mean. The trees learn from the organisation's earlier exports and what happened after them, with all features.
"""

from __future__ import annotations

import argparse
import warnings
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import polars as pl
from sklearn.ensemble import HistGradientBoostingClassifier

import scoring
from scoring.baselines import recency, rfm
from scoring.features import FEATURES
from scoring.metrics import auc, average_precision, measure, ndcg_per_rep
from scoring.reading import read

HAPPENED = {"reply": "replied", "meeting": "met", "answer": "answered"}
MEASURES = ("auc", "ap", "ndcg", "brier")
NAMES = [feature.name for feature in FEATURES]

Exports = Mapping[datetime, pl.DataFrame]

warnings.simplefilter("ignore")


def dates(folder: Path) -> Exports:
    """Read the exports of an organisation."""
    paths = sorted(folder.glob("contacts-*.parquet"))
    return {datetime.fromisoformat(path.stem[9:]).replace(tzinfo=UTC): pl.read_parquet(path) for path in paths}


def outcomes(folder: Path, when: datetime, export: pl.DataFrame) -> pl.DataFrame:
    """Say of each row of an export what happened after it."""
    happened = pl.read_parquet(folder / f"outcomes-{when:%Y-%m-%d}.parquet").unique("crm_id")
    beside = export.select("crm_id").join(happened, on="crm_id", how="left", maintain_order="left")
    return beside.with_columns(pl.col(pl.Boolean).fill_null(False))


def boost(features: list[np.ndarray], outcome: list[np.ndarray], new: np.ndarray) -> np.ndarray:
    """Learn boosted trees, and say how likely new rows are."""
    rows = np.vstack(features)
    told = ~np.isnan(rows).all(axis=0)
    trees = HistGradientBoostingClassifier(max_iter=200, learning_rate=0.05, min_samples_leaf=40, random_state=0)
    return trees.fit(rows[:, told], np.concatenate(outcome)).predict_proba(new[:, told])[:, 1]


def predict(
    folder: Path, known: Mapping[datetime, pl.DataFrame], target: str
) -> Iterator[tuple[str, np.ndarray, bool]]:
    """Predict the newest of the known dates in every way: name, figure of each row, whether it is a chance."""
    when, export = max(known.items())
    table = read(export).table

    def look(date: datetime) -> np.ndarray:
        return scoring.build_features(known[date], as_of=date).select(NAMES).to_numpy().astype(np.float64)

    yield "sorted by recency", recency(table, target), False
    yield "sorted by recency, frequency and volume", rfm(table, target), False
    replied = (table["total_inbound"].fill_null(0) > 0).to_numpy()
    yield "trees on `received_reply` of the same export", boost([look(when)], [replied], look(when)), True
    past = [date for date in known if date <= when - timedelta(days=30)]
    labels = [outcomes(folder, date, known[date]) for date in past]
    rows = [
        label["contacted"].to_numpy() if target == "answer" else np.ones(label.height, dtype=bool) for label in labels
    ]
    took = [label[HAPPENED[target]].to_numpy()[row] for label, row in zip(labels, rows, strict=True)]
    seen = [look(date)[row] for date, row in zip(past, rows, strict=True)]
    yield "trees on earlier exports", boost(seen, took, look(when)), True
    kinds = {"shipped": [], "adapted to one export": [when], "two exports": sorted(known)[-2:], "all": sorted(known)}
    for name, days in kinds.items():
        model = scoring.train({day: known[day] for day in days}) if days else "shipped"
        scored = scoring.score(export, as_of=when, model=model)
        yield name, scored[f"{target}_probability"].to_numpy(), True


def judge(folder: Path, newest: int, target: str) -> Iterator[dict[str, object]]:
    """Judge every way on the newest dates of an organisation."""
    exports = dates(folder)
    for when in sorted(exports)[1:][-newest:]:
        known = {date: export for date, export in exports.items() if date <= when}
        happened = outcomes(folder, when, exports[when])
        rows = happened["contacted"].to_numpy() if target == "answer" else np.ones(happened.height, dtype=bool)
        outcome, rep = happened[HAPPENED[target]].to_numpy()[rows], exports[when]["source_email"].filter(rows)
        if not 0 < outcome.sum() < len(outcome):
            continue
        for name, figure, is_chance in predict(folder, known, target):
            if is_chance:
                found = measure(outcome, figure[rows], rep)
            else:
                order = (outcome, figure[rows])
                found = {"auc": auc(*order), "ap": average_precision(*order), "ndcg": ndcg_per_rep(rep, *order)}
            yield {"organisation": folder.name, "by": name} | {each: found.get(each) for each in MEASURES}


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folders", nargs="+", type=Path, metavar="FOLDER")
    parser.add_argument("--newest", type=int, default=3, metavar="N", help="dates of each organisation (default: 3)")
    parser.add_argument("--target", choices=HAPPENED, default="reply")
    options = parser.parse_args()
    rows = [row for folder in options.folders for row in judge(folder, options.newest, options.target)]
    table = pl.DataFrame(rows, schema_overrides=dict.fromkeys(MEASURES, pl.Float64))
    each = table.group_by("organisation", "by", maintain_order=True).mean()
    with pl.Config(tbl_rows=-1, tbl_hide_dataframe_shape=True, fmt_str_lengths=60, float_precision=3):
        print(each)
        print(each.drop("organisation").group_by("by", maintain_order=True).mean())


if __name__ == "__main__":
    main()
