import json
import math

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from scoring.errors import ModelError
from scoring.scorecard import (
    Lookup,
    Scorecard,
    SingleLookup,
    Table,
    calibrate,
    centre,
    count_bins,
    from_dict,
    logistic,
    logistic_of_one,
    simplify,
    to_dict,
    weighted_sum,
)
from scoring.scorecard.search import Search

NAMES = ["age", "Mails", "ratio", "gap"]  # in an order that is not the alphabet's
TINY = float(np.finfo(np.float32).smallest_subnormal)
float32s = st.floats(width=32, allow_nan=False, allow_infinity=False)
anything = st.one_of(st.floats(width=32), st.sampled_from([math.nan, math.inf, -math.inf, -0.0, 0.0, TINY, -TINY, 7.0]))
numbers = st.floats(-1e6, 1e6)
quick = settings(max_examples=50, deadline=None)


@st.composite
def tables(draw, name="age"):
    thresholds = sorted(draw(st.sets(st.one_of(float32s, st.sampled_from([0.0, TINY, 7.0])), max_size=6)))
    values = draw(st.lists(numbers, min_size=len(thresholds) + 2, max_size=len(thresholds) + 2))
    return Table(name, thresholds, values)


@st.composite
def scorecards(draw):
    names = draw(st.lists(st.sampled_from(NAMES), unique=True))
    return Scorecard(draw(numbers), tuple(draw(tables(name)) for name in names))


@st.composite
def frames(draw):
    rows = draw(st.integers(0, 5))
    return {name: np.array(draw(st.lists(anything, min_size=rows, max_size=rows)), np.float32) for name in NAMES}


@np.errstate(over="ignore")  # beyond the largest float32 is infinity
def next_to(column, way):
    return np.nextafter(column, np.float32(way))


def random_card(rng, names, thresholds=40):
    grid = np.linspace(-3, 3, 200).astype(np.float32)
    return Scorecard(
        rng.normal(),
        tuple(Table(n, np.sort(rng.choice(grid, thresholds, False)), rng.normal(size=thresholds + 2)) for n in names),
    )


def random_columns(rng, names, rows):
    columns = rng.normal(size=(len(names), rows)).astype(np.float32)
    columns[rng.random(columns.shape) < 0.2] = np.nan
    return dict(zip(names, columns, strict=True))


def by_hand(card, columns, row):
    """Log-odds of one row in plain Python."""
    total = card.intercept
    for table in sorted(card.tables, key=lambda table: table.feature):
        x = float(columns[table.feature][row])
        position = -1 if math.isnan(x) else sum(float(threshold) < x for threshold in table.thresholds)
        total += float(table.values[position])
    return total


# Tables


@quick
@given(tables(), st.lists(anything, max_size=20))
def test_a_bin_holds_its_upper_border_and_missing_has_its_own(table, column):
    expected = [
        len(table.thresholds) + 1 if math.isnan(x) else sum(float(threshold) < x for threshold in table.thresholds)
        for x in np.array(column, np.float32).tolist()
    ]
    assert table.locate(column).tolist() == expected


@quick
@given(tables())
def test_a_threshold_and_its_neighbours_fall_on_the_right_sides(table):
    count = len(table.thresholds)
    assert table.locate(table.thresholds).tolist() == list(range(count))
    assert table.locate(next_to(table.thresholds, np.inf)).tolist() == list(range(1, count + 1))


def test_special_values():
    table = Table("age", [-TINY, 0.0, TINY], [1, 2, 3, 4, 5])
    found = table.locate([-math.inf, -TINY, -0.0, 0.0, TINY, 2 * TINY, math.inf, math.nan, -math.nan])
    assert found.tolist() == [0, 0, 1, 1, 2, 3, 3, 4, 4]


@quick
@given(
    st.sets(st.one_of(float32s, st.integers(1000, 1030).map(lambda n: 1000 + n / 16)), max_size=40), st.integers(0, 99)
)
def test_a_long_column_is_searched_another_way_with_the_same_result(thresholds, seed):
    search = Search(np.sort(np.float32(list(thresholds))) + np.float32(0))
    some = np.frombuffer(np.random.default_rng(seed).bytes(4 * 9000), np.float32)  # all kinds of NaN are among them
    up, down = (next_to(search.edges, way) for way in (np.inf, -np.inf))
    column = np.concatenate([some, search.edges, up, down, np.float32([-np.inf, -0.0, 0.0, TINY, -TINY])])
    expected = search.edges.searchsorted(column)
    assert np.array_equal(search.locate(column), expected)
    assert np.array_equal(search.locate(column[::2]), expected[::2])  # prepared, so shorter ones go that way too
    assert np.array_equal(search.locate(column[:5]), expected[:5])


