"""Seniority and department in anybody's words."""

from __future__ import annotations

import polars as pl
import pytest

from scoring.features.vocabulary import department_group, ranked, seniority_rank
from scoring.simulation.profiles import TITLES

ENTRY, PROFESSIONAL, MANAGER, DIRECTOR, VICE_PRESIDENT, TOP = 1, 2, 3, 4, 5, 6
SUPPORT, FINANCE, TECHNICAL, COMMERCIAL, MANAGEMENT = 1, 2, 3, 4, 5

RANKS = {
    ENTRY: "Entry|Entry Level|entry-level|Junior|Intern|Internship|Trainee|Training|Graduate|Apprentice|Assistant|"
    "Executive Assistant|Assistant to the CEO|Working Student|Coordinator|Junior Analyst",
    PROFESSIONAL: "Individual Contributor|IC|individual_contributor|Contributor|Non-Manager|Non Management|"
    "Senior|Mid-Senior level|Professional|Specialist|Associate|Staff|Analyst|Principal|Employee|Account Executive|"
    "Sales Executive|Product Owner|HR Business Partner|Consultant|Engineer",
    MANAGER: "Manager|manager|MANAGER|Senior Manager|Management|Team Lead|Supervisor|Assistant Manager|Manager-Level|"
    "Partner Manager|Program Manager",
    DIRECTOR: "Director|Sr. Director|Director, IT|Associate Director|Assistant Director|Head|Head of Legal",
    VICE_PRESIDENT: "VP|V.P.|VP, Sales|VP-Level|SVP|EVP|AVP|Vice President|Vice-President|Senior Vice President|"
    "Assistant Vice President|vice_president|VP-Level Exec",
    TOP: "C-Level|C Level|CLevel|C-Suite|c_suite|CXO|CEO|cfo|CTO|CPO|CHRO|CISO|Chief Revenue Officer|Founder|"
    "Co-Founder|Owner|President|Partner|Managing Partner|Managing Director|Board Member|Executive|C-Level Exec|"
    "Chairman",
}
GROUPS = {
    SUPPORT: "HR|Human Resources|People|People & Culture|People Operations|Talent Acquisition|Recruiting|Legal|"
    "Legal Operations|General Counsel|Compliance|Administration|Administrative|Support|Facilities|Regulatory Affairs",
    FINANCE: "Finance|Finance & Administration|Financial Services|Accounting|Treasury|Tax|Audit|Procurement|"
    "Purchasing|Operations|Supply Chain|Supply Chain Management|Logistics|Manufacturing|Production|"
    "Operations Management",
    TECHNICAL: "Engineering|Engineering & Technical|IT|I.T.|it|Information Technology|information_technology|"
    "Technology|Product|Product Management|Products|R&D|Research & Development|Data Science|Software|Security|Design|"
    "IT Operations",
    COMMERCIAL: "Sales|sales|Inside Sales|Sales Operations|Marketing|Product Marketing|Business Development|Revenue|"
    "Customer Success|Customer Support|Account Management|Partnerships|Trading|Commercial",
    MANAGEMENT: "Executive|Executives|C-Suite|c_suite|C-Level|Management|General Management|Board|Founder",
}
UNKNOWN = ("", " ", "Kommunikation", "Other", "Unknown", "N/A", "None", "-", "0", "Unpaid", "leitend", "日本")


@pytest.mark.parametrize(("rank", "words"), RANKS.items())
def test_seniorities_are_ranked(rank: int, words: str) -> None:
    assert {word: seniority_rank(word) for word in words.split("|")} == dict.fromkeys(words.split("|"), rank)


@pytest.mark.parametrize(("group", "words"), GROUPS.items())
def test_departments_are_grouped(group: int, words: str) -> None:
    assert {word: department_group(word) for word in words.split("|")} == dict.fromkeys(words.split("|"), group)


@pytest.mark.parametrize("word", UNKNOWN)
def test_what_is_unknown_is_missing(word: str) -> None:
    assert seniority_rank(word) is None
    assert department_group(word) is None


def test_case_and_borders_do_not_matter() -> None:
    for words, rank_of in ((RANKS, seniority_rank), (GROUPS, department_group)):
        for rank, said in words.items():
            for word in said.split("|"):
                assert rank_of(word.upper()) == rank_of(f" {word.lower()}\n") == rank_of(f"({word})") == rank, word


def test_parts_of_words_do_not_count() -> None:
    for word in ("Headquarters", "International", "Advice", "Digit", "Chromatic", "Vietnam"):
        assert seniority_rank(word) is None, word
        assert department_group(word) is None, word


def test_ranks_of_the_simulated_words_ascend() -> None:
    ranks = [seniority_rank(word) for word in TITLES]
    assert None not in ranks
    assert ranks == sorted(ranks)  # type: ignore[type-var]


SENIORITY, DEPARTMENT = ranked("seniority", seniority_rank), ranked("department", department_group)


def test_columns_are_ranked_text_by_text() -> None:
    table = pl.DataFrame({"seniority": ["VP", None, "?", "VP", ""], "department": [None, "IT", "?", "it", "Legal"]})
    assert table.select(SENIORITY).to_series().to_list() == [5, None, None, 5, None]
    assert table.select(DEPARTMENT).to_series().to_list() == [None, 3, None, 3, 1]
    for rows in (table.head(0), table.select(pl.lit(None, dtype=pl.String).alias(name) for name in table.columns)):
        assert rows.select(SENIORITY, DEPARTMENT).null_count().row(0) == (rows.height,) * 2
