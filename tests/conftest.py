"""What all tests share: a simulated organisation, its export in many forms, scores of it, and a small model."""

from __future__ import annotations

import os

# One thread for scikit-learn: its spinning threads cost more than they gain on busy cores.
os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")

from datetime import datetime, timedelta  # noqa: E402
from pathlib import Path  # noqa: E402

import polars as pl  # noqa: E402
import pytest  # noqa: E402

import scoring  # noqa: E402
from scoring.config import Boosting, TrainingConfig  # noqa: E402
from scoring.shipped import Recipe, train_shipped  # noqa: E402
from scoring.simulation import Organisation, Settings, draw_organisation  # noqa: E402


@pytest.fixture(scope="session")
def organisation() -> Organisation:
    return draw_organisation(11, Settings(rows=800, closed=False, one_row_a_contact=False, days=400))


@pytest.fixture(scope="session")
def when(organisation: Organisation) -> datetime:
    return organisation.dates(3)[-1]


@pytest.fixture(scope="session")
def contacts(organisation: Organisation, when: datetime) -> pl.DataFrame:
    return organisation.export(when)


@pytest.fixture(scope="session")
def export_csv(contacts: pl.DataFrame, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("export") / "contacts.csv"
    contacts.write_csv(path, datetime_format="%Y-%m-%dT%H:%M:%SZ")
    return path


@pytest.fixture(scope="session")
def context(contacts: pl.DataFrame, when: datetime) -> scoring.Context:
    return scoring.build_context(contacts, as_of=when)


@pytest.fixture(scope="session")
def scored(contacts: pl.DataFrame, when: datetime) -> pl.DataFrame:
    return scoring.score(contacts, as_of=when)


@pytest.fixture(scope="session")
def small_recipe() -> Recipe:
    return Recipe(organisations=3, dates=1, rows=400, iterations=15, least_rows=40)


@pytest.fixture(scope="session")
def small_model(small_recipe: Recipe) -> scoring.Model:
    return train_shipped(small_recipe)


@pytest.fixture(scope="session")
def empty_store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """mlflow's database without a run: to make one takes seconds, to copy it none."""
    path = tmp_path_factory.mktemp("store") / "mlflow.db"
    with pytest.raises(scoring.ModelError):
        scoring.promote(1, name="nobody", tracking_uri=f"sqlite:///{path}")
    return path


@pytest.fixture(scope="session")
def suppressed() -> str:
    """Whom nobody may score: the one address in `messy_csv` that is suppressed."""
    return "objector@left-out.example"


@pytest.fixture(scope="session")
def messy_csv(contacts: pl.DataFrame, suppressed: str, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An export of 20 rows: the 2 first of them suppressed, then one row for each thing that can be wrong."""
    text = pl.read_csv(contacts.head(20).write_csv(datetime_format="%Y-%m-%dT%H:%M:%SZ").encode(), infer_schema=False)
    rows = [
        row | {"crm_id": f"00{number}", "source_email": "rep@our.example"} for number, row in enumerate(text.to_dicts())
    ]
    rows[0] |= {"email": suppressed, "total_inbound": "many"}
    rows[1] |= {"email": suppressed.upper()}
    rows[2] |= {"total_inbound": "many"}
    rows[3] |= {"last_inbound_time": "yesterday"}
    rows[4] |= {"crm_id": None, "email": None}
    rows[5] |= {"total_outbound": "-3"}
    engaged = [f"last_{channel}_time" for channel in ("inbound", "outbound", "engaged")]
    rows[6] |= dict.fromkeys(engaged, "2018-01-02T00:00:00Z")
    rows[7] = rows[6] | dict.fromkeys(engaged, "2001-01-01T00:00:00Z") | {"total_inbound": "99"}
    rows[9] = dict(rows[8])
    rows[10] |= {"total_inbound": "1", "total_inbound_30d": "7"}
    path = tmp_path_factory.mktemp("messy") / "messy.csv"
    pl.DataFrame(rows, schema=text.schema).write_csv(path)
    return path


@pytest.fixture(scope="session")
def exports() -> dict[datetime, pl.DataFrame]:
    """Four exports of one lively organisation, 30 days apart: all targets can be learned from all sources."""
    organisation = draw_organisation(17, Settings(rows=400, closed=False, one_row_a_contact=False, days=400))
    newest = organisation.start + timedelta(days=330)
    return {when: organisation.export(when) for when in (newest - timedelta(days=days) for days in (90, 60, 30, 0))}


@pytest.fixture(scope="session")
def quick() -> TrainingConfig:
    """Few trees: enough to learn something, in a tenth of the time."""
    return TrainingConfig(boosting=Boosting(iterations=20))


@pytest.fixture(scope="session")
def own_model(exports: dict[datetime, pl.DataFrame], quick: TrainingConfig) -> scoring.Model:
    return scoring.train(exports, config=quick)
