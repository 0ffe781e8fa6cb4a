"""Models: the same bytes, back from disk as they were, and refused by name where they are not."""

from __future__ import annotations

import json
import pickle
import re
from collections.abc import Callable
from dataclasses import replace
from hashlib import sha256
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from numpy.testing import assert_array_equal
from polars.testing import assert_frame_equal

import scoring
from scoring.config import HORIZON_DAYS, TARGETS, TIERS
from scoring.features import CONTEXT_FEATURES, FEATURES
from scoring.model import SHIPPED, Model, load_model


@pytest.fixture
def folder(small_model: Model, tmp_path: Path) -> Path:
    small_model.save(tmp_path / "model", card="# A card\n")
    return tmp_path / "model"


def rewrite(folder: Path, change: Callable[[dict[str, Any]], Any]) -> None:
    """Change the document and its sum, as someone would who wants it to pass."""
    document = json.loads((folder / "model.json").read_bytes())
    changed = change(document)
    put(folder, json.dumps(document if changed is None else changed).encode())


def put(folder: Path, document: bytes) -> None:
    (folder / "model.json").write_bytes(document)
    (folder / "SHA256SUMS").write_text(f"{sha256(document).hexdigest()}  model.json\n")


# ---- there and back -------------------------------------------------------------------------------------------------


def test_a_loaded_model_is_the_model(small_model: Model, folder: Path, contacts: pl.DataFrame, when: Any) -> None:
    loaded = load_model(folder)
    assert loaded.document == small_model.document
    assert loaded.id == small_model.id
    for name in ("name", "tier_cuts", "provenance", "with_context", "without_context", "reference", "rates"):
        assert getattr(loaded, name) == getattr(small_model, name), name
    assert_array_equal(loaded.quantiles, small_model.quantiles)
    one, two = (scoring.score(contacts, as_of=when, model=model) for model in (small_model, folder))
    assert_frame_equal(one, two, check_exact=True)


def test_saving_again_gives_the_same_files(folder: Path, tmp_path: Path) -> None:
    load_model(folder).save(tmp_path / "again", card="# A card\n")
    for path in folder.iterdir():
        assert (tmp_path / "again" / path.name).read_bytes() == path.read_bytes()
    assert {path.name for path in folder.iterdir()} == {"model.json", "CARD.md", "SHA256SUMS"}


def test_the_shipped_model_is_canonical_and_whole() -> None:
    model = load_model()
    assert load_model(SHIPPED) is model
    assert load_model(model) is model
    assert model.name == SHIPPED
    assert set(model.with_context) == set(model.without_context) == set(TARGETS)
    assert model.id == f"shipped-{sha256(model.document).hexdigest()[:12]}"


