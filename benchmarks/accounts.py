"""How good the chance that anyone at an account replies is: as if its contacts were independent, and the best alone.

    python benchmarks/accounts.py [ORGANISATIONS | FOLDER]

Two dates of each simulated organisation, none of which the shipped model has seen, scored by it, rolled up and held
against what happened. Prints, by the number of contacts, in percent: the rate, both chances, and over all the log loss.

With a FOLDER of real exports (contacts-DATE.parquet) and what happened (outcomes-DATE.parquet: crm_id, replied, met),
each contact with all of its reps is taken as an account: people of one contact are as bound to each other as can be.
"""

from __future__ import annotations

import sys
import warnings
from pathlib import Path

import polars as pl

import scoring
from scoring.accounts import roll_up
from scoring.context import level_key
from scoring.metrics import surprise
from scoring.simulation import Settings, draw_organisation

FIRST_SEED = 100_001
HAPPENED = {"anyone_replies": "replied", "anyone_meets": "met", "anyone_engages": "engaged"}


def measure(seed: int) -> pl.DataFrame:
    """Roll up two dates of an organisation, with what happened."""
    organisation = draw_organisation(seed, Settings(rows=2500))
    found = []
    for when in organisation.dates(2):
        export = organisation.export(when)
        if export.height < 50:
            continue
        accounts = roll_up(scoring.score(export, as_of=when)).filter(pl.col("account").is_not_null())
        happened = organisation.outcomes(when).with_columns(export.select(level_key("account").alias("account")))
        any_of = happened.group_by("account").agg(pl.col(*HAPPENED.values()).any())
        found.append(accounts.join(any_of, on="account"))
    return pl.concat(found) if found else pl.DataFrame()


def measure_real(export: Path) -> pl.DataFrame:
    """Roll up one real export by contact, with what happened."""
    contacts, when = pl.read_parquet(export), export.stem.removeprefix("contacts-")
    happened = pl.read_parquet(export.with_name(f"outcomes-{when}.parquet"))
    by_contact = pl.col("email").str.to_lowercase().alias("account_domain")
    scored = scoring.score(contacts, as_of=when).with_columns(by_contact)
    flags = [pl.col(name).fill_null(False) for name in ("replied", "met")]
    rows = scored.join(happened, on="crm_id", how="left").with_columns(*flags)
    rows = rows.with_columns(engaged=pl.col("replied") | pl.col("met"))
    any_of = rows.group_by(account="account_domain").agg(pl.col(*HAPPENED.values()).any())
    return roll_up(scored).with_columns(contacts="rows").join(any_of, on="account")


def main() -> None:
    """Print the table."""
    given = sys.argv[1] if len(sys.argv) > 1 else "48"
    warnings.simplefilter("ignore")
    if given.isdecimal():
        parts = [part for seed in range(FIRST_SEED, FIRST_SEED + int(given)) if (part := measure(seed)).height]
    else:
        parts = [measure_real(export) for export in sorted(Path(given).glob("contacts-*.parquet"))]
    accounts = pl.concat(parts).with_columns(size=2 ** pl.col("contacts").log(2).ceil().clip(0, 6).cast(pl.Int64))
    print(f"{accounts.height:,} accounts")
    for chance, happened in HAPPENED.items():
        for size, one in accounts.sort("size").group_by("size", maintain_order=True):
            rate, anyone, least = (one[name].mean() for name in (happened, chance, f"{chance}_at_least"))
            of = f"{one.height:>6,} of up to {size[0]:>2} contacts"
            print(f"{chance}: {of}: {rate:6.1%} did, {anyone:6.1%} as if independent, {least:6.1%} the best alone")
        outcome = accounts[happened].cast(pl.Float64)
        losses = [surprise(outcome, accounts[name]).mean() for name in (chance, f"{chance}_at_least")]
        print(f"{chance}: log loss {losses[0]:.4f} as if independent, {losses[1]:.4f} the best alone")


if __name__ == "__main__":
    main()
