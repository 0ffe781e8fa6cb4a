"""Evaluation: recomputed from scores and outcomes, blind to the future, and the same in any order."""

from __future__ import annotations

import json
from datetime import datetime, timedelta

import numpy as np
import polars as pl
import pytest
from polars.testing import assert_frame_equal
from sklearn.metrics import average_precision_score, brier_score_loss, log_loss, roc_auc_score

import scoring
from scoring import evaluation, training
from scoring.config import TARGETS, Target, TrainingConfig
from scoring.errors import InputError
from scoring.evaluation import Evaluation, evaluate
from scoring.simulation import Organisation, Settings, draw_organisation
from scoring.truth import export_dates, true_chances

Exports = dict[datetime, pl.DataFrame]
FRAMES = ("labels", "measures", "differences", "reliability", "top", "segments")
OUTCOMES = {"reply": "replied", "meeting": "met", "engaged": "engaged"}
CHANCES = {"reply": "reply_probability", "meeting": "meeting_probability", "engaged": "priority"}


@pytest.fixture(scope="module")
def result(exports: Exports, quick: TrainingConfig) -> Evaluation:
    return evaluate(exports, config=quick)


@pytest.fixture(scope="module")
def short(exports: Exports) -> Exports:
    return dict(sorted(exports.items())[:2])


def value(result: Evaluation, target: str, model: str, measure: str, when: datetime | None) -> float:
    found = result.measures.filter(
        pl.col("as_of").eq_missing(pl.lit(when)), target=target, model=model, measure=measure
    )
    assert found.height == 1
    return float(found["value"][0])


# What it says