def test_the_document_is_plain_json_in_one_order(small_model: Model) -> None:
    content = json.loads(small_model.document)
    again = json.dumps(content, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    assert again.encode() + b"\n" == small_model.document
    assert content["horizon_days"] == HORIZON_DAYS
    formulas = {feature.name: feature.formula for feature in FEATURES}
    assert content["features"].items() <= formulas.items()


def test_rows_alone_are_scored_without_the_features_of_a_context(small_model: Model) -> None:
    beside = {feature.name for feature in CONTEXT_FEATURES}
    for card in small_model.without_context.values():
        assert not beside & set(card.features)


def test_a_model_of_before_has_no_reference_and_keeps_its_bytes(small_model: Model, folder: Path) -> None:
    rewrite(folder, without("reference"))
    bare = load_model(folder)
    assert bare.reference is None
    assert bare.document == replace(small_model, reference=None).document
    assert b'"reference":' not in bare.document
    assert bare.id != small_model.id


def test_the_reference_is_how_the_features_lay(small_model: Model) -> None:
    assert small_model.reference
    cards = (*small_model.with_context.values(), *small_model.without_context.values())
    tables = {table.feature: table for table in small_model.reference.features}
    assert set(tables) == {name for card in cards for name in card.features}
    for table in tables.values():
        assert len(table.thresholds) <= 9
        assert table.values.sum() == pytest.approx(1)
    assert max(len(table.thresholds) for table in tables.values()) == 9
    assert set(small_model.reference.chances) == set(TARGETS)
    assert small_model.reference.rows == small_model.provenance["rows"]
    priority = small_model.reference.priority
    assert priority
    assert priority.values[-1] == 0
    assert priority.values.sum() == pytest.approx(1)
    for threshold, share in zip(priority.thresholds, priority.values.cumsum(), strict=False):
        assert small_model.quantiles.searchsorted(threshold + 1e-6) / 1000 == pytest.approx(share, abs=0.01)


def test_a_reference_of_before_has_no_priority(small_model: Model, folder: Path) -> None:
    rewrite(folder, without("reference", "priority"))
    bare = load_model(folder)
    assert bare.reference
    assert bare.reference.priority is None
    assert b'"priority":' not in bare.document


def test_a_model_of_before_has_no_rates_and_scores_the_same(
    small_model: Model, folder: Path, contacts: pl.DataFrame, when: Any
) -> None:
    rewrite(folder, without("rates"))
    bare = load_model(folder)
    assert bare.rates is None
    assert bare.document == replace(small_model, rates=None).document
    assert b'"rates":{"counts"' not in bare.document
    one, other = (scoring.score(contacts, as_of=when, model=model) for model in (small_model, bare))
    assert_frame_equal(one.drop("reasons", "model_id"), other.drop("reasons", "model_id"), check_exact=True)
    # "; " and " (" part reasons, and a rate changes neither
    for told, plain in zip(one["reasons"], other["reasons"], strict=True):
        assert re.sub(r" \[(under |over )?\d+ %\] \(", " (", told) == plain
    assert (one["reasons"] != other["reasons"]).mean() > 0.3


def test_saving_replaces_an_older_model_and_its_card(small_model: Model, folder: Path) -> None:
    small_model.save(folder)
    assert not (folder / "CARD.md").exists()
    assert load_model(folder).id == small_model.id


def test_saving_where_it_cannot_be_saved_says_so(small_model: Model, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(scoring.ModelError, match="file"):
        small_model.save(tmp_path / "file")


def test_nobody_is_in_a_model(small_model: Model) -> None:
    assert b"@" not in small_model.document
    assert b".example" not in small_model.document


# ---- what is refused ------------------------------------------------------------------------------------------------


def refused(folder: Path, *named: str) -> str:
    with pytest.raises(scoring.ModelError) as error:
        load_model(folder)
    message = str(error.value)
    assert "\n" not in message
    for name in named:
        assert name in message, message
    return message


@pytest.mark.parametrize("name", ["model.json", "CARD.md", "SHA256SUMS"])
def test_a_missing_file_is_named(name: str, folder: Path) -> None:
    (folder / name).unlink()
    refused(folder, name)


def test_a_folder_that_is_not_there_is_refused(tmp_path: Path) -> None:
    refused(tmp_path / "nowhere", "nowhere")
    (tmp_path / "file").write_text("x")
    refused(tmp_path / "file", "file")


@pytest.mark.parametrize("name", ["model.json", "CARD.md"])
@pytest.mark.parametrize("place", [0, 5, -1])
def test_one_byte_changed_is_found(name: str, place: int, folder: Path) -> None:
    content = bytearray((folder / name).read_bytes())
    content[place] ^= 1
    (folder / name).write_bytes(content)
    refused(folder, name, "SHA-256")


@pytest.mark.parametrize(
    "sums", ["", "abc\n", "\n", "0  model.json\n", "\x00", "x  ../../model.json\n", "x  /dev/zero\n"]
)
def test_sums_that_are_none_are_refused(sums: str, folder: Path) -> None:
    (folder / "SHA256SUMS").write_text(sums)
    refused(folder)


def without(*path: Any) -> Callable[[dict[str, Any]], None]:
    def change(document: dict[str, Any]) -> None:
        inside: Any = document
        for name in path[:-1]:
            inside = inside[name]
        del inside[path[-1]]

    return change


def replaced(value: Any, *path: Any) -> Callable[[dict[str, Any]], None]:
    def change(document: dict[str, Any]) -> None:
        inside: Any = document
        for name in path[:-1]:
            inside = inside[name]
        inside[path[-1]] = value

    return change


def first_bins(thresholds: list[float], values: list[float]) -> Callable[[dict[str, Any]], None]:
    def change(document: dict[str, Any]) -> None:
        document["reference"]["features"][0] |= {"thresholds": thresholds, "values": values}

    return change


def other_shares(document: dict[str, Any]) -> None:
    shares = document["reference"]["priority"][0]["values"]
    shares[:] = [2 * share for share in shares]


REPLY = ("with_context", "reply")
DAMAGES: dict[str, tuple[Callable[[dict[str, Any]], Any], str]] = {
    "newer format": (replaced(2, "format"), "format 2"),
    "no format": (without("format"), "format None"),
    "a list": (lambda document: [document], "format None"),
    "nothing": (lambda document: {}, "format None"),
    "a target missing": (without(*REPLY), "reply"),
    "no quantiles": (without("quantiles"), "quantiles"),
    "too few quantiles": (replaced([0.1, 0.2], "quantiles"), "quantiles"),
    "quantiles that fall": (replaced([1 - i / 2000 for i in range(999)], "quantiles"), "quantiles"),
    "quantiles above one": (replaced([i / 500 for i in range(999)], "quantiles"), "quantiles"),
    "quantiles that are none": (replaced([float("nan")] * 999, "quantiles"), "quantiles"),
    "quantiles of text": (replaced(["x"] * 999, "quantiles"), "damaged"),
    "cuts that rise": (replaced([0.1, 0.2, 0.3], "tier_cuts"), "tier cuts"),
    "two cuts": (replaced([0.2, 0.1], "tier_cuts"), "damaged"),
    "a cut above one": (replaced([1.2, 0.2, 0.1], "tier_cuts"), "tier cuts"),
    "cuts that are none": (replaced([float("nan")] * 3, "tier_cuts"), "tier cuts"),
    "another horizon": (replaced(7, "horizon_days"), "7 days"),
    "no horizon": (without("horizon_days"), "horizon_days"),
    "a name that steers": (replaced("own\x1b[2J", "name"), "control characters"),
    "a name of two lines": (replaced("own\nall is well", "name"), "control characters"),
    "provenance of text": (replaced("me", "provenance"), "damaged"),
    "features as a list": (replaced([1], "features"), "damaged"),
    "features as nothing": (replaced(None, "features"), "damaged"),
    "features not said": (replaced({}, "features"), "unknown feature"),
    "a reference that is none": (replaced(None, "reference"), "reference"),
    "a reference of other parts": (without("reference", "rows"), "reference"),
    "a reference without rows": (replaced(0, "reference", "rows"), "numbers of rows"),
    "a reference of half a row": (replaced(7.5, "reference", "rows"), "numbers of rows"),
    "a reference of no past": (replaced(None, "reference", "past_rows"), "numbers of rows"),
    "a reference feature missing": (without("reference", "features", 0), "lacks features"),
    "a reference feature unknown": (replaced("shoe_size", "reference", "features", 0, "feature"), "shoe_size"),
    "reference thresholds that fall": (first_bins([3, 2], [0.5, 0.2, 0.2, 0.1]), "out of order"),
    "reference shares below zero": (first_bins([], [1.5, -0.5]), "shares of rows"),
    "reference shares of a part": (first_bins([], [0.5, 0.2]), "shares of rows"),
    "reference priorities of a part": (without("reference", "priority", 0, "values", 0), "values"),
    "reference priorities of another": (replaced("shoe_size", "reference", "priority", 0, "feature"), "shoe_size"),
    "reference priorities above one": (other_shares, "shares of rows"),
    "a reference chance missing": (without("reference", "chances", "reply"), "mean chance"),
    "a reference chance above one": (replaced(1.5, "reference", "chances", "reply"), "between 0 and 1"),
    "a reference chance of text": (replaced("much", "reference", "chances", "reply"), "between 0 and 1"),
    "reference rates of a list": (replaced([0.1], "reference", "past_rates"), "rates"),
    "a reference rate of nothing known": (replaced({"shoes": 0.1}, "reference", "past_rates"), "rates"),
    "rates that are none": (replaced(None, "rates"), "rates"),
    "rates of other parts": (without("rates", "own"), "rates"),
    "rates above one": (replaced(1.5, "rates", "shares", 0, "values", 0), "shares of rows"),
    "no tables": (without(*REPLY, "tables"), "tables"),
    "a table too much": (
        replaced([{"feature": "shoe_size", "thresholds": [], "values": [0, 0]}], *REPLY, "tables"),
        "shoe_size",
    ),
    "an infinite value": (replaced(float("inf"), *REPLY, "intercept"), "finite"),
    "a table that is short": (without(*REPLY, "tables", 0, "values", 0), "values"),
    "a context alone": (
        replaced(
            [{"feature": CONTEXT_FEATURES[0].name, "thresholds": [], "values": [0, 0]}],
            "without_context", "reply", "tables",
        ),
        CONTEXT_FEATURES[0].name,
    ),
}  # fmt: skip


@pytest.mark.parametrize("how", DAMAGES)
def test_a_document_that_is_wrong_is_refused_though_its_sum_is_right(how: str, folder: Path) -> None:
    change, named = DAMAGES[how]
    rewrite(folder, change)
    refused(folder, named)


@pytest.mark.parametrize("document", [b"", b"{", b"\xff\xfe", b"[" * 100_000, b"null", b"3", b"NaN"])
def test_what_is_no_json_object_is_refused(document: bytes, folder: Path) -> None:
    put(folder, document)
    refused(folder)


class Trap:
    """What a pickle can hold: something that runs when it is opened."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[Callable[..., object], tuple[object, ...]]:
        return Path.touch, (self.path,)


def test_nothing_in_a_folder_is_run(folder: Path, tmp_path: Path) -> None:
    trap = pickle.dumps(Trap(tmp_path / "sprung"))
    (folder / "model.pkl").write_bytes(trap)
    assert load_model(folder).id
    put(folder, trap)
    refused(folder)
    assert not (tmp_path / "sprung").exists()


@pytest.mark.parametrize("source", [None, 3, {}, b"shipped"])
def test_what_names_no_model_is_refused(source: Any) -> None:
    with pytest.raises(scoring.ModelError, match=type(source).__name__):
        load_model(source)


def test_a_renamed_feature_is_named(folder: Path) -> None:
    name = next(iter(json.loads((folder / "model.json").read_bytes())["features"]))
    document = (folder / "model.json").read_bytes().replace(f'"{name}"'.encode(), f'"old_{name}"'.encode())
    put(folder, document)
    refused(folder, f"old_{name}", "another meaning")


def test_a_changed_formula_is_named(folder: Path) -> None:
    name = next(iter(json.loads((folder / "model.json").read_bytes())["features"]))
    rewrite(folder, replaced("something else", "features", name))
    refused(folder, name, "another meaning")


def test_a_score_with_a_damaged_model_fails_the_same(folder: Path, contacts: pl.DataFrame) -> None:
    (folder / "model.json").write_bytes(b"{}")
    with pytest.raises(scoring.ModelError, match="SHA-256"):
        scoring.score(contacts, model=folder)


# ---- percentiles and tiers ------------------------------------------------------------------------------------------


def test_cuts_belong_to_the_better_tier(small_model: Model) -> None:
    cuts = np.array(small_model.tier_cuts)
    assert [TIERS[place] for place in small_model.tier(cuts)] == ["A", "B", "C"]
    assert [TIERS[place] for place in small_model.tier(np.nextafter(cuts, 0))] == ["B", "C", "D"]
    assert [TIERS[place] for place in small_model.tier(np.array([0.0, 1.0]))] == ["D", "A"]


def test_percentiles_are_shares_of_the_reference(small_model: Model) -> None:
    assert_array_equal(small_model.percentile(np.array([0.0, 1.0])) >= [0, 99.9], [True, True])
    chances = np.linspace(0, 1, 200)
    found = small_model.percentile(chances)
    assert_array_equal(found, [np.sum(small_model.quantiles <= chance) / 10 for chance in chances])
    assert (np.diff(found) >= 0).all()


def test_saving_replaces_a_model_whole_and_leaves_other_files(small_model: Model, tmp_path: Path) -> None:
    folder = tmp_path / "model"
    small_model.save(folder, card="# A card\n")
    small_model.save(folder)
    assert sorted(path.name for path in folder.iterdir()) == ["SHA256SUMS", "model.json"]
    (folder / "notes.txt").write_text("mine")
    small_model.save(folder, card="# A card\n")
    assert sorted(path.name for path in folder.iterdir()) == ["CARD.md", "SHA256SUMS", "model.json", "notes.txt"]
    small_model.save(folder)
    assert load_model(folder).document == small_model.document
    assert [path.name for path in tmp_path.iterdir()] == ["model"]


def test_what_a_killed_run_left_is_no_hindrance(small_model: Model, tmp_path: Path) -> None:
    for left in (".model.part", ".model.old"):
        (tmp_path / left).mkdir()
        (tmp_path / left / "model.json").write_text("half")
    small_model.save(tmp_path / "model")
    assert [path.name for path in tmp_path.iterdir()] == ["model"]
    assert load_model(tmp_path / "model").document == small_model.document
