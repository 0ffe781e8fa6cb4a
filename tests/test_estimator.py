"""The scikit-learn face: clones, folds, searches and pipelines, and the same scorecard as by hand."""

from __future__ import annotations

import inspect
import io
import pickle
from dataclasses import asdict
from datetime import datetime
from pathlib import Path

import joblib
import numpy as np
import pandas as pd
import polars as pl
import pytest
from polars.testing import assert_frame_equal
from sklearn.base import clone
from sklearn.calibration import CalibratedClassifierCV
from sklearn.exceptions import NotFittedError
from sklearn.model_selection import GridSearchCV, GroupKFold, cross_val_predict, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer
from sklearn.utils.estimator_checks import check_estimator

import scoring
from scoring.blending import start_blend
from scoring.boosting import boost
from scoring.config import TARGETS, Boosting, TrainingConfig
from scoring.features import FEATURES, OWN_FEATURES
from scoring.scorecard import to_dict, weighted_sum
from scoring.simulation import Organisation, Settings, draw_organisation

QUICK = {"iterations": 25, "least_rows": 10}


@pytest.fixture(scope="module")
def organisation() -> Organisation:
    """Larger than the others' one: so many rows that the rest of the export tells something of each."""
    return draw_organisation(11, Settings(rows=2500, closed=False, one_row_a_contact=False, days=400))


@pytest.fixture(scope="module")
def when(organisation: Organisation) -> datetime:
    return organisation.dates(3)[-1]


@pytest.fixture(scope="module")
def contacts(organisation: Organisation, when: datetime) -> pl.DataFrame:
    return organisation.export(when)


@pytest.fixture(scope="module")
def context(contacts: pl.DataFrame, when: datetime) -> scoring.Context:
    return scoring.build_context(contacts, as_of=when)


@pytest.fixture(scope="module")
def replied(organisation: Organisation, when: datetime) -> pl.Series:
    return organisation.outcomes(when)["replied"]


@pytest.fixture
def classifier(context: scoring.Context) -> scoring.ScoringClassifier:
    return scoring.ScoringClassifier(context=context, **QUICK)


@pytest.fixture(scope="module")
def fitted(contacts: pl.DataFrame, replied: pl.Series, context: scoring.Context) -> scoring.ScoringClassifier:
    return scoring.ScoringClassifier(context=context, **QUICK).fit(contacts, replied)


# ---- what it learns -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("beside", [True, False])
@pytest.mark.parametrize("target", TARGETS)
def test_it_is_the_blend_of_the_prior_and_boosting(
    beside: bool, target: str, contacts: pl.DataFrame, replied: pl.Series, when: datetime, context: scoring.Context
) -> None:
    learned = scoring.ScoringClassifier(
        target=target, as_of=when, context=context if beside else None, prior_weight=0.25, seed=3, tried=0.5, **QUICK
    ).fit(contacts, replied)
    names = [feature.name for feature in (FEATURES if beside else OWN_FEATURES)]
    features = scoring.build_features(contacts, as_of=when).select(names)
    rows = features.with_columns(replied.alias("y")).sort("y", *names, nulls_last=True)
    own = boost(rows, rows["y"].to_numpy(), names, Boosting(tried=0.5, **QUICK), seed=3)
    others = {feature.name for feature in FEATURES} - {feature.name for feature in OWN_FEATURES}
    assert bool(others & set(own.features)) == beside
    prior = scoring.load_model()
    card = (prior.with_context if beside else prior.without_context)[target]
    by_hand = weighted_sum([card, own], [0.25, 0.75])
    np.testing.assert_allclose(learned.decision_function(contacts), by_hand.log_odds(features), atol=1e-9)
    np.testing.assert_allclose(learned.predict_proba(contacts)[:, 1], by_hand.probability(features), atol=1e-9)


def test_all_weight_on_the_prior_is_scoring_by_the_prior(
    contacts: pl.DataFrame, replied: pl.Series, when: datetime, context: scoring.Context
) -> None:
    scored = scoring.score(contacts, as_of=when)
    one = scoring.ScoringClassifier(context=context, prior_weight=1).fit(contacts, replied)
    np.testing.assert_allclose(one.predict_proba(contacts)[:, 1], scored["reply_probability"], atol=1e-9)
    met = scoring.ScoringClassifier(target="meeting", as_of=when, prior_weight=1).fit(contacts, replied)
    alone = scoring.score(contacts.to_dicts(), as_of=when)
    np.testing.assert_allclose(
        met.predict_proba(contacts)[:, 1], [row["meeting_probability"] for row in alone], atol=1e-9
    )