def test_figures_are_those_of_scores_and_what_happened(
    exports: Exports, quick: TrainingConfig, result: Evaluation
) -> None:
    organisation = draw_organisation(17, Settings(rows=400, closed=False, one_row_a_contact=False, days=400))
    dates = sorted(exports)
    for position, when in enumerate(dates[:-1]):
        own = scoring.train({known: exports[known] for known in dates[: position + 1]}, config=quick)
        happened = organisation.outcomes(when)
        for model, name in ((own, "product"), ("shipped", "shipped")):
            scored = scoring.score(exports[when], model=model, as_of=when)
            for target, column in OUTCOMES.items():
                y, p = happened[column].to_numpy(), scored[CHANCES[target]].to_numpy()
                found = {m: value(result, target, name, m, when) for m in ("auc", "ap", "brier", "log_loss", "rate_20")}
                assert found["auc"] == pytest.approx(roc_auc_score(y, p), rel=1e-9)
                assert found["ap"] == pytest.approx(average_precision_score(y, p), rel=1e-9)
                assert found["brier"] == pytest.approx(brier_score_loss(y, p), rel=1e-9)
                assert found["log_loss"] == pytest.approx(log_loss(y, p), rel=1e-9)
                first = np.argsort(-p)[: len(y) // 5]
                assert found["rate_20"] == pytest.approx(y[first].mean(), abs=2 / len(first))


def test_means_are_over_dates(result: Evaluation) -> None:
    dated, mean = (result.measures.filter(pl.col("as_of").is_null() == null) for null in (False, True))
    own = dated.group_by("target", "model", "measure").agg(pl.col("value").mean(), dates=pl.col("value").count())
    settled = own.filter(pl.col("target") != "answer")
    both = mean.join(settled, on=["target", "model", "measure"], suffix="_own")
    assert both.height == settled.height
    np.testing.assert_allclose(both["value"], both["value_own"], rtol=1e-12)
    assert both["dates"].equals(both["dates_own"].cast(pl.Int64).alias("dates"))


def test_the_level_of_answers_has_no_mean_since_they_are_no_fair_sample(result: Evaluation) -> None:
    mean = result.measures.filter(pl.col("as_of").is_null(), target="answer")
    assert not set(mean["measure"]) & {"brier", "log_loss"}
    assert not result.labels.filter(target="answer")["settled"].any()


def test_differences_are_the_product_less_the_other_and_above_0_is_better(result: Evaluation) -> None:
    key = ["target", "as_of", "measure"]
    product = result.measures.filter(model="product").select(*key, product="value")
    both = result.differences.join(
        result.measures.select(*key, "value", against="model"), on=[*key, "against"], nulls_equal=True
    ).join(product, on=key, nulls_equal=True)
    level = both["measure"].is_in(["brier", "log_loss"]).to_numpy()
    difference = (both["product"] - both["value"]).to_numpy()
    np.testing.assert_allclose(both["difference"], np.where(level, -difference, difference), atol=1e-12)
    assert both.height == result.differences.height
    told = both.filter(pl.col("low").is_not_null())
    assert (told.filter(verdict="better")["low"] > 0).all()
    assert (told.filter(verdict="worse")["high"] < 0).all()
    assert told.filter(verdict="no difference").select((pl.col("low") <= 0) & (pl.col("high") >= 0)).to_series().all()


def test_intervals_hold_the_figure(result: Evaluation) -> None:
    order = result.measures.filter(pl.col("low").is_not_null(), pl.col("measure").is_in(["auc", "brier", "log_loss"]))
    assert order.height > 50
    inside = order.select((pl.col("low") <= pl.col("value")) & (pl.col("value") <= pl.col("high"))).to_series()
    assert inside.mean() > 0.97
    assert (order["low"] <= order["high"]).all()


def test_labels_are_those_of_training(exports: Exports, result: Evaluation) -> None:
    counted = scoring.count_labels(exports).filter(source="history").drop("source", "one_in")
    assert_frame_equal(result.labels.drop("judged"), counted, check_column_order=False)


def test_every_known_row_is_in_a_bin_and_in_a_segment(result: Evaluation) -> None:
    for target in TARGETS:
        known = result.labels.filter("judged", target=target).select(pl.sum("happened"), pl.sum("did_not")).row(0)
        whole = result.reliability.filter(pl.col("as_of").is_null(), target=target, model="product")
        assert whole["rows"].sum() == sum(known)
        assert (whole["rows"] * whole["observed"]).sum() == pytest.approx(known[0])
        by_segment = result.segments.filter(target=target).group_by("segment").agg(pl.sum("rows"), pl.sum("outcomes"))
        assert set(by_segment["segment"]) == {"everyone", "seniority", "department", "account_type", "evidence"}
        assert set(by_segment.select("rows", "outcomes").rows()) == {(sum(known), known[0])}


def test_the_top_is_where_the_measures_say(result: Evaluation) -> None:
    top = result.top.with_columns(measure=pl.format("rate_{}", (pl.col("share") * 100).round(0).cast(pl.Int64)))
    both = top.join(result.measures, on=["target", "as_of", "model", "measure"], nulls_equal=True)
    assert both.height == top.height
    assert both["rate"].to_list() == pytest.approx(both["value"].to_list(), rel=1e-12)
    assert both["as_of"].null_count() == both.height // (1 + result.labels["as_of"].n_unique())


def test_text_and_json_hold_what_was_found_and_nobody(result: Evaluation) -> None:
    text, document = result.to_text(), json.dumps(result.to_dict(), allow_nan=False)
    for word in ("REPLY", "MEETING", "ANSWER", "ENGAGED", "sorting by recency", "top 10 %", "3 dates"):
        assert word in text
    for name in FRAMES:
        assert len(result.to_dict()[name]) == getattr(result, name).height
    assert "@" not in (text + document).replace("NDCG@10", "")
    assert "nan" not in text


# What it must not know or depend on


def test_what_comes_later_changes_no_prediction(exports: Exports, short: Exports, quick: TrainingConfig) -> None:
    rng = np.random.default_rng(0)
    first, second, *later = sorted(exports)
    noisy = dict(short)
    for when in later:
        more = pl.Series(rng.integers(0, 30, exports[when].height))
        counts = {name: pl.col(name) + more for name in ("total_inbound", "total_outbound", "total_emails")}
        noisy[when] = exports[when].with_columns(**counts, seniority=pl.lit("changed"), engagement_level=pl.lit(1.0))
    whole, cut, changed = (evaluate(given, config=quick, targets=["reply"]) for given in (exports, short, noisy))
    figures = [
        frame.measures.filter(pl.col("as_of") == first).select("model", "measure", "value")
        for frame in (whole, cut, changed)
    ]
    assert figures[0].height > 20
    assert_frame_equal(figures[0], figures[1], check_exact=True)
    assert_frame_equal(figures[0], figures[2], check_exact=True)
    after = [frame.measures.filter(pl.col("as_of") == second)["value"] for frame in (whole, changed)]
    assert not after[0].equals(after[1])  # its labels come from the first of the noisy ones


def test_order_of_rows_and_number_of_jobs_change_nothing(
    exports: Exports, quick: TrainingConfig, result: Evaluation
) -> None:
    shuffled = {when: exports[when].sample(fraction=1.0, shuffle=True, seed=3) for when in sorted(exports)[::-1]}
    other = evaluate(shuffled, config=quick, jobs=2)
    for name in FRAMES:
        assert_frame_equal(getattr(result, name), getattr(other, name), check_exact=True)
    assert result.to_text() == other.to_text()


def test_suppressed_contacts_are_nowhere(short: Exports, quick: TrainingConfig) -> None:
    out = next(iter(short.values()))["email"].drop_nulls().unique().sort().head(60).to_list()
    left = {when: export.filter(~pl.col("email").is_in(out).fill_null(False)) for when, export in short.items()}
    one = evaluate(short, config=quick, targets=["reply"], suppress=out)
    other = evaluate(left, config=quick, targets=["reply"])
    for name in FRAMES:
        assert_frame_equal(getattr(one, name), getattr(other, name), check_exact=True)
    whole = evaluate(short, config=quick, targets=["reply"]).labels
    assert one.labels["did_not"].sum() < whole["did_not"].sum()


# What is not there


def test_one_export_is_refused(short: Exports) -> None:
    with pytest.raises(InputError, match="one export"):
        evaluate(dict(list(short.items())[:1]))


def test_exports_of_others_are_refused_with_the_numbers(short: Exports) -> None:
    (first, one), (second, other) = short.items()
    foreign = other.with_columns(source_email=pl.lit("someone@else.example"))
    with pytest.raises(InputError, match=f"{one.height} of them missing"):
        evaluate({first: one, second: foreign})


@pytest.mark.parametrize("targets", [[], ["reply", "love"]])
def test_unknown_targets_are_refused(short: Exports, targets: list[Target]) -> None:
    with pytest.raises(InputError, match="targets"):
        evaluate(short, targets=targets)


def test_a_target_that_nobody_did_is_left_out_and_said(short: Exports, quick: TrainingConfig) -> None:
    none = dict.fromkeys(("total_meetings", "total_meetings_30d"), pl.lit(0, pl.Int64))
    found = evaluate(
        {when: export.with_columns(**none) for when, export in short.items()},
        config=quick,
        targets=["reply", "meeting"],
    )
    assert found.labels.select("target", "judged").rows() == [("reply", True), ("meeting", False)]
    for name in FRAMES[1:]:
        assert set(getattr(found, name)["target"]) == {"reply"}
    assert f"MEETING is not judged after {min(short):%Y-%m-%d}" in found.to_text()


def test_without_reps_contacts_are_drawn_and_there_is_no_list_to_judge(short: Exports, quick: TrainingConfig) -> None:
    alone = {
        when: export.with_columns(source_email=pl.lit(None, pl.String)).unique("crm_id", keep="first")
        for when, export in short.items()
    }
    found = evaluate(alone, config=quick, targets=["reply"])
    assert not found.by_rep
    assert "contacts" in found.to_text().splitlines()[1]
    product = found.measures.filter(pl.col("as_of").is_null(), model="product")
    assert "ndcg" not in product["measure"]
    assert product.filter(measure="auc")["low"].is_not_null().all()


def test_a_baseline_without_a_column_is_not_there(short: Exports, quick: TrainingConfig) -> None:
    without = {when: export.drop("engagement_level") for when, export in short.items()}
    with pytest.warns(scoring.SchemaWarning):
        found = evaluate(without, config=quick, targets=["reply"])
    assert set(found.top["model"]) == {"product", "shipped", "recency", "rfm", "bgnbd"}


# The true chance


@pytest.fixture(scope="module")
def lively() -> Organisation:
    return draw_organisation(29, Settings(rows=500, closed=False, one_row_a_contact=False, days=300))


def test_regret_is_how_far_from_the_true_chance(lively: Organisation, quick: TrainingConfig) -> None:
    dates = export_dates(lively, 3)
    truth = true_chances(lively, dates[:-1], 40)
    mixed = {when: frame.sample(fraction=1.0, shuffle=True, seed=1) for when, frame in truth.items()}
    exports = {when: lively.export(when) for when in dates}
    one, other = (evaluate(exports, config=quick, truth=given, targets=["reply"]) for given in (truth, mixed))
    assert_frame_equal(one.measures, other.measures, check_exact=True)
    regret = one.regret()
    assert regret.filter(measure="log_loss")["low"][0] > 0
    assert set(regret["measure"]) == {"auc", "ap", "ndcg", "rate_10", "rate_20", "rate_30", "brier", "log_loss"}
    own, best = (value(one, "reply", model, "brier", None) for model in ("product", "true chance"))
    assert regret.filter(measure="brier")["regret"][0] == pytest.approx(own - best)
    y = lively.outcomes(dates[0])["replied"]
    expected = roc_auc_score(y, truth[dates[0]]["reply"])
    assert value(one, "reply", "true chance", "auc", dates[0]) == pytest.approx(expected)
    assert "true chance" in one.to_text()


def test_true_chances_have_to_be_there(short: Exports, quick: TrainingConfig) -> None:
    first = min(short)
    chances = short[first].select("source_email", "crm_id", "email", reply=pl.lit(0.5))
    with pytest.raises(InputError, match="no true chances"):
        evaluate(short, config=quick, targets=["reply"], truth={first - timedelta(days=1): chances})
    with pytest.raises(InputError, match="5 of .* rows"):
        evaluate(short, config=quick, targets=["reply"], truth={first: chances.slice(5)})


def test_without_truth_there_is_no_regret(result: Evaluation) -> None:
    assert result.regret().is_empty()


def test_exports_are_looked_through_for_leaks_once(
    exports: Exports, quick: TrainingConfig, monkeypatch: pytest.MonkeyPatch
) -> None:
    looked = []
    for module in (evaluation, training):
        monkeypatch.setattr(module, "warn_of_leaks", lambda lessons, _: looked.append([one.as_of for one in lessons]))
    evaluate(exports, config=quick, targets=["reply"])
    assert looked == [sorted(exports)[:-1]]
