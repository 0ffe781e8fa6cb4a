"""What a model was made of, in words: the numbers of its provenance, and nothing about anyone."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any

import polars as pl
import pytest

import scoring
from scoring.config import TARGETS
from scoring.own_card import describe, tell_blend, write_own_card
from scoring.simulation import Settings, draw_organisation


def with_blend(model: scoring.Model, **blend: Any) -> scoring.Model:
    told = dict(model.provenance["blend"]["reply"]) | blend
    return replace(model, provenance={**model.provenance, "blend": {**model.provenance["blend"], "reply": told}})


def test_every_date_and_every_count_is_there(own_model: scoring.Model, exports: dict[datetime, pl.DataFrame]) -> None:
    told = describe(own_model)
    assert f"Learned from {len(exports)} exports:" in told
    for when, export in exports.items():
        assert f"- {when:%Y-%m-%d} (given): {export.height:,} rows" in told
    lines = [line.split("|") for line in told.splitlines() if line.startswith("| 20")]
    assert len({(row["as_of"], row["source"]) for row in own_model.provenance["labels"]}) == len(lines) == 4
    assert {len(line) for line in lines} == {len(TARGETS) + 6}
    for row in own_model.provenance["labels"]:
        counts = f"{row['happened']:,} / {row['did_not']:,} / {row['open']:,}"
        source = "pair" if row["source"] == "history" else "step-back"
        (line,) = [one for one in lines if one[1].strip() == row["as_of"][:10] and one[3].strip() == source]
        assert line[4 + TARGETS.index(row["target"])].strip() == counts
        assert line[-2].strip() == f"{row['missing']:,}"


def test_rows_that_were_left_out_are_said(contacts: pl.DataFrame, when: datetime) -> None:
    first = contacts["email"].drop_nulls()[0]
    bad = pl.when(pl.int_range(pl.len()) < 2).then(-1).otherwise("total_outbound").alias("total_outbound")
    several = pl.concat([contacts.with_columns(bad), contacts.tail(3)])
    model = scoring.train({when: several}, suppress=[first])
    (export,) = model.provenance["exports"]
    said = f"{export['rejected']} cannot be used, {export['repeated']} there twice, {export['suppressed']} suppressed"
    assert min(export["rejected"], export["repeated"], export["suppressed"]) > 0
    assert said in describe(model)
    assert first not in write_own_card(model)


def test_the_blend_in_words(own_model: scoring.Model, exports: dict[datetime, pl.DataFrame]) -> None:
    sources = {"prior": 0.561, "step_back": 0.119, "history": 0.32}
    model = with_blend(own_model, **sources, offset=0.0, slope=1.0)
    line = f"reply: 56 % prior, 12 % step-back of {max(exports):%Y-%m-%d}, 32 % from 3 pairs"
    assert tell_blend(model)[0] == line
    assert tell_blend(with_blend(model, offset=-0.124, slope=1.04))[0] == f"{line}; calibrated: -0.12 +1.04 x log-odds"
    assert tell_blend(with_blend(model, history=0.0, step_back=0.0, prior=1.0))[0] == "reply: 100 % prior"
    assert [line.partition(":")[0] for line in tell_blend(own_model)] == list(TARGETS)


def test_dates_of_which_nothing_is_known_are_no_pairs(own_model: scoring.Model) -> None:
    labels = [dict(row) for row in own_model.provenance["labels"]]
    model = replace(own_model, provenance={**own_model.provenance, "labels": labels})
    pairs = [row for row in labels if row["source"] == "history" and row["target"] == "reply"]
    for left, row in enumerate(pairs[::-1]):
        assert f"from {len(pairs) - left} pair" in tell_blend(model)[0]
        row |= {"happened": 0, "did_not": 0}


def test_too_little_to_learn_from_is_said(small_model: scoring.Model) -> None:
    organisation = draw_organisation(5, Settings(rows=25))
    export = {organisation.dates()[0]: organisation.export(organisation.dates()[0])}
    assert tell_blend(scoring.train(export)) == [
        f"{target}: too little to learn from: the shipped model alone" for target in TARGETS
    ]
    alone = f"too little to learn from: the prior ({small_model.id}) alone"
    assert tell_blend(scoring.train(export, prior=small_model)) == [f"{target}: {alone}" for target in TARGETS]


def test_tiers_are_those_of_the_newest_export_or_of_the_model_in_use(
    own_model: scoring.Model, exports: dict[datetime, pl.DataFrame]
) -> None:
    cuts = ", ".join(f"{tier} from {cut * 100:.1f} %" for tier, cut in zip("ABC", own_model.tier_cuts, strict=True))
    assert f"(by the export of {max(exports):%Y-%m-%d}): {cuts}." in describe(own_model)
    kept = replace(own_model, provenance={**own_model.provenance, "tiers_of": "old-1"})
    assert f"(as in old-1): {cuts}." in describe(kept)


@pytest.mark.parametrize("where", ["card", "document"])
def test_it_holds_nothing_about_a_person(
    where: str, own_model: scoring.Model, exports: dict[datetime, pl.DataFrame]
) -> None:
    text = (write_own_card(own_model) if where == "card" else own_model.document.decode()).lower()
    for export in exports.values():
        for name in ("email", "source_email", "crm_id", "account_name", "account_domain", "last_name", "phone"):
            for value in export[name].cast(pl.String).drop_nulls().unique().to_list():
                assert len(value) < 5 or value.lower() not in text, name


def test_it_is_saved_with_the_model(own_model: scoring.Model, tmp_path: Path) -> None:
    own_model.save(tmp_path / "mine", card=write_own_card(own_model))
    assert scoring.load_model(tmp_path / "mine").id == own_model.id
    assert (tmp_path / "mine" / "CARD.md").read_text("utf-8").startswith(f"# Model card: {own_model.id}\n")