def test_tables_cannot_be_changed():
    given_values = np.array([1.0, 2.0])
    table = Table("age", [], given_values)
    given_values[0] = 9
    assert table.values[0] == 1
    with pytest.raises(ValueError, match="read-only"):
        table.values[0] = 9


def test_equal_tables_are_equal_and_hash_alike():
    one, two = Table("age", [0.1], [1, 2, 3]), Table("age", np.float32([0.1]), [1.0, 2.0, 3.0])
    assert one == two
    assert hash(one) == hash(two)
    assert one != Table("age", [0.1], [1, 2, 4])
    assert one != "age"
    assert Scorecard(0.0, (one,)) == Scorecard(0, [two])


@pytest.mark.parametrize(
    ("thresholds", "values", "found"),
    [
        ([1.0], [1.0, 2.0], "1 thresholds and 2 values"),
        ([1.0, 1.0], [1, 2, 3, 4], "out of order"),
        ([2.0, 1.0], [1, 2, 3, 4], "out of order"),
        ([1.0, 1.0 + 1e-12], [1, 2, 3, 4], "out of order"),
        ([math.nan], [1, 2, 3], "not finite"),
        ([math.inf], [1, 2, 3], "not finite"),
        ([1e39], [1, 2, 3], "not finite"),
        ([1.0], [1, math.inf, 3], "not finite"),
    ],
)
def test_broken_tables_are_refused(thresholds, values, found):
    with pytest.raises(ModelError, match=f"'age'.*{found}"):
        Table("age", thresholds, values)


def test_broken_scorecards_are_refused():
    table = Table("age", [], [0, 0])
    with pytest.raises(ModelError, match="more than one table for age"):
        Scorecard(0.0, (table, table))
    with pytest.raises(ModelError, match="intercept is not finite"):
        Scorecard(math.nan, ())


# Scoring


@quick
@given(scorecards(), frames())
def test_log_odds_are_intercept_and_contributions_in_the_order_of_names(card, columns):
    expected = [by_hand(card, columns, row) for row in range(len(columns["age"]))]
    found = card.log_odds(columns)
    assert found.tolist() == expected
    added = card.contributions(columns)
    assert added.shape == (len(found), len(card.tables))
    np.testing.assert_allclose(card.intercept + added.sum(axis=1), found, rtol=1e-12, atol=1e-9)


def test_every_split_and_order_of_rows_gives_the_same_bits():
    rng = np.random.default_rng(1)
    names = [f"f{i}" for i in range(7)]
    card, other = random_card(rng, names), random_card(rng, names[:4])
    columns = random_columns(rng, names, 20_011)
    lookup = Lookup([card, other])
    whole = lookup.probability(columns)
    order = rng.permutation(20_011)
    shuffled = lookup.probability({name: column[order] for name, column in columns.items()})
    assert np.array_equal(shuffled, whole[order])
    start = 0
    for size in [1, 2, 3, 5, 7, 8, 9, 31, 1, 8191, 8193]:
        part = lookup.probability({name: column[start : start + size] for name, column in columns.items()})
        assert np.array_equal(part, whole[start : start + size])
        start += size
    strided = lookup.probability({name: column[3::17] for name, column in columns.items()})
    assert np.array_equal(strided, whole[3::17])


@quick
@given(st.lists(scorecards(), min_size=1, max_size=3), frames())
def test_a_lookup_gives_each_scorecard_its_own_bits(cards, columns):
    lookup = Lookup(cards)
    together = lookup.log_odds(columns)
    assert together.shape == (len(columns["age"]), len(cards))
    for position, card in enumerate(cards):
        assert together[:, position].tolist() == card.log_odds(columns).tolist()
        log_odds, contributions = lookup.explain(columns, position)
        assert np.array_equal(log_odds, together)
        own = dict(zip(card.features, card.contributions(columns).T, strict=True))
        for column, feature in zip(contributions.T, lookup.features, strict=True):
            assert np.array_equal(column, own.get(feature, np.zeros(len(column))))


def test_columns_by_name_in_order_as_a_matrix_and_as_a_frame_score_alike():
    rng = np.random.default_rng(2)
    card = random_card(rng, ["b", "a"])
    columns = random_columns(rng, ["b", "a"], 50)
    expected = card.log_odds(columns)
    matrix = np.column_stack([columns["b"], columns["a"]])
    frame = pl.DataFrame({"other": ["x"] * 50, **columns}).fill_nan(None)
    for same in (list(columns.values()), matrix, frame):
        assert np.array_equal(card.log_odds(same), expected)
        assert np.array_equal(card.contributions(same), card.contributions(columns))


