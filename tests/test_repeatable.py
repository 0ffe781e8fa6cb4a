"""A model of one's own is a build that can be repeated, and comes back from disk as it was or not at all."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from datetime import datetime, timedelta
from hashlib import sha256
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from polars.testing import assert_frame_equal

import scoring
from scoring.config import TrainingConfig
from scoring.training import train

Exports = dict[datetime, pl.DataFrame]
ISO = "%Y-%m-%dT%H:%M:%S%.fZ"
DAY = timedelta(days=1)


def body(model: scoring.Model) -> dict[str, Any]:
    """Everything that decides a score: the document without what it was learned from."""
    return {name: value for name, value in json.loads(model.document).items() if name != "provenance"}


@pytest.fixture(scope="module")
def pair(exports: Exports) -> Exports:
    return dict(list(exports.items())[-2:])


@pytest.fixture(scope="module")
def pair_model(pair: Exports, quick: TrainingConfig) -> scoring.Model:
    return train(pair, config=quick)


# ---- the same again -------------------------------------------------------------------------------------------------


def test_the_order_of_rows_and_exports_changes_no_byte(
    exports: Exports, quick: TrainingConfig, own_model: scoring.Model
) -> None:
    shuffled = {
        when: contacts.sample(fraction=1.0, shuffle=True, seed=3) for when, contacts in reversed(exports.items())
    }
    assert train(shuffled, config=quick).document == own_model.document


def test_processes_change_no_byte(exports: Exports, quick: TrainingConfig, own_model: scoring.Model) -> None:
    assert train(exports, config=quick, jobs=2).document == own_model.document


@pytest.mark.parametrize(
    "environment",
    [{"OMP_NUM_THREADS": "2", "POLARS_MAX_THREADS": "1"}, {"POLARS_MAX_THREADS": "3", "TZ": "Asia/Kolkata"}],
    ids=["threads", "zone"],
)
def test_threads_and_time_zones_change_no_byte(
    environment: dict[str, str], exports: Exports, quick: TrainingConfig, own_model: scoring.Model, tmp_path: Path
) -> None:
    for when, contacts in exports.items():
        contacts.sample(fraction=1.0, shuffle=True, seed=5).write_parquet(tmp_path / f"{when:%Y-%m-%d}.parquet")
    (tmp_path / "training.toml").write_text(quick.to_toml())
    code = (
        "import scoring, sys, pathlib\n"
        "folder = pathlib.Path(sys.argv[1])\n"
        "config = scoring.TrainingConfig.from_toml(folder / 'training.toml')\n"
        "print(scoring.train({path.stem: path for path in folder.glob('*.parquet')}, config=config).id)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, str(tmp_path)],
        capture_output=True, text=True, check=False, env={**os.environ, **environment},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == own_model.id


def test_files_give_the_bytes_of_frames(
    pair: Exports, quick: TrainingConfig, pair_model: scoring.Model, tmp_path: Path
) -> None:
    files = {}
    for when, contacts in pair.items():
        files[when] = tmp_path / f"{when:%Y-%m-%d}.csv"
        contacts.write_csv(files[when], datetime_format=ISO)
    assert train(files, config=quick).document == pair_model.document
    listed = train([str(path) for path in files.values()], config=quick)  # only where the date comes from is another
    assert body(listed) == body(pair_model)
    assert listed.provenance["fingerprint"] == pair_model.provenance["fingerprint"]


def test_rows_that_repeat_or_are_rejected_change_only_counts(
    pair: Exports, quick: TrainingConfig, pair_model: scoring.Model
) -> None:
    more = {
        when: pl.concat(
            [contacts, contacts.head(20), contacts.head(5).with_columns(total_inbound=pl.lit(-1, pl.Int64))]
        )
        for when, contacts in pair.items()
    }
    model = train(more, config=quick)
    assert body(model) == body(pair_model)
    assert model.provenance["fingerprint"] == pair_model.provenance["fingerprint"]
    assert model.provenance["labels"] == pair_model.provenance["labels"]
    for one, other in zip(model.provenance["exports"], pair_model.provenance["exports"], strict=True):
        assert (one["rows"], one["repeated"], one["rejected"]) == (other["rows"] + 25, 20, 5)


def test_fields_that_restate_the_outcome_change_nothing(
    pair: Exports, quick: TrainingConfig, pair_model: scoring.Model
) -> None:
    random = np.random.default_rng(1)
    noisy = {
        when: contacts.with_columns(
            received_reply=pl.Series(random.random(contacts.height) < 0.5),
            engagement_level=pl.Series(random.normal(size=contacts.height)),
            inbound_outbound_ratio=pl.Series(random.random(contacts.height) * 9),
            response_activity_id=pl.Series(random.integers(0, 10**9, contacts.height).astype(str)),
        )
        for when, contacts in pair.items()
    }
    model = train(noisy, config=quick)
    assert body(model) == body(pair_model)
    assert model.provenance["blend"] == pair_model.provenance["blend"]
    assert model.provenance["fingerprint"] != pair_model.provenance["fingerprint"]  # it is of all fields


@pytest.mark.parametrize("days", [-400, 3])
def test_a_shift_of_all_times_changes_no_scorecard(
    days: int, pair: Exports, quick: TrainingConfig, pair_model: scoring.Model
) -> None:
    moved = {
        when + days * DAY: contacts.with_columns(pl.col(pl.Datetime("us", "UTC")) + days * DAY)
        for when, contacts in pair.items()
    }
    assert body(train(moved, config=quick)) == body(pair_model)


def test_another_export_gives_another_model(pair: Exports, quick: TrainingConfig, pair_model: scoring.Model) -> None:
    (first, contacts), (second, later) = pair.items()
    wrote = later.with_columns(
        (pl.col(name) + (pl.int_range(pl.len()) % 5 == 0)).cast(pl.Int64)
        for name in ("total_inbound", "total_inbound_30d", "total_emails", "total_emails_30d")
    )
    model = train({first: contacts, second: wrote}, config=quick)
    assert body(model)["with_context"] != body(pair_model)["with_context"]
    assert model.provenance["fingerprint"] != pair_model.provenance["fingerprint"]


# ---- there and back -------------------------------------------------------------------------------------------------


def test_a_model_of_ones_own_comes_back_from_disk(own_model: scoring.Model, exports: Exports, tmp_path: Path) -> None:
    newest = max(exports)
    own_model.save(tmp_path / "own")
    loaded = scoring.load_model(tmp_path / "own")
    assert loaded.id == own_model.id
    assert loaded.document == own_model.document
    one, two = (
        scoring.score(exports[newest], as_of=newest, model=model) for model in (own_model, str(tmp_path / "own"))
    )
    assert_frame_equal(one, two, check_exact=True)
    assert one["problem"].null_count() == one.height


def flip(folder: Path) -> None:
    content = bytearray((folder / "model.json").read_bytes())
    content[len(content) // 2] ^= 1
    (folder / "model.json").write_bytes(content)


def rewrite(change: Callable[[bytes], bytes]) -> Callable[[Path], None]:
    def damage(folder: Path) -> None:
        document = change((folder / "model.json").read_bytes())
        (folder / "model.json").write_bytes(document)
        (folder / "SHA256SUMS").write_text(f"{sha256(document).hexdigest()}  model.json\n")

    return damage


DAMAGES: dict[str, tuple[Callable[[Path], None], str]] = {
    "one byte": (flip, "SHA-256"),
    "a renamed feature": (rewrite(lambda text: text.replace(b'"days_since_engaged"', b'"days_asleep"')), "days_asleep"),
    "a newer format": (rewrite(lambda text: text.replace(b'"format":1', b'"format":99')), "format 99"),
    "no document": (lambda folder: (folder / "model.json").unlink(), "model.json is missing"),
    "no sums": (lambda folder: (folder / "SHA256SUMS").unlink(), "SHA256SUMS is missing"),
}


@pytest.mark.parametrize("how", DAMAGES)
def test_a_damaged_model_of_ones_own_is_refused(how: str, own_model: scoring.Model, tmp_path: Path) -> None:
    assert "days_since_engaged" in body(own_model)["features"]
    own_model.save(tmp_path / "own")
    damage, named = DAMAGES[how]
    damage(tmp_path / "own")
    with pytest.raises(scoring.ModelError) as refused:
        scoring.load_model(tmp_path / "own")
    assert named in str(refused.value)
