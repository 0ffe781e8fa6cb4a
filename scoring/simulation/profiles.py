"""Who the rows are about, in words: invented names, titles, places and addresses, every one ending in `.example`."""

from __future__ import annotations

import numpy as np
import polars as pl

from scoring.simulation.draws import stream
from scoring.simulation.people import DEPARTMENTS, SENIORITIES, Crowd
from scoring.simulation.records import Rows
from scoring.simulation.settings import Settings
from scoring.simulation.ties import Ties
from scoring.simulation.traits import Traits

__all__ = ["draw_profiles"]


FIRST_NAMES = np.array(
    "Ada Alan Amara Anna Ben Carla Chen Dana David Elif Emma Erik Fatima Felix Grace Hana Hugo Ines Ivan Jana "
    "Jonas Kavya Kofi Lena Leo Lina Luis Maja Marco Mei Mila Nadia Nils Noor Olga Omar Paul Priya Rosa Sam "
    "Sofia Tariq Tess Tom Uma Vera Viktor Wei Yuki Zoe".split()
)
LAST_NAMES = np.array(
    "Abara Adler Almeida Bauer Berg Blom Castro Cho Costa Dahl Diaz Dubois Ekberg Farah Fischer Garcia Gupta "
    "Haas Hansen Ito Jansen Jones Kaya Khan Kim Kovac Lang Larsen Li Lopez Mbeki Meyer Mori Nagy Novak Okafor "
    "Olsen Park Patel Perez Quist Rao Reyes Rossi Sato Silva Singh Smit Tanaka Weber".split()
)
ACCOUNT_FIRST = np.array(
    "Amber Blue Cedar Delta Ember Fern Granite Harbour Iris Juniper Kite Lumen Maple North Oak Pine Quartz "
    "River Stone Tidal".split()
)
ACCOUNT_SECOND = np.array(
    "Analytics Bank Care Data Energy Foods Group Health Insurance Labs Logistics Media Networks Power Retail "
    "Systems".split()
)
TITLES = {
    "Junior": "{} Associate",
    "Senior": "Senior {} Specialist",
    "Manager": "{} Manager",
    "Director": "Director of {}",
    "VP": "VP {}",
    "C-Level": "Chief {} Officer",
}
COUNTRIES = np.array(["United States", "United Kingdom", "Germany", "France", "India", "Brazil"])
STATES = np.array(["California", "New York", "Texas", "Washington", "Illinois"])
ACCOUNT_TYPES = np.array(["Customer", "Prospect", "Partner"])
MAY_BE_MISSING = ("phone", "job_title", "department", "seniority", "country", "state", "account_type", "account_domain")


def _account_names(number: int) -> list[str]:
    pairs = len(ACCOUNT_FIRST) * len(ACCOUNT_SECOND)
    names = [f"{one} {two}" for two in ACCOUNT_SECOND for one in ACCOUNT_FIRST]
    return [names[i % pairs] + (f" {i // pairs + 1}" if i >= pairs else "") for i in range(number)]


def _slug(name: str) -> str:
    return name.lower().replace(" ", "-")


def draw_profiles(
    seed: int, settings: Settings, traits: Traits, reps: Crowd, contacts: Crowd, ties: Ties, rows: Rows
) -> pl.DataFrame:
    """Draw everything about the rows that no event changes.

    Parameters
    ----------
    seed : int
        Seed of the organisation.
    settings : Settings
        How many cells are missing and how many contacts are not in the CRM.
    traits : Traits
        What the organisation is like.
    reps, contacts, ties, rows : Crowd, Crowd, Ties, Rows
        Who there is, and which row is about whom.

    Returns
    -------
    polars.DataFrame
        One row for each row of the organisation, in their order; columns named as in the export.
    """
    rng = stream(seed, "profiles")
    size = len(contacts.activity)
    first, last = rng.choice(FIRST_NAMES, size), rng.choice(LAST_NAMES, size)
    names = _account_names(int(contacts.account.max()) + 1)
    own = f"org{seed}.example"
    seniority, department = np.array(SENIORITIES)[contacts.seniority], np.array(DEPARTMENTS)[contacts.department]
    usa = rng.random(size) < 0.6
    account_in_crm = rng.random(len(names)) < 0.95
    domains = [own if traits.closed else f"{_slug(name)}.example" for name in names]
    person = pl.DataFrame(
        {
            "first_name": first,
            "last_name": last,
            "email": [
                f"{a}.{b}.{i}@{domains[k]}".lower()
                for i, (a, b, k) in enumerate(zip(first, last, contacts.account, strict=True))
            ],
            "phone": [f"+1 555 {n // 10000:03d} {n % 10000:04d}" for n in rng.integers(0, 10_000_000, size).tolist()],
            "job_title": [TITLES[s].format(d) for s, d in zip(seniority, department, strict=True)],
            "department": department,
            "seniority": seniority,
            "country": np.where(usa, COUNTRIES[0], rng.choice(COUNTRIES[1:], size)),
            "state": pl.Series(rng.choice(STATES, size)),
            "account_name": [names[k] for k in contacts.account],
            "account_type": rng.choice(ACCOUNT_TYPES, len(names))[contacts.account],
            "account_domain": [f"{_slug(names[k])}.example" for k in contacts.account],
            "account_crm_id": [f"001{seed:06d}{k:06d}" if account_in_crm[k] else None for k in contacts.account],
            "usa": usa,
        }
    ).with_columns(state=pl.when("usa").then("state"))
    gone = {name: rng.random(size) < settings.missing for name in MAY_BE_MISSING}
    person = person.with_columns(
        pl.when(~pl.Series(mask)).then(pl.col(name)).alias(name) for name, mask in gone.items()
    ).drop("usa")
    rep_first, rep_last = (
        (first, last)
        if traits.closed
        else (rng.choice(FIRST_NAMES, len(reps.activity)), rng.choice(LAST_NAMES, len(reps.activity)))
    )
    rep_mail = [
        f"{a}.{b}.{'' if traits.closed else 'r'}{i}@{own}".lower()
        for i, (a, b) in enumerate(zip(rep_first, rep_last, strict=True))
    ]
    untouched = ties.untouched[rows.tie]
    candidate = (rng.random(len(rows)) < settings.candidates) & ~untouched
    return person[rows.contact].with_columns(
        source_email=pl.Series([rep_mail[i] for i in rows.rep], dtype=pl.String),
        source_peopleai_id=pl.Series([f"u-{seed}-{i}" for i in rows.rep], dtype=pl.String),
        from_cc=pl.Series(ties.from_cc[rows.tie]),
        is_sourced_by_people_ai=pl.Series(candidate | (rng.random(len(rows)) < 0.3)),
        crm_id=pl.Series(
            [None if gone else f"003{seed:06d}{i:07d}" for i, gone in enumerate(candidate)], dtype=pl.String
        ),
        in_crm_before=pl.Series(untouched),
    )
