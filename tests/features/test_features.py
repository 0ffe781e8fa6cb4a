"""Every feature, fact and total agrees with plain Python, and what is promised of all of them holds."""

from __future__ import annotations

import math
import tempfile
from collections.abc import Mapping
from datetime import datetime, timedelta
from pathlib import Path
from random import Random

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from polars.testing import assert_frame_equal

from scoring import schema
from scoring.context import LEVELS, Context
from scoring.features import (
    CONTEXT_FEATURES,
    FEATURES,
    OWN_FEATURES,
    Feature,
    build_features,
    compute,
    compute_facts,
    observe,
)
from scoring.features.measures import MEASURES
from scoring.simulation import Settings, draw_organisation
from scoring.wording import LADDERS

from . import oracle
from .tables import AS_OF, USED, frame, random_table, tables

FACTS = tuple(dict.fromkeys(feature.fact for feature in FEATURES))
OUTCOMES = {field.name for field in schema.FIELDS if field.role == "outcome"}
PREFIXES = tuple(f"{level}_" for level in LEVELS)
quick = settings(max_examples=12, deadline=None)
random_tables = st.builds(random_table, st.integers(0, 10**6), st.integers(1, 30))


def loaded(context: Context) -> Context:
    """Save a context, with its keys hashed, and read it again."""
    with tempfile.TemporaryDirectory() as folder:
        context.save(Path(folder) / "context.parquet")
        return Context.load(Path(folder) / "context.parquet")


def differences(found: pl.DataFrame, expected: Mapping[str, list[float | None]]) -> list[str]:
    """Say where two tables differ by more than the rounding to float32, or in what is null."""
    said = []
    for name, numbers in expected.items():
        there = found[name].cast(pl.Float64)
        wanted = pl.Series(numbers, dtype=pl.Float64)
        near = ((there - wanted).abs() <= wanted.abs() * 1e-6 + 1e-12).fill_null(False) & there.is_not_nan()
        wrong = ~(near | (there.is_null() & wanted.is_null()))
        said += [f"{name}, row {row}: {there[row]}, expected {wanted[row]}" for row in wrong.arg_true()[:2]]
    return said


def agree(
    table: pl.DataFrame, as_of: datetime, context: Context | None = None, totals: oracle.Totals | None = None
) -> None:
    """Hold all features and facts of a table against the oracle."""
    observed = observe(table, as_of, context)
    rows = [oracle.Row(cells, as_of, totals) for cells in table.iter_rows(named=True)]
    features = FEATURES if context is not None else OWN_FEATURES
    facts = dict.fromkeys(feature.fact.name for feature in features)
    for found, names, known in (
        (compute(observed), [feature.name for feature in features], oracle.FEATURES),
        (compute_facts(observed), list(facts), oracle.FACTS),
    ):
        assert found.columns == names
        assert found.height == table.height
        assert set(found.dtypes) == {pl.Float32}
        assert not differences(found, {name: [oracle.value(known[name], row) for row in rows] for name in names})


def agree_within(table: pl.DataFrame, as_of: datetime) -> None:
    """Hold a whole export against the oracle, without a context and with its own."""
    agree(table, as_of)
    agree(table, as_of, Context.of(table, as_of), oracle.add_up(table.to_dicts(), as_of))


# --- the oracle -----------------------------------------------------------------------------------------------------


def test_the_oracle_knows_every_feature_and_fact() -> None:
    assert {feature.name for feature in FEATURES} <= set(oracle.FEATURES)
    assert {fact.name for fact in FACTS} <= set(oracle.FACTS)


@pytest.mark.parametrize(
    ("seed", "gaps"),
    [
        (1, Settings(rows=900, closed=False, one_row_a_contact=False, days=500)),
        (2, Settings(rows=900, closed=True, days=300, missing=0.4)),
        (3, Settings(rows=900, one_row_a_contact=True, days=700, candidates=0.6)),
        (4, Settings(rows=900, closed=False)),
    ],
)
def test_simulated_organisations_agree(seed: int, gaps: Settings) -> None:
    organisation = draw_organisation(seed, gaps)
    for when in organisation.dates(2):
        agree_within(organisation.export(when), when)


