"""One Monday on the command line: two exports of a simulated organisation, and every file that comes of them."""

from __future__ import annotations

import contextlib
import io
from datetime import timedelta
from pathlib import Path

import polars as pl
import pytest

from scoring.cli import main
from scoring.simulation import Settings, draw_organisation
from scoring.writing import write_frame

from .plain import Cells, Chain, Key, key_of

DAYS = 33  # between the exports: more than the window, so that the later one leaves something open
COMMANDS = {
    "score before": ["score", "{old}", "-o", "before.csv"],
    "score now": ["score", "{new}", "-o", "now.csv"],
    "lists": ["worklist", "now.csv", "--per-rep", "20", "--per-account", "3", "-o", "lists.csv"],
    "lists.json": ["worklist", "now.csv", "--per-rep", "20", "--per-account", "3", "--json"],
    "lists before": ["worklist", "before.csv", "--per-rep", "20", "--per-account", "3", "-o", "lists-before.csv"],
    "moves": ["compare", "before.csv", "now.csv", "-o", "moves.csv"],
    "moves.json": ["compare", "before.csv", "now.csv", "--json"],
    "review.json": ["review", "before.csv", "{new}", "--worklist", "lists-before.csv", "--json"],
    "review.txt": ["review", "before.csv", "{new}", "--worklist", "lists-before.csv"],
}


def say(*arguments: str) -> str:
    """Run a command; give what it shows."""
    with contextlib.redirect_stdout(io.StringIO()) as shown:
        assert main(list(arguments)) == 0
    return shown.getvalue()


@pytest.fixture(scope="session")
def chain(tmp_path_factory: pytest.TempPathFactory) -> Chain:
    """The folder of a Monday."""
    folder = tmp_path_factory.mktemp("monday")
    organisation = draw_organisation(49, Settings(rows=900, closed=False, one_row_a_contact=False, days=420))
    now = organisation.start + timedelta(days=350)
    then = now - timedelta(days=DAYS)
    old, new = organisation.export(then), organisation.export(now)
    # some rows are gone, two stand there twice
    new = pl.concat([new.filter(pl.int_range(pl.len()) % 53 != 5), new[[2, 9]]])
    names = {name: f"contacts-{when:%Y-%m-%d}.csv" for name, when in (("old", then), ("new", now))}
    write_frame(old, folder / names["old"])
    write_frame(new, folder / names["new"])
    truth: dict[Key, Cells] = {
        key_of(row): happened
        for row, happened in zip(old.to_dicts(), organisation.outcomes(then).to_dicts(), strict=True)
    }
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        for name, arguments in COMMANDS.items():
            shown = say(*(argument.format(**names) for argument in arguments))
            if "." in name:
                Path(name).write_text(shown, "utf-8")
    return Chain(folder, then, now, truth)