def test_the_weight_of_the_prior_falls_with_the_outcomes(
    contacts: pl.DataFrame, replied: pl.Series, context: scoring.Context
) -> None:
    weights = []
    for rows in (60, 200, contacts.height):
        few, said = contacts.head(rows), replied.head(rows)
        weights.append(scoring.ScoringClassifier(context=context, **QUICK).fit(few, said).prior_weight_)
        fewer = min(said.sum(), rows - said.sum())
        expected = start_blend("reply", fewer, 0, TrainingConfig()).prior if fewer >= 20 else 1.0
        assert weights[-1] == expected
    assert weights == sorted(weights, reverse=True)
    assert weights[0] == 1.0
    assert weights[-1] < weights[-2] < 1.0


def test_with_one_outcome_only_the_prior_is_left(contacts: pl.DataFrame, classifier: scoring.ScoringClassifier) -> None:
    nobody = np.zeros(contacts.height, int)
    assert classifier.fit(contacts, nobody).prior_weight_ == 1.0
    assert classifier.classes_.tolist() == [0, 1]
    assert classifier.predict_proba(contacts).shape == (contacts.height, 2)
    with pytest.raises(scoring.InputError, match="all .* outcomes are the same"):
        classifier.set_params(prior_weight=0.5).fit(contacts, nobody)


def test_the_scorecard_is_centred_on_the_rows(
    contacts: pl.DataFrame, fitted: scoring.ScoringClassifier, context: scoring.Context
) -> None:
    features = scoring.build_features(contacts, context=context)
    np.testing.assert_allclose(fitted.scorecard_.contributions(features).mean(axis=0), 0, atol=1e-9)


# ---- the same, however it is given ----------------------------------------------------------------------------------


def test_shuffled_rows_give_the_same_scorecard(
    contacts: pl.DataFrame, replied: pl.Series, fitted: scoring.ScoringClassifier
) -> None:
    order = np.random.default_rng(4).permutation(contacts.height)
    again = clone(fitted).fit(contacts[order], replied.to_numpy()[order])
    assert to_dict(again.scorecard_) == to_dict(fitted.scorecard_)
    np.testing.assert_array_equal(again.predict_proba(contacts[order]), fitted.predict_proba(contacts)[order])


def test_rows_are_learned_in_an_order_of_their_own(
    contacts: pl.DataFrame, replied: pl.Series, fitted: scoring.ScoringClassifier, monkeypatch: pytest.MonkeyPatch
) -> None:
    learned: list[tuple[pl.DataFrame, list[bool]]] = []

    def boosted(features: pl.DataFrame, outcome: np.ndarray, *settings: object, **seed: object) -> object:
        learned.append((features, outcome.tolist()))
        return boost(features, outcome, *settings, **seed)

    monkeypatch.setattr("scoring.estimator.boost", boosted)
    for order in (np.arange(contacts.height), np.random.default_rng(4).permutation(contacts.height)):
        clone(fitted).fit(contacts[order], replied.to_numpy()[order])
    (one, said), (other, again) = learned
    assert_frame_equal(one, other, check_exact=True)
    assert said == again


def test_a_row_has_the_same_chance_alone(contacts: pl.DataFrame, fitted: scoring.ScoringClassifier) -> None:
    chances = fitted.predict_proba(contacts)
    for part in (contacts.head(1), contacts.tail(30)):
        np.testing.assert_array_equal(fitted.predict_proba(part), chances[[0]] if part.height == 1 else chances[-30:])


def test_pandas_rows_of_any_index_are_rows_in_their_order(
    contacts: pl.DataFrame, replied: pl.Series, fitted: scoring.ScoringClassifier
) -> None:
    text = pl.read_csv(contacts.write_csv(datetime_format="%Y-%m-%dT%H:%M:%SZ").encode(), infer_schema=False)
    rows = text.to_pandas().set_index(pd.Index(np.arange(contacts.height)[::-1] * 7))
    again = clone(fitted).fit(rows, pd.Series(replied.to_numpy(), index=rows.index[::-1]))
    assert to_dict(again.scorecard_) == to_dict(fitted.scorecard_)
    np.testing.assert_array_equal(again.predict_proba(rows.iloc[5:9]), fitted.predict_proba(contacts)[5:9])


def test_columns_may_stand_in_another_order_and_be_more(
    contacts: pl.DataFrame, fitted: scoring.ScoringClassifier
) -> None:
    other = contacts.select(*contacts.columns[::-1], pl.lit(41).alias("shoe size"))
    np.testing.assert_array_equal(fitted.predict(other), fitted.predict(contacts))
    assert fitted.feature_names_in_.tolist() == contacts.columns
    assert fitted.n_features_in_ == contacts.width