def test_exports_without_a_column_agree(contacts: pl.DataFrame, when: datetime) -> None:
    some = contacts.head(60)
    for name in USED:
        gapped = some.with_columns(pl.lit(None, dtype=some.schema[name]).alias(name))
        agree(gapped, when, Context.of(gapped, when), oracle.add_up(gapped.to_dicts(), when))


@pytest.mark.parametrize("seed", range(3))
def test_large_random_tables_agree(seed: int) -> None:
    agree_within(random_table(seed, 700), AS_OF)


def test_random_tables_try_every_feature_and_fact() -> None:
    table = random_table(0, 700)
    observed = observe(table, AS_OF, Context.of(table, AS_OF))
    for found in (compute(observed), compute_facts(observed)):
        for column in found:
            assert column.drop_nulls().len() >= 100, column.name
            assert column.drop_nulls().n_unique() >= 2, column.name
            # some are null, too; what is known of the rep itself is so only where the rep is not
            assert column.null_count() > 0, column.name


@given(tables)
@settings(quick, max_examples=35)
def test_random_tables_agree(table: pl.DataFrame) -> None:
    agree(table, AS_OF, Context.of(table, AS_OF), oracle.add_up(table.to_dicts(), AS_OF))


@given(tables, tables, st.integers(0, 400 * 86_400))
@quick
def test_later_records_beside_a_loaded_context_agree(
    older: pl.DataFrame, newer: pl.DataFrame, seconds_later: int
) -> None:
    context = loaded(Context.of(older, AS_OF))
    agree(newer, AS_OF + timedelta(seconds=seconds_later), context, oracle.add_up(older.to_dicts(), AS_OF))


@pytest.mark.parametrize("hashed", [False, True])
def test_totals_agree(hashed: bool, contacts: pl.DataFrame, when: datetime) -> None:
    for table, as_of in ((contacts, when), *((random_table(seed, 300), AS_OF) for seed in (10, 11))):
        context = Context.of(table, as_of)
        joined = (loaded(context) if hashed else context).join(table)
        totals = oracle.add_up(table.to_dicts(), as_of)
        added = joined.select(pl.exclude(schema.NAMES))
        assert_frame_equal(joined.select(schema.NAMES), table, check_exact=True)
        for name in added.columns:
            level, _, kind = name.partition("_")
            expected = [
                totals[level].get(oracle.key_of(cells, level), {}).get(kind) for cells in table.iter_rows(named=True)
            ]
            assert added[name].to_list() == expected, name
        assert len(added.columns) == len(LEVELS) * len(oracle.added([], as_of))


# --- what holds for every feature -----------------------------------------------------------------------------------


@given(tables, tables)
@quick
def test_nothing_is_infinite(older: pl.DataFrame, newer: pl.DataFrame) -> None:
    most = pl.when(pl.col(pl.Int64) == 10**15).then(2**63 - 1).otherwise(pl.col(pl.Int64)).name.keep()
    observed = observe(newer.with_columns(most), AS_OF, Context.of(older.with_columns(most), AS_OF))
    for found in (compute(observed), compute_facts(observed)):
        assert all(column.drop_nulls().is_finite().all() for column in found)


UNTOUCHED = {
    **{"inbound_share_30d": 0.5, "total_meetings_30d": 0, "inbound_by_outbound": 1},
    **{"rep_rows": 1, "rep_outbound": 0, "rep_inbound_30d": 0, "rep_outbound_30d": 0, "rep_inbound_30d_share": 0.25},
    **{"rep_inbound_30d_by_outbound": 0.2, "contact_active_share": 0.4 / 3, "contact_returned_share": 0.2},
    **{"contact_outbound_30d_share": 0.25, "contact_answer_share": 1 / 3, "account_active_share": 0.2},
    **{"account_others_active": 0, "account_others_meetings_30d": 0},
    # 0.3 meetings in 180 days are expected of the contacts of anyone: 0.002 a day, seen for 300 days, then for 30 more
    "contact_meeting_chance": 1 - (180 / 210) ** 0.3,
}
"""Of a row that counts nothing and is alone in its export; all other features are null."""


