import json
import math

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.linear_model import LogisticRegression

from scoring.errors import ModelError
from scoring.scorecard import (
    Lookup,
    Scorecard,
    Table,
    calibrate,
    centre,
    compile_classifier,
    count_bins,
    fit_calibration,
    from_dict,
    logistic,
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


# Classifiers


def training_data(seed, rows=3000):
    rng = np.random.default_rng(seed)
    matrix = rng.exponential(10, (rows, 5)).astype(np.float32)
    matrix[:, 1] = rng.integers(0, 6, rows)
    matrix[:, 2] *= np.float32(1e-3)
    matrix[:, 3] = -matrix[:, 3] * np.float32(1e30)
    matrix[rng.random(matrix.shape) < 0.2] = np.nan
    matrix[:, 4] = 7.0  # never split on
    z = np.sin(np.nan_to_num(matrix[:, 0], nan=-3.0)) + np.nan_to_num(matrix[:, 1], nan=2.0) / 3 - 1
    return matrix, rng.random(rows) < logistic(z.astype(np.float64))


def boost(matrix, y, **options):
    options = {"interaction_cst": "no_interactions", "max_iter": 30, "early_stopping": False} | options
    return HistGradientBoostingClassifier(**options).fit(matrix, y)


@pytest.mark.parametrize("seed", range(4))
def test_a_compiled_classifier_is_the_classifier(seed):
    matrix, y = training_data(seed)
    names = ["a", "b", "c", "d", "e"]
    model = boost(matrix, y, max_leaf_nodes=3 + seed, min_samples_leaf=5 + 20 * seed)
    card = compile_classifier(model, names)
    assert set(card.features) <= {"a", "b", "c", "d"}
    rng = np.random.default_rng(seed)
    rows = [matrix]
    for position, name in enumerate(names):
        table = card.table(name)
        edges = np.float32([0, math.inf, -math.inf, math.nan]) if table is None else np.append(
            table.thresholds, np.float32([math.inf, -math.inf, math.nan, -0.0, TINY]))  # fmt: skip
        for near in (edges, next_to(edges, np.inf), next_to(edges, -np.inf)):
            some = matrix[rng.integers(len(matrix), size=len(near))].copy()
            some[:, position] = near
            rows.append(some)
    probe = np.vstack(rows)
    found = card.probability(dict(zip(names, probe.T, strict=True)))
    np.testing.assert_allclose(found, model.predict_proba(probe)[:, 1], rtol=0, atol=1e-12)


def test_a_classifier_fitted_on_a_frame_compiles_by_its_names():
    matrix, y = training_data(9)
    frame = pl.DataFrame(matrix, schema=["a", "b", "c", "d", "e"])
    model = boost(frame, y)
    card = compile_classifier(model, frame.columns)
    np.testing.assert_allclose(card.probability(frame), model.predict_proba(frame)[:, 1], rtol=0, atol=1e-12)
    with pytest.raises(ModelError, match="other names"):
        compile_classifier(model, ["b", "a", "c", "d", "e"])


def test_a_split_on_missing_alone_needs_no_threshold_that_is_not_finite():
    matrix = np.where(np.arange(400) % 2, 5.0, np.nan).astype(np.float32).reshape(-1, 1)
    model = boost(matrix, np.arange(400) % 2 * (np.arange(400) % 5 > 0))
    card = compile_classifier(model, ["a"])
    columns = {"a": np.float32([5, 6, -9, math.inf, math.nan])}
    np.testing.assert_allclose(
        card.probability(columns), model.predict_proba(columns["a"].reshape(-1, 1))[:, 1], rtol=0, atol=1e-12
    )
    assert card.probability(columns)[4] < 0.1 < 0.7 < card.probability(columns)[0]


def test_infinity_in_training_is_a_number_above_all_others():
    matrix = np.where(np.arange(400) % 2, 5.0, np.inf).astype(np.float32).reshape(-1, 1)
    model = boost(matrix, np.arange(400) % 2)
    card = compile_classifier(model, ["a"])
    column = np.float32([5, np.finfo(np.float32).max, math.inf, -math.inf, math.nan])
    expected = model.predict_proba(column.reshape(-1, 1))[:, 1]
    np.testing.assert_allclose(card.probability([column]), expected, rtol=0, atol=1e-12)


def test_trees_without_a_split_compile_to_an_intercept():
    matrix, y = training_data(5, 100)
    model = boost(matrix, y, min_samples_leaf=100)
    card = compile_classifier(model, list("abcde"))
    assert card.tables == ()
    np.testing.assert_allclose(logistic(np.array([card.intercept])), model.predict_proba(matrix[:1])[0, 1:], atol=1e-12)


def test_classifiers_that_are_no_scorecards_are_refused():
    matrix, y = training_data(6, 500)
    names = list("abcde")
    with pytest.raises(ModelError, match="cannot be compiled; expected a fitted HistGradientBoostingClassifier"):
        compile_classifier(HistGradientBoostingClassifier(), names)
    with pytest.raises(ModelError, match="LogisticRegression cannot be compiled"):
        compile_classifier(LogisticRegression().fit(np.nan_to_num(matrix[:, 1:3]), y), names)
    with pytest.raises(ModelError, match=r"a tree splits on \d features.*no_interactions"):
        compile_classifier(boost(matrix, y, interaction_cst=None), names)
    with pytest.raises(ModelError, match="3 classes; expected two"):
        compile_classifier(boost(matrix, np.arange(500) % 3, max_iter=2), names)
    with pytest.raises(ModelError, match="1 features are categories"):
        compile_classifier(boost(matrix, y, max_iter=2, categorical_features=[1]), names)
    for wrong in (list("abcd"), list("abcda")):
        with pytest.raises(ModelError, match="4 names for 5 features"):
            compile_classifier(boost(matrix, y, max_iter=2), wrong)


def test_minus_infinity_in_training_is_refused():
    matrix = np.where(np.arange(400) % 2, 5.0, -np.inf).astype(np.float32).reshape(-1, 1)
    with pytest.raises(ModelError, match="splits off minus infinity"):
        compile_classifier(boost(matrix, np.arange(400) % 2), ["a"])


def test_a_classifier_whose_trees_mean_something_else_is_refused():
    matrix, y = training_data(7)
    model = boost(matrix, y)

    class Other(type(model)):
        def decision_function(self, matrix):
            return super().decision_function(matrix) + 1e-3 * np.nan_to_num(np.asarray(matrix)[:, 0] > 1) * (
                matrix[:, 1] > 1
            )

    model.__class__ = Other
    with pytest.raises(ModelError, match="the scorecard is not the Other"):
        compile_classifier(model, list("abcde"))


# Calibration


def simulated(seed=0, rows=20_000, offset=-0.7, slope=1.6):
    rng = np.random.default_rng(seed)
    x = rng.normal(-1, 1.5, rows)
    return x, (rng.random(rows) < logistic(offset + slope * x)).astype(float), rng.integers(0, 4, rows).astype(float)


def test_calibration_finds_the_line():
    x, y, _ = simulated()
    offset, slope = fit_calibration(x, y)
    assert (offset, slope) == pytest.approx((-0.7, 1.6), abs=0.08)


def test_calibration_without_a_pull_is_logistic_regression():
    x, y, w = simulated(1, 3000)
    reference = LogisticRegression(C=np.inf, tol=1e-10).fit(x.reshape(-1, 1), y, sample_weight=w)
    expected = (reference.intercept_[0], reference.coef_[0, 0])
    assert fit_calibration(x, y, w, strength=0.0) == pytest.approx(expected, abs=1e-5)


def test_weights_are_repeated_rows():
    x, y, w = simulated(2, 500)
    times = w.astype(int)
    assert fit_calibration(x, y, w) == pytest.approx(fit_calibration(x.repeat(times), y.repeat(times)), abs=1e-9)


def test_calibrated_again_it_stays():
    x, y, _ = simulated(3)
    offset, slope = fit_calibration(x, y)
    assert fit_calibration(offset + slope * x, y) == pytest.approx((0, 1), abs=1e-3)


@quick
@given(st.lists(st.tuples(st.floats(-50, 50), st.booleans()), max_size=30))
def test_calibration_is_finite_and_keeps_the_order_whatever_the_outcome(rows):
    offset, slope = fit_calibration([x for x, _ in rows], [y for _, y in rows])
    assert math.isfinite(offset)
    assert 0 < slope < math.inf


def test_the_opposite_order_keeps_the_order_and_the_level():
    x, y, _ = simulated(4, slope=-1.0)
    offset, slope = fit_calibration(x, y)
    assert slope == 0.01
    assert logistic(offset + slope * x).mean() == pytest.approx(y.mean(), abs=1e-3)


def test_calibration_refuses_what_it_cannot_use():
    for x, y, w in (([1, 2], [1], None), ([math.nan], [1], None), ([1.0], [2], None), ([1.0], [1], [-1])):
        with pytest.raises(ModelError, match="expected"):
            fit_calibration(x, y, w)