def test_a_copy_through_a_file_says_the_same(contacts: pl.DataFrame, fitted: scoring.ScoringClassifier) -> None:
    file = io.BytesIO()
    joblib.dump(fitted, file)
    file.seek(0)
    for copy in (joblib.load(file), pickle.loads(pickle.dumps(fitted))):
        np.testing.assert_array_equal(copy.predict_proba(contacts), fitted.predict_proba(contacts))


# ---- in the hands of scikit-learn -----------------------------------------------------------------------------------


def test_its_settings_are_those_of_training() -> None:
    defaults = {name: one.default for name, one in inspect.signature(scoring.ScoringClassifier).parameters.items()}
    assert defaults.items() >= asdict(Boosting()).items()
    assert defaults["seed"] == TrainingConfig().seed


def test_scikit_learns_checks_that_need_no_numbers_pass() -> None:
    done = check_estimator(scoring.ScoringClassifier(), on_fail=None, on_skip=None)
    status = {one["check_name"]: one["status"] for one in done}
    for name in (
        "check_estimator_cloneable",
        "check_estimator_tags_renamed",
        "check_valid_tag_types",
        "check_estimator_repr",
        "check_no_attributes_set_in_init",
        "check_estimators_unfitted",
        "check_do_not_raise_errors_in_init_or_set_params",
        "check_mixin_order",
        "check_parameters_default_constructible",
        "check_get_params_invariance",
        "check_set_params",
    ):
        assert status[name] == "passed", name


def test_a_clone_has_the_settings_and_has_learned_nothing(
    contacts: pl.DataFrame, fitted: scoring.ScoringClassifier
) -> None:
    copy = clone(fitted)
    kept, given = copy.get_params(), fitted.get_params()
    assert kept.pop("context").as_of == given.pop("context").as_of
    assert kept == given
    with pytest.raises(NotFittedError):
        copy.predict(contacts)


@pytest.mark.parametrize("frame", ["polars", "pandas"])
def test_folds_by_rep(
    frame: str, contacts: pl.DataFrame, replied: pl.Series, classifier: scoring.ScoringClassifier
) -> None:
    rows, said, reps = contacts, replied, contacts["source_email"]
    if frame == "pandas":
        rows, said, reps = contacts.to_pandas(), replied.to_pandas(), reps.to_pandas()
    found = cross_val_score(
        classifier, rows, said, groups=reps, cv=GroupKFold(3), scoring="roc_auc", error_score="raise"
    )
    assert found.shape == (3,)
    assert (found > 0.7).all()


def test_no_fold_sees_what_another_holds(
    contacts: pl.DataFrame, replied: pl.Series, classifier: scoring.ScoringClassifier
) -> None:
    folds = GroupKFold(2)
    chances = cross_val_predict(
        classifier, contacts, replied, groups=contacts["source_email"], cv=folds, method="predict_proba"
    )
    for inside, outside in folds.split(contacts, replied, contacts["source_email"]):
        alone = clone(classifier).fit(contacts[inside], replied.to_numpy()[inside])
        np.testing.assert_array_equal(chances[outside], alone.predict_proba(contacts)[outside])


def test_a_search_over_settings(
    contacts: pl.DataFrame, replied: pl.Series, classifier: scoring.ScoringClassifier
) -> None:
    grid = {"leaves": np.array([2, 5]), "prior_weight": [0.2, 1.0]}
    search = GridSearchCV(classifier, grid, cv=2, scoring="neg_log_loss", error_score="raise").fit(contacts, replied)
    assert set(search.best_params_) == set(grid)
    assert np.unique(search.cv_results_["mean_test_score"]).size == 3  # the prior alone has no leaves
    assert search.predict(contacts).dtype == bool


def test_in_a_pipeline(contacts: pl.DataFrame, replied: pl.Series, classifier: scoring.ScoringClassifier) -> None:
    def without_meetings(rows: pl.DataFrame) -> pl.DataFrame:
        return rows.with_columns(total_meetings=pl.lit(0), total_meetings_30d=pl.lit(0))

    both = make_pipeline(FunctionTransformer(without_meetings), classifier).set_output(transform="polars")
    found = cross_val_predict(both, contacts, replied, cv=2, method="predict_proba")
    plain = cross_val_predict(clone(classifier), without_meetings(contacts), replied, cv=2, method="predict_proba")
    np.testing.assert_array_equal(found, plain)
    both.set_params(scoringclassifier__iterations=5).fit(contacts, replied)
    assert both[-1].scorecard_.features