def test_without_history_features_are_null_or_as_stated() -> None:
    counts = {field.name: 0 for field in schema.FIELDS if field.kind == "count"}
    alone = frame([counts | {"source_email": "a@our.example", "email": "x@b.example", "account_domain": "b.example"}])
    found = compute(observe(alone, AS_OF, Context.of(alone, AS_OF))).row(0, named=True)
    said = {name: number for name, number in found.items() if number is not None}
    assert said == pytest.approx({name: number for name, number in UNTOUCHED.items() if name in found}, rel=1e-6)


def test_of_an_empty_row_nothing_is_known() -> None:
    empty = schema.empty(3)
    for context in (None, Context.of(empty, AS_OF), Context.of(schema.empty(), AS_OF)):
        observed = observe(empty, AS_OF, context)
        for found in (compute(observed), compute_facts(observed)):
            assert found.null_count().row(0) == (3,) * found.width
    assert compute(observe(schema.empty(), AS_OF, None)).height == 0


@given(random_tables, random_tables)
@quick
def test_rows_of_others_leave_own_features_alone(table: pl.DataFrame, others: pl.DataFrame) -> None:
    both = pl.concat([table, others])
    alone, beside = (compute(observe(rows, AS_OF, None)) for rows in (table, both))
    assert_frame_equal(beside.head(table.height), alone, check_exact=True)
    # and where they share no rep, account or contact, all features
    strange = others.with_columns(
        pl.col(name) + f".{name}" for name in ("source_email", "email", "account_domain", "account_crm_id")
    )
    both = pl.concat([table, strange])
    alone, beside = (compute(observe(rows, AS_OF, Context.of(rows, AS_OF))) for rows in (table, both))
    assert_frame_equal(beside.head(table.height), alone, check_exact=True)


@given(random_tables, st.randoms(use_true_random=False))
@quick
def test_row_order_changes_nothing(table: pl.DataFrame, random: Random) -> None:
    order = list(range(table.height))
    random.shuffle(order)
    straight, moved = (compute(observe(rows, AS_OF, Context.of(rows, AS_OF))) for rows in (table, table[order]))
    assert_frame_equal(moved, straight[order], check_exact=True)


def test_rows_that_repeat_change_nothing(contacts: pl.DataFrame, when: datetime) -> None:
    again = pl.concat([contacts, contacts.tail(50), contacts.tail(20)])
    once, more = build_features(contacts, as_of=when), build_features(again, as_of=when)
    assert_frame_equal(more.head(contacts.height), once, check_exact=True)
    assert_frame_equal(more.tail(20), once.tail(20), check_exact=True)


@given(random_tables, st.integers(-400 * 86_400, 400 * 86_400))
@quick
def test_moving_all_times_changes_nothing(table: pl.DataFrame, seconds: int) -> None:
    by = timedelta(seconds=seconds)
    moved = table.with_columns(pl.col(pl.Datetime) + by)
    here = compute(observe(table, AS_OF, Context.of(table, AS_OF)))
    there = compute(observe(moved, AS_OF + by, Context.of(moved, AS_OF + by)))
    assert_frame_equal(there, here, check_exact=True)


@given(random_tables)
@quick
def test_outcomes_change_nothing(table: pl.DataFrame) -> None:
    blank = table.with_columns(pl.lit(None, dtype=table.schema[name]).alias(name) for name in OUTCOMES)
    said, silent = (observe(rows, AS_OF, Context.of(rows, AS_OF)) for rows in (table, blank))
    assert_frame_equal(compute(silent), compute(said), check_exact=True)
    assert_frame_equal(compute_facts(silent), compute_facts(said), check_exact=True)