def test_columns_that_do_not_fit_are_refused():
    card = Scorecard(0.0, (Table("a", [], [0, 0]), Table("b", [], [0, 0])))
    with pytest.raises(ModelError, match=r"no column for 1 features \(b\)"):
        card.log_odds({"a": [1.0]})
    with pytest.raises(ModelError, match=r"no column for 1 features \(b\)"):
        card.log_odds(pl.DataFrame({"a": [1.0]}))
    with pytest.raises(ModelError, match="3 columns; expected 2"):
        card.log_odds(np.zeros((5, 3), np.float32))
    with pytest.raises(ModelError, match="different lengths"):
        card.log_odds({"a": [1.0], "b": [1.0, 2.0]})
    with pytest.raises(ModelError, match="no scorecard"):
        Lookup([])


def test_a_scorecard_without_tables_scores_every_row_the_same():
    card = Scorecard(1.5, ())
    for columns in ({"a": [1.0, 2.0]}, pl.DataFrame({"a": [1.0, 2.0]}), np.empty((2, 0), np.float32)):
        assert card.log_odds(columns).tolist() == [1.5, 1.5]
        assert card.contributions(columns).shape == (2, 0)


def test_logistic_is_accurate_safe_and_keeps_the_order():
    x = np.concatenate([np.linspace(-745, 745, 20_001), np.linspace(-2, 2, 20_001), [-1e300, 1e300, 0.0]])
    found = logistic(x)
    exact = np.array([1 / (1 + math.exp(-v)) if v > -700 else math.exp(-700) for v in np.clip(x, -745, 745)])
    np.testing.assert_allclose(found, exact, rtol=1e-15 * 4)
    assert ((found >= 0) & (found <= 1)).all()
    assert (np.diff(logistic(np.sort(x))) >= 0).all()
    assert logistic(np.array([0.0])).tolist() == [0.5]


@quick
@given(st.lists(scorecards(), min_size=1, max_size=4), frames())
def test_one_row_by_itself_has_the_bits_that_it_has_among_others(cards, columns):
    many, single = Lookup(cards), SingleLookup(cards)
    assert single.features == many.features
    for which in range(len(cards)):
        log_odds, contributions = many.explain(columns, which)
        for row in range(len(log_odds)):
            found = single.explain({name: float(column[row]) for name, column in columns.items()}, which)
            assert np.array_equal(np.float64(found[0]).view(np.int64), log_odds[row].view(np.int64))
            assert found[1] == contributions[row].tolist()


@given(st.floats(allow_nan=False, allow_infinity=False))
@settings(max_examples=500, deadline=None)
def test_logistic_of_one_has_the_bits_of_logistic(log_odds):
    assert logistic_of_one(log_odds) == logistic(np.array([log_odds])).item()


def test_logistic_of_one_has_the_bits_of_logistic_where_log_odds_lie():
    log_odds = np.random.default_rng(1).normal(0, 4, 20_000)
    assert [logistic_of_one(one) for one in log_odds.tolist()] == logistic(log_odds).tolist()


@pytest.mark.parametrize("offset", range(9))
def test_logistic_gives_the_same_bits_at_every_place_in_memory(offset):
    x = np.random.default_rng(offset).normal(0, 5, 500)
    whole = logistic(x)
    bytes_apart = np.frombuffer(b"\0" * 4 + x.tobytes(), np.uint8)[4:].view(np.float64)  # not aligned
    assert np.array_equal(logistic(bytes_apart), whole)
    for length in range(1, 20):
        assert np.array_equal(logistic(x[offset : offset + length]), whole[offset : offset + length])
    assert np.array_equal(logistic(x[offset::7]), whole[offset::7])


# Algebra


@quick
@given(scorecards(), frames())
def test_a_sum_of_one_is_itself_simplified(card, columns):
    same = weighted_sum([card], [1.0])
    assert same == simplify(card)
    assert same.log_odds(columns).tolist() == card.log_odds(columns).tolist()
    assert simplify(same) == same
    for table in same.tables:
        assert (np.diff(table.values[:-1]) != 0).all()


@quick
@given(st.lists(st.tuples(scorecards(), st.floats(-2, 2)), min_size=1, max_size=3), frames())
def test_log_odds_of_a_sum_are_the_sum_of_log_odds(weighted, columns):
    cards, weights = zip(*weighted, strict=True)
    expected = sum(weight * card.log_odds(columns) for card, weight in weighted)
    size = max(1.0, *(abs(v) for card in cards for table in card.tables for v in table.values), 0.0)
    found = weighted_sum(cards, weights).log_odds(columns)
    np.testing.assert_allclose(found, expected, rtol=1e-12, atol=1e-12 * max(size, *(abs(c.intercept) for c in cards)))


@quick
@given(scorecards(), frames(), st.floats(-5, 5), st.floats(0.01, 5))
def test_calibration_is_a_line_in_log_odds(card, columns, offset, slope):
    found = calibrate(card, offset, slope).log_odds(columns)
    np.testing.assert_allclose(found, offset + slope * card.log_odds(columns), rtol=1e-9, atol=1e-7)