def test_it_can_be_calibrated_by_scikit_learn(
    contacts: pl.DataFrame, replied: pl.Series, classifier: scoring.ScoringClassifier
) -> None:
    calibrated = CalibratedClassifierCV(classifier, cv=2).fit(contacts, replied)
    assert abs(calibrated.predict_proba(contacts)[:, 1].mean() - replied.mean()) < 0.05


# ---- dates and contexts ---------------------------------------------------------------------------------------------


def test_rows_of_another_date_are_scored_as_of_it(
    organisation: Organisation, contacts: pl.DataFrame, replied: pl.Series, when: datetime
) -> None:
    later = organisation.dates(3)[0]
    rows = organisation.export(later)
    learned = scoring.ScoringClassifier(as_of=when, **QUICK).fit(contacts, replied)
    chances = learned.set_params(as_of=later).predict_proba(rows)[:, 1]
    features = scoring.build_features(rows, as_of=later)
    np.testing.assert_array_equal(chances, learned.scorecard_.probability(features))


def test_a_context_is_that_or_the_file_of_it(
    contacts: pl.DataFrame, fitted: scoring.ScoringClassifier, context: scoring.Context, tmp_path: Path
) -> None:
    path = tmp_path / "context.parquet"
    context.save(path)
    expected = fitted.predict_proba(contacts)
    again = pickle.loads(pickle.dumps(fitted)).set_params(context=path)
    np.testing.assert_array_equal(again.predict_proba(contacts), expected)


# ---- what is refused ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["polars", "pandas", "pandas nullable", "numpy", "list"])
@pytest.mark.parametrize("boolean", [True, False])
def test_open_outcomes_are_refused(
    kind: str, boolean: bool, contacts: pl.DataFrame, classifier: scoring.ScoringClassifier
) -> None:
    values = [True, None, False] if boolean else [1, None, 0]
    y = {
        "polars": pl.Series(values),
        "pandas": pd.Series(values),
        "pandas nullable": pd.Series(values, dtype="boolean" if boolean else "Int64"),
        "numpy": np.array([1.0, np.nan, 0.0]),
        "list": values,
    }[kind]
    with pytest.raises(scoring.InputError, match="1 of 3 outcomes are neither 0 nor 1; .* leave out"):
        classifier.fit(contacts.head(3), y)


@pytest.mark.parametrize(
    "y",
    [
        [0, 1, 2],
        [2, True, "1"],
        np.array([0, 1, 2], object),
        ["0", "1", "0"],
        [0.5, 0, 1],
        [0, 1],
        [[0], [1], [0]],
        None,
    ],
)
def test_other_outcomes_are_refused(y: object, contacts: pl.DataFrame, classifier: scoring.ScoringClassifier) -> None:
    with pytest.raises(scoring.InputError, match="outcomes"):
        classifier.fit(contacts.head(3), y)


@pytest.mark.parametrize(
    ("y", "classes"),
    [
        ([0, 1, 1], [0, 1]),
        ([0.0, 1.0, 0.0], [0, 1]),
        ([False, True, True], [False, True]),
        (pd.Series([False, True, True], dtype="boolean"), [False, True]),
        (np.array([False, True, True], object), [False, True]),
    ],
)
def test_classes_are_those_of_the_outcomes(
    y: object, classes: list[object], contacts: pl.DataFrame, classifier: scoring.ScoringClassifier
) -> None:
    classifier.fit(contacts.head(3), y)
    assert repr(classifier.classes_.tolist()) == repr(classes)
    assert repr(sorted(set(classifier.predict(contacts).tolist()))) == repr(classes)


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"target": "deal"}, "target"),
        ({"prior_weight": 1.5}, "prior_weight"),
        ({"prior_weight": "half"}, "prior_weight"),
        ({"iterations": 0}, "iterations"),
        ({"learning_rate": "fast"}, "learning_rate"),
        ({"as_of": "soon"}, "as_of"),
    ],
)
def test_settings_out_of_range_are_refused(
    settings: dict[str, object], said: str, contacts: pl.DataFrame, replied: pl.Series, classifier: object
) -> None:
    with pytest.raises(scoring.InputError, match=said):
        clone(classifier).set_params(**settings).fit(contacts, replied)


def test_rows_that_cannot_be_used_are_counted_and_refused(
    contacts: pl.DataFrame, replied: pl.Series, fitted: scoring.ScoringClassifier
) -> None:
    bad = contacts.with_columns(total_outbound=pl.when(pl.int_range(pl.len()) > 1).then("total_outbound").otherwise(-1))
    for attempt in (lambda: clone(fitted).fit(bad, replied), lambda: fitted.predict(bad)):
        with pytest.raises(scoring.InputError, match=f"2 of {contacts.height} rows cannot be used .negative_count"):
            attempt()
