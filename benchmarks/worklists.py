"""How often what a worklist expects is what happens: replies and meetings of each list, and of all lists together.

    python benchmarks/worklists.py [ORGANISATIONS | FOLDER]

Two dates of each simulated organisation, none of which the shipped model has seen; or a FOLDER of real exports
(contacts-DATE.parquet) and what happened (outcomes-DATE.parquet: crm_id, replied, met; a contact without a row did
neither). Scored by the shipped model, made into lists of 20 with at most 3 of an account. Prints the share of lists,
and of dates (all lists together), that ended outside of their interval, which is to hold 95 of 100.
"""

from __future__ import annotations

import sys
import warnings
from collections.abc import Iterator
from pathlib import Path

import polars as pl

import scoring
from scoring.expectation import expect
from scoring.simulation import Settings, draw_organisation

FIRST_SEED = 100_001
HAPPENED = {"replied": "reply_probability", "met": "meeting_probability"}


def simulated(organisations: int) -> Iterator[pl.DataFrame]:
    """Score two dates of each organisation, with what happened."""
    for seed in range(FIRST_SEED, FIRST_SEED + organisations):
        organisation = draw_organisation(seed, Settings(rows=2500))
        for when in organisation.dates(2):
            export = organisation.export(when)
            if export.height >= 50:
                yield scoring.score(export, as_of=when).with_columns(organisation.outcomes(when).select(*HAPPENED))


def real(folder: Path) -> Iterator[pl.DataFrame]:
    """Score each export of a folder, with what happened."""
    for export in sorted(folder.glob("contacts-*.parquet")):
        when = export.stem.removeprefix("contacts-")
        path = export.with_name(f"outcomes-{when}.parquet")
        if path.exists():
            happened = pl.read_parquet(path).select("crm_id", *HAPPENED)
            rows = scoring.score(export, as_of=when).join(happened, on="crm_id", how="left", maintain_order="left")
            yield rows.with_columns(pl.col(name).fill_null(False) for name in HAPPENED)


def main() -> None:
    """Print the table."""
    given = sys.argv[1] if len(sys.argv) > 1 else "48"
    warnings.simplefilter("ignore")
    scored = simulated(int(given)) if given.isdecimal() else real(Path(given))
    found = []
    for date, rows in enumerate(scored):
        key = ("rep", "crm_id", "email")
        listed = scoring.prioritise(rows).rows.filter(pl.col("part") != "prepare")
        happened = rows.with_columns(pl.col("source_email").str.to_lowercase().alias("rep")).select(*key, *HAPPENED)
        listed = listed.join(happened.unique(key), on=key, nulls_equal=True)
        for of, lists in (("list", listed.partition_by("rep")), ("date", [listed])):
            for one in lists:
                for name, chance in HAPPENED.items():
                    expected, did = expect(one[chance]), int(one[name].sum())
                    outside = not expected.low <= did <= expected.high
                    found.append((date, of, name, expected.mean, did, outside))
    table = pl.DataFrame(found, schema=["at", "of", "what", "expected", "did", "outside"], orient="row")
    for (of, what), each in table.group_by("of", "what", maintain_order=True):
        sums = f"{each['expected'].sum():,.0f} expected, {each['did'].sum():,} {what}"
        print(f"{each.height:,} {of}s: {sums}; {each['outside'].mean():.1%} outside")


if __name__ == "__main__":
    main()
