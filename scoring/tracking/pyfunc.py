r"""The model as mlflow serves it: contacts in as records, scores out as JSON can hold them.

What is logged is the model's own folder and the name of this module: nothing is pickled, and nothing of the data goes
along. `mlflow.pyfunc.load_model` and `mlflow models serve` call `_load_pyfunc`. To serve on this machine alone::

    export MLFLOW_TRACKING_URI=sqlite:///mlflow.db MLFLOW_DISABLE_TELEMETRY=true
    mlflow models serve -m models:/scoring@champion --env-manager local -h 127.0.0.1 -p 5055
    curl 127.0.0.1:5055/invocations -H "Content-Type: application/json" -d \
      '{"dataframe_records": [{"crm_id": "1", "total_inbound": 3}], "params": {"as_of": "2026-01-05"}}'

What mlflow itself refuses it may show in its answer, rows included: its log is as private as the contacts.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import polars as pl

from scoring import __version__, schema
from scoring.errors import InputError
from scoring.intake import take_in
from scoring.model import Model, load_model
from scoring.prediction import score_intake
from scoring.reading.frames import table_of

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["DATA", "ServedModel", "save_served"]

_FOLDER: Final = "model"
DATA: Final = f"data/{_FOLDER}"
"""Where in what `save_served` saves the model's own folder is."""

_AS_OF: Final = "as_of"
_WHOLE: Final = "whole_export"


class ServedModel:
    """Scores pandas frames as mlflow hands them over.

    Parameters
    ----------
    model : Model
        What to score with.
    """

    def __init__(self, model: Model) -> None:
        self._model = model

    def predict(self, model_input: pd.DataFrame, params: dict[str, Any] | None = None) -> pd.DataFrame:
        """Score contacts.

        Parameters
        ----------
        model_input : pandas.DataFrame
            Fields of the export as columns, in any types; a column `as_of`, the same in all rows, may say the date.
        params : dict, optional
            ``as_of``: the date, needed for records; ``whole_export``: the rows are a whole export, so that the totals
            of reps and accounts can be had from them (default: they are records that come alone).

        Returns
        -------
        pandas.DataFrame
            The columns that scoring adds, one row for each row: numbers, text and None.

        Raises
        ------
        InputError
            If the date is not said, or said in two ways.
        """
        import pandas as pd

        said = {_AS_OF: None, _WHOLE: False} | (params or {})
        table = table_of(model_input, "pandas")
        when = _date(table, said[_AS_OF])
        contacts = table.drop(_AS_OF, strict=False)
        taken = take_in(contacts if said[_WHOLE] else contacts.to_dicts(), as_of=when)
        scored = score_intake(taken, self._model)
        plain = scored.with_columns(pl.col(_AS_OF).dt.strftime("%FT%TZ"), pl.col("tier", "evidence").cast(pl.String))
        return pd.DataFrame(plain.to_dict(as_series=False), dtype=object)


def _date(table: pl.DataFrame, given: str | None) -> str | None:
    """Find the date in the parameter or the column."""
    found = [] if given is None else [given]
    if _AS_OF in table.columns:
        found += [str(value) for value in table[_AS_OF].drop_nulls().unique(maintain_order=True).to_list()]
    if len(set(found)) > 1:
        raise InputError(
            f"{len(set(found))} dates for one request", expected="one as_of", hint="send a request for each date"
        )
    return found[0] if found else None


def _load_pyfunc(path: str) -> ServedModel:
    """Load what `save_served` has saved; mlflow looks for this name."""
    return ServedModel(load_model(path))


def save_served(model: Model, folder: Path, *, card: str = "") -> None:
    """Save a model so that mlflow can serve it.

    Parameters
    ----------
    model : Model
        What to save.
    folder : Path
        Where to; it must not be there. The model as `Model.save` writes it is in ``data/model``.
    card : str
        The model card, Markdown.

    Notes
    -----
    Every field may be left out and may come in any type. With exact types mlflow refuses what clients really send
    (whole numbers where it wants fractions, times, numbers as text) before scoring sees it, and its refusal shows the
    rows; here each cell is read as in a file. The price: mlflow's server takes JSON for such columns, and no CSV.
    """
    import mlflow.pyfunc
    from mlflow.models import ModelSignature
    from mlflow.types import ColSpec, ParamSchema, ParamSpec, Schema
    from mlflow.types.schema import AnyType

    model.save(folder.parent / _FOLDER, card=card)
    names, anything = [*schema.NAMES, _AS_OF], AnyType()  # type: ignore[no-untyped-call]
    signature = ModelSignature(
        inputs=Schema([ColSpec(anything, name, required=False) for name in names]),
        params=ParamSchema([ParamSpec(_AS_OF, "string", None), ParamSpec(_WHOLE, "boolean", False)]),
    )
    mlflow.pyfunc.save_model(
        path=folder,
        loader_module=__name__,
        data_path=os.fspath(folder.parent / _FOLDER),
        signature=signature,
        pip_requirements=[f"contact-scoring[mlflow]=={__version__}"],
    )
