"""Seniorities and departments in any vocabulary, as a few ordered groups.

The words are the customer's own, so both are matched by what any vocabulary has in common; what matches nothing is
missing, not low.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import lru_cache
from typing import Final

import polars as pl

__all__ = ["department_group", "ranked", "seniority_rank"]

# The first pattern that is found decides, so "vice president" stands before "president", and "management", which
# follows any department's name, stands last.
_SENIORITY: Final = (
    (1, r"\bassistant\b(?! (?:vice|vp|direct|manag|head))"),
    (5, r"\bvice|\b[aers]?vp\b"),
    (
        6,
        r"\bc[- ]?(?:level|suite)|\bchief|\bc[a-z]o\b|\bchro\b|\bciso\b|\bfounder|\bpresident|\bboard|\bchair|"
        r"\bmanaging (?:director|partner)|(?<!business )\bpartner\b(?! \w)|(?<!product )(?<!process )\bowner|"
        r"(?<!account )(?<!sales )\bexec",
    ),
    (1, r"\bentry|\bjunior|\bintern(?:ship)?s?\b|\btrain|\bgraduate|\bstudent|\bapprentice|\bcoordinator"),
    (4, r"\bdirector|\bhead\b"),
    (3, r"(?<!non[- ])\bmanag|\blead|\bsupervis"),
    (
        2,
        r"\bnon[- ]manag|\bsenior|\bprincipal|\bstaff|\bspecialist|\bindividual|\bcontributor|\bic\b|\bassociate|"
        r"\banalyst|\bprofessional|\bemployee|\bconsultant|\bengineer|\bexec|\bowner|\bbusiness partner",
    ),
)
_DEPARTMENT: Final = (
    (5, r"\bexec|\bc[- ]?(?:level|suite)|\bboard|\bfounder"),
    (
        4,
        r"\bsales|\bmarketing|\bcommercial|\bbusiness dev|\brevenue|\bcustomer|\bsuccess|\btrading|\bpartner|"
        r"\baccount manag",
    ),
    (
        3,
        r"\bengineer|\bit\b|\btech|\binformation|\bproducts?\b|\bdevelop|\bdata|\bsoftware|\bsecurity|\bresearch|"
        r"\br&d\b|\bscience|\bdesign",
    ),
    (2, r"\bfinanc|\baccounting|\btreasur|\btax\b|\baudit|\bprocure|\bpurchas"),
    (
        1,
        r"\bhr\b|\bhuman|\bpeople|\btalent|\brecruit|\blegal|\bcounsel|\bcompliance|\badmin|\bsupport|\bregulat|"
        r"\bfacilit",
    ),
    (2, r"\boperation|\bsupply|\blogistic|\bmanufact|\bproduction"),
    (5, r"\bmanagement|\bgeneral"),
)


def _ranker(patterns: tuple[tuple[int, str], ...]) -> Callable[[str], float | None]:
    compiled = [(rank, re.compile(pattern)) for rank, pattern in patterns]

    @lru_cache(maxsize=4096)  # words of customers must not pile up in a service that runs for months
    def rank_of(text: str) -> float | None:
        bare = text.lower().replace("_", " ").replace(".", "")  # c_suite, V.P.
        return next((float(rank) for rank, pattern in compiled if pattern.search(bare)), None)

    return rank_of


seniority_rank: Final = _ranker(_SENIORITY)
"""Rank of a seniority or title: 1 entry level, 2 professional, 3 manager, 4 director, 5 vice president, 6 top."""

department_group: Final = _ranker(_DEPARTMENT)
"""Group of a department: 1 support, 2 finance and operations, 3 technical, 4 commercial, 5 management."""


def ranked(column: str, rank_of: Callable[[str], float | None]) -> pl.Expr:
    """Rank the texts of a column, each distinct one once.

    Parameters
    ----------
    column : str
        A column of texts.
    rank_of : callable
        `seniority_rank` or `department_group`.

    Returns
    -------
    polars.Expr
        Float64; null where nothing is recognised.
    """

    def rank(texts: pl.Series) -> pl.Series:
        distinct = texts.unique().drop_nulls()
        ranks = pl.Series([rank_of(text) for text in distinct], dtype=pl.Float64)
        return texts.replace_strict(distinct, ranks, default=None, return_dtype=pl.Float64)

    return pl.col(column).map_batches(rank, return_dtype=pl.Float64)