# --- what every feature is ------------------------------------------------------------------------------------------


def roots(*expressions: pl.Expr) -> set[str]:
    """Name the columns that expressions read."""
    return {name for expression in expressions for name in expression.meta.root_names()}


def test_names_and_formulas_are_unique() -> None:
    for texts in ([feature.name for feature in FEATURES], [feature.formula for feature in FEATURES]):
        assert len(set(texts)) == len(texts)
        assert all(text.strip() == text and text for text in texts)
    for texts in ([fact.name for fact in FACTS], [fact.phrase for fact in FACTS if fact.phrase != "{}"]):
        assert len(set(texts)) == len(texts)


@pytest.mark.parametrize("feature", FEATURES, ids=lambda feature: feature.name)
def test_a_feature_reads_what_it_may(feature: Feature) -> None:
    own = {"as_of", *USED, *(name for stage in MEASURES for name in stage)}
    read = roots(feature.expression)
    assert read
    assert not roots(feature.expression, feature.fact.value) & OUTCOMES
    assert all(name.startswith(PREFIXES) for name in read - own)
    assert bool(read - own) is feature.needs_context
    assert feature.needs_context is (feature in CONTEXT_FEATURES) is feature.name.startswith(PREFIXES)
    assert "over(" not in str(feature.expression)
    assert feature.trend in (-1, 0, 1)
    if not feature.needs_context:
        assert not roots(feature.fact.value) - own, "own features must be tellable without a context"


def test_measures_read_fields_and_the_stages_before() -> None:
    known = {"as_of", *USED}
    for stage in MEASURES:
        assert not set(stage) & known
        assert roots(*stage.values()) <= known
        known |= set(stage)


def test_facts_can_be_put_into_words() -> None:
    for fact in FACTS:
        assert fact.unit in LADDERS, fact.name
        assert fact.phrase.count("{}") == 1, fact.name
        assert fact.absent, fact.name
        assert "{" not in fact.absent, fact.name
    assert all(feature.unit.strip() for feature in FEATURES)


def test_totals_read_no_outcome(contacts: pl.DataFrame, when: datetime) -> None:
    without = contacts.with_columns(pl.lit(None, dtype=contacts.schema[name]).alias(name) for name in OUTCOMES)
    for level in LEVELS:
        assert_frame_equal(
            Context.of(without, when).totals[level], Context.of(contacts, when).totals[level], check_exact=True
        )


def test_shares_and_chances_are_in_range() -> None:
    table = random_table(5, 400)
    # what contradicts itself is scored too, but is not bound to the range
    sound = pl.col("total_inbound_30d") <= pl.col("total_inbound")
    table = table.filter(sound, pl.col("total_outbound_30d") <= pl.col("total_outbound"))
    found = compute(observe(table, AS_OF, Context.of(table, AS_OF)))
    for feature in FEATURES:
        if feature.name.endswith(("_chance", "_alive")):
            assert found[feature.name].drop_nulls().is_between(0, 1).all(), feature.name


def test_rows_that_cannot_be_used_are_null(contacts: pl.DataFrame, when: datetime) -> None:
    spoilt = contacts.head(9).with_columns(
        total_inbound=pl.when(pl.int_range(pl.len()) == 4).then(-1).otherwise("total_inbound")
    )
    found = build_features(spoilt, as_of=when)
    fine = build_features(contacts.head(9).filter(pl.int_range(pl.len()) != 4), as_of=when)
    assert found[4].null_count().row(0) == (1,) * len(FEATURES)
    assert_frame_equal(found.filter(pl.int_range(pl.len()) != 4), fine, check_exact=True)


def test_oracle_counts_whole_seconds_both_ways() -> None:
    assert oracle.whole_days(timedelta(seconds=1.9)) == 1 / 86_400
    assert oracle.whole_days(timedelta(seconds=-1.9)) == -1 / 86_400
    assert not math.copysign(1, oracle.whole_days(timedelta(0))) < 0