def test_centring_moves_means_into_the_intercept():
    rng = np.random.default_rng(3)
    card = random_card(rng, ["a", "b"])
    columns, weights = random_columns(rng, ["a", "b"], 500), rng.random(500)
    centred = centre(card, count_bins(card, columns, weights))
    np.testing.assert_allclose(weights @ centred.contributions(columns), 0, atol=1e-10)
    np.testing.assert_allclose(centred.log_odds(columns), card.log_odds(columns), atol=1e-12)
    assert centred.intercept == pytest.approx(np.average(card.log_odds(columns), weights=weights))


def test_wrong_algebra_is_refused():
    card = Scorecard(0.0, (Table("a", [], [0, 0]),))
    for cards, weights in (([], []), ([card], [1, 2]), ([card], [math.nan])):
        with pytest.raises(ModelError, match="one finite weight for each"):
            weighted_sum(cards, weights)
    for offset, slope in ((0, 0), (0, -1), (math.nan, 1), (0, math.inf)):
        with pytest.raises(ModelError, match="slope above 0"):
            calibrate(card, offset, slope)
    for counts in ({}, {"a": [1]}, {"a": [0, 0]}, {"a": [-1, 2]}, {"a": [math.nan, 1]}):
        with pytest.raises(ModelError, match="one count a bin"):
            centre(card, counts)


# JSON


@quick
@given(scorecards())
def test_json_round_trip_is_exact_and_canonical(card):
    text = json.dumps(to_dict(card), allow_nan=False)
    back = from_dict(json.loads(text), known=NAMES)
    assert back == card
    assert json.dumps(to_dict(back)) == text


GOOD = {"intercept": 0.5, "tables": [{"feature": "age", "thresholds": [1, 2.5], "values": [1, 2.0, 3, 4]}]}


def test_whole_numbers_are_numbers():
    assert from_dict(GOOD) == Scorecard(0.5, (Table("age", [1, 2.5], [1, 2, 3, 4]),))


@pytest.mark.parametrize(
    ("change", "found"),
    [
        (lambda d: [], "the scorecard is list"),
        (lambda d: {"tables": []}, r"the scorecard is \['tables'\]; expected exactly intercept, tables"),
        (lambda d: d | {"extra": 1}, "the scorecard is .*extra"),
        (lambda d: d | {"intercept": None}, "the intercept"),
        (lambda d: d | {"intercept": "1"}, "the intercept"),
        (lambda d: d | {"intercept": True}, "the intercept"),
        (lambda d: d | {"intercept": math.inf}, "intercept is not finite"),
        (lambda d: d | {"tables": {}}, "tables are not a list"),
        (lambda d: d | {"tables": [1]}, "table 0 is int"),
        (lambda d: d | {"tables": d["tables"] * 2}, "more than one table for age"),
        (lambda d: d | {"tables": [{"feature": "age"}]}, "table 0 is"),
        (lambda d: d | {"tables": [d["tables"][0] | {"feature": 3}]}, "table 0 has no name"),
        (lambda d: d | {"tables": [d["tables"][0] | {"feature": ""}]}, "no name|unknown feature"),
        (lambda d: d | {"tables": [d["tables"][0] | {"feature": "shoe_size"}]}, "unknown feature 'shoe_size'"),
        (lambda d: d | {"tables": [d["tables"][0] | {"thresholds": [2, 1]}]}, "'age' has thresholds out of order"),
        (lambda d: d | {"tables": [d["tables"][0] | {"thresholds": [1, 1]}]}, "'age' has thresholds out of order"),
        (lambda d: d | {"tables": [d["tables"][0] | {"thresholds": [1]}]}, "'age' has 1 thresholds and 4 values"),
        (lambda d: d | {"tables": [d["tables"][0] | {"thresholds": [1, math.nan]}]}, "'age'.*not finite"),
        (lambda d: d | {"tables": [d["tables"][0] | {"thresholds": [[1], [2]]}]}, "thresholds of 'age'"),
        (lambda d: d | {"tables": [d["tables"][0] | {"thresholds": 3}]}, "thresholds of 'age'"),
        (lambda d: d | {"tables": [d["tables"][0] | {"values": ["1", 2, 3, 4]}]}, "values of 'age'"),
        (lambda d: d | {"tables": [d["tables"][0] | {"values": [1, 2, 3, None]}]}, "values of 'age'"),
        (lambda d: d | {"tables": [d["tables"][0] | {"values": [1, 2, 3, -math.inf]}]}, "'age'.*not finite"),
        (lambda d: d | {"tables": [d["tables"][0] | {"values": [1, 2, 3, 10**400]}]}, "values of 'age'.*too large"),
    ],
)
def test_broken_documents_are_refused_by_name(change, found):
    with pytest.raises(ModelError, match=found):
        from_dict(change(GOOD), known=NAMES)
