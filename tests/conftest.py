"""What all tests share: simulated organisations, drawn once."""

from __future__ import annotations

import os

# One thread for scikit-learn: its spinning threads cost more than they gain on busy cores.
os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")

from datetime import datetime  # noqa: E402
from pathlib import Path  # noqa: E402

import polars as pl  # noqa: E402
import pytest  # noqa: E402

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
