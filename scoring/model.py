"""A model: scorecards for each target, what they were learned from, and how chances become percentiles and tiers.

On disk it is a folder: `model.json` (plain arrays and text; reading it runs no code), `SHA256SUMS` and a model card.
"""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import cache, cached_property
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from numpy.typing import NDArray

from scoring.config import HORIZON_DAYS, TARGETS, TIERS, Target
from scoring.dating import parse_as_of
from scoring.errors import ModelError
from scoring.features import FEATURES
from scoring.lines import plain
from scoring.paths import local_path
from scoring.rates import Rates
from scoring.reference import Reference
from scoring.scorecard import Floats, Lookup, Scorecard, from_dict, to_dict

if TYPE_CHECKING:
    from importlib.resources.abc import Traversable

__all__ = ["SHIPPED", "Model", "find_quantiles", "load_model"]

FORMAT: Final = 1
SHIPPED: Final = "shipped"

_DOCUMENT: Final = "model.json"
_CARD: Final = "CARD.md"
_SUMS: Final = "SHA256SUMS"
_PERCENTILE_STEPS: Final = 1000
_REGISTERED: Final = "models:/"
_DATED: Final = ("as_of", "until", "prior_learned_until")
_FORMULAS: Final = {feature.name: feature.formula for feature in FEATURES}
_OWN: Final = frozenset(feature.name for feature in FEATURES if not feature.needs_context)


@dataclass(frozen=True, eq=False)
class Model:
    """Everything that turns features into what a user reads.

    Attributes
    ----------
    name : str
        What people call it; a part of `id`.
    with_context, without_context : mapping of target to Scorecard
        One scorecard for each of the four targets, for rows beside the totals of an export and for rows alone.
        They are centred on the reference population, so a contribution reads "against the average contact".
    quantiles : numpy.ndarray
        The 999 inner per-mille quantiles of `priority` in the reference population, ascending.
    tier_cuts : tuple of float
        Least priority (inclusive) for tiers A, B and C, descending.
    provenance : mapping
        What it was learned from: seeds, settings, versions, dates of the data. No clock, no name of anyone.
    reference : Reference or None
        How features and chances lay in the reference population, so that drift can be seen; None in models of before.
    rates : Rates or None
        How many wrote or met, by what the facts said of them, to put beside reasons; None in models of before.
    """

    name: str
    with_context: Mapping[Target, Scorecard]
    without_context: Mapping[Target, Scorecard]
    quantiles: Floats
    tier_cuts: tuple[float, float, float]
    provenance: Mapping[str, Any]
    reference: Reference | None = None
    rates: Rates | None = None

    @cached_property
    def document(self) -> bytes:
        """The model as canonical JSON: the same model has the same bytes."""
        cards = (*self.with_context.values(), *self.without_context.values())
        used = sorted({name for card in cards for name in card.features})
        content = {
            "format": FORMAT,
            "name": self.name,
            "horizon_days": HORIZON_DAYS,
            "features": {name: _FORMULAS[name] for name in used},
            "with_context": {target: to_dict(self.with_context[target]) for target in TARGETS},
            "without_context": {target: to_dict(self.without_context[target]) for target in TARGETS},
            "quantiles": self.quantiles.tolist(),
            "tier_cuts": list(self.tier_cuts),
            "provenance": dict(self.provenance),
            **({} if self.reference is None else {"reference": self.reference.to_dict()}),
            **({} if self.rates is None else {"rates": self.rates.to_dict()}),
        }
        text = json.dumps(content, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)
        return text.encode() + b"\n"

    @cached_property
    def id(self) -> str:
        """Name and the first twelve digits of the document's SHA-256; it is in every scored row."""
        return f"{self.name}-{sha256(self.document).hexdigest()[:12]}"

    @cached_property
    def learned_until(self) -> datetime | None:
        """The newest date of own exports that it, or the prior it started from, learned from; None if of no own."""
        found = [parse_as_of(text) for text in _dates(dict(self.provenance))]
        return max(found, default=None)

    @cached_property
    def lookups(self) -> tuple[Lookup, Lookup]:
        """All targets at once, in the order of `TARGETS`: without a context, and with one."""
        each = (self.without_context, self.with_context)
        without, beside = (Lookup([cards[target] for target in TARGETS]) for cards in each)
        return without, beside

    def percentile(self, priority: Floats) -> Floats:
        """Share of the reference population that has a lower or equal priority.

        Parameters
        ----------
        priority : numpy.ndarray
            Chances.

        Returns
        -------
        numpy.ndarray
            0 to 100 in steps of a tenth.
        """
        below: Floats = self.quantiles.searchsorted(priority, side="right") / (_PERCENTILE_STEPS / 100)
        return below

    def tier(self, priority: Floats) -> NDArray[np.intp]:
        """Tier of each priority.

        Parameters
        ----------
        priority : numpy.ndarray
            Chances.

        Returns
        -------
        numpy.ndarray
            Positions in `TIERS`, 0 for A.
        """
        ascending = np.array(self.tier_cuts[::-1])
        return len(TIERS) - 1 - ascending.searchsorted(priority, side="right")

    def save(self, folder: str | Path, *, card: str = "") -> None:
        """Write the model into a folder: whole, or not at all.

        Parameters
        ----------
        folder : str or Path
            Made if it is not there. An older model in it goes, its card included; other files in it stay.
        card : str
            The model card, Markdown.

        Raises
        ------
        ModelError
            If the folder cannot be written to.
        """
        folder = local_path(folder)
        files = {_DOCUMENT: self.document, **({_CARD: card.encode()} if card else {})}
        sums = "".join(f"{sha256(content).hexdigest()}  {name}\n" for name, content in files.items())
        staged, old = (folder.with_name(f".{folder.name}.{name}") for name in ("part", "old"))
        try:
            for left in (staged, old):  # by a run that was killed
                shutil.rmtree(left, ignore_errors=True)
            staged.mkdir(parents=True)
            for name, content in {**files, _SUMS: sums.encode()}.items():
                (staged / name).write_bytes(content)
            if folder.exists() and set(os.listdir(folder)) <= {_DOCUMENT, _CARD, _SUMS}:
                folder.rename(old)
            if not folder.exists():
                staged.rename(folder)
                shutil.rmtree(old, ignore_errors=True)
                return
            for name in [*files, _SUMS]:  # until the sums are there, too, loading refuses the folder
                (staged / name).replace(folder / name)
            if not card:
                (folder / _CARD).unlink(missing_ok=True)
            staged.rmdir()
        except OSError as error:
            raise ModelError(
                f"the model cannot be saved in {folder.name!r} ({error.strerror})",
                expected="a folder that can be written to",
            ) from error


def find_quantiles(priority: Floats) -> Floats:
    """Find the inner per-mille quantiles of a reference population.

    Parameters
    ----------
    priority : numpy.ndarray
        Chances, at least one, in any order.

    Returns
    -------
    numpy.ndarray
        999 chances, ascending; each is the priority of some row.

    Examples
    --------
    >>> find_quantiles(np.array([0.2, 0.1]))[[0, 499, 500]]
    array([0.1, 0.1, 0.2])
    """
    places = -(-np.arange(1, _PERCENTILE_STEPS) * len(priority) // _PERCENTILE_STEPS) - 1  # in whole numbers: exact
    ordered: Floats = np.sort(priority)[places]
    return ordered


def load_model(source: Model | str | Path = SHIPPED) -> Model:
    """Load a model, or give back one that is loaded already.

    Parameters
    ----------
    source : Model, str or Path
        A folder that `Model.save` wrote; ``"shipped"`` for the model that comes with the package; or one of mlflow's
        registry, ``"models:/NAME@champion"`` or ``"models:/NAME/3"``.

    Returns
    -------
    Model

    Raises
    ------
    ModelError
        If a file is missing or changed, the format is newer than this version, or the features have another meaning.

    Examples
    --------
    >>> load_model().tier_cuts
    (0.5, 0.2, 0.05)
    """
    if isinstance(source, Model):
        return source
    if not isinstance(source, str | Path):
        raise ModelError(f"the model is given as {type(source).__name__}", expected="a Model, a folder or 'shipped'")
    if str(source) == SHIPPED:
        return _shipped()
    if str(source).startswith(_REGISTERED):
        from scoring.tracking import fetch_model  # the one look upward

        return fetch_model(str(source))
    return _load(local_path(source))


def _dates(told: object) -> Iterator[str]:
    """Find what a provenance says of the dates of own exports, wherever it says it."""
    if isinstance(told, dict):
        for name, value in told.items():
            if name in _DATED and isinstance(value, str):
                yield value
            else:
                yield from _dates(value)
    elif isinstance(told, list):
        for value in told:
            yield from _dates(value)


@cache
def _shipped() -> Model:
    here = Path(__file__).parent
    installed, checkout = here / "shipped_model", here.parent / "models" / "shipped"
    for folder in (installed, checkout):
        if folder.is_dir():
            return _load(folder)
    from importlib.resources import files  # the package is in a zip, as on a cluster

    return _load(files("scoring") / "shipped_model")


def _load(folder: Path | Traversable) -> Model:
    try:
        listed = [line.split(maxsplit=1) for line in (folder / _SUMS).read_text("utf-8").splitlines()]
        sums = {name: digest for digest, name in listed}
        if foreign := sorted(set(sums) - {_DOCUMENT, _CARD}):
            raise ValueError(f"{_SUMS} lists {foreign[0]!r}")
        files = {name: (folder / name).read_bytes() for name in {_DOCUMENT, *sums}}
    except (OSError, ValueError) as error:
        what = (
            f"{Path(error.filename or _DOCUMENT).name} is missing"
            if isinstance(error, FileNotFoundError)
            else "it is damaged"
        )
        raise ModelError(
            f"no whole model in {folder.name!r}: {what}",
            expected=f"a folder with {_DOCUMENT} and {_SUMS}",
            hint="pass a folder that model.save() wrote, or 'shipped'",
        ) from error
    for name, content in files.items():
        if sums.get(name) != sha256(content).hexdigest():
            raise ModelError(
                f"{name} of {folder.name!r} is not what was saved: its SHA-256 differs",
                hint="restore the file, or save the model again",
            )
    return _parse(files[_DOCUMENT])


def _parse(document: bytes) -> Model:
    try:
        content = json.loads(document)
    except (ValueError, RecursionError) as error:
        raise ModelError(f"{_DOCUMENT} is no JSON", hint="save the model again") from error
    if not isinstance(content, dict) or content.get("format") != FORMAT:
        found = content.get("format") if isinstance(content, dict) else None
        raise ModelError(f"model format {found}", expected=str(FORMAT), hint="install the version that wrote it")
    try:
        return _model(content)
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise ModelError(
            f"{_DOCUMENT} is damaged: {type(error).__name__} {error}", hint="save the model again"
        ) from error


def _model(content: dict[str, Any]) -> Model:
    """Build a model out of a document of this format, believing none of it."""
    features = dict(content["features"])
    changed = sorted(name for name, formula in features.items() if _FORMULAS.get(name) != formula)
    if changed:
        raise ModelError(
            f"{len(changed)} feature(s) with another meaning in this version: {', '.join(changed[:5])}",
            hint="train the model again with this version, or install the one that wrote it",
        )
    with_context, without_context = (
        {target: from_dict(content[which][target], known=known) for target in TARGETS}
        for which, known in (("with_context", list(features)), ("without_context", sorted(_OWN & set(features))))
    )
    first, second, third = (float(cut) for cut in content["tier_cuts"])
    quantiles = np.array(content["quantiles"], dtype=np.float64)
    if quantiles.shape != (_PERCENTILE_STEPS - 1,) or not (np.diff(quantiles, prepend=0, append=1) >= 0).all():
        raise ModelError("the reference quantiles are not 999 ascending chances", hint="save the model again")
    if not 1 >= first >= second >= third >= 0:
        raise ModelError("the tier cuts do not descend from 1 to 0", hint="save the model again")
    if content["horizon_days"] != HORIZON_DAYS:
        raise ModelError(f"a horizon of {content['horizon_days']} days", expected=str(HORIZON_DAYS))
    name, provenance = str(content["name"]), dict(content["provenance"])
    if name != plain(name):  # it is a part of every scored row, and is printed
        raise ModelError("the model's name holds control characters", hint="save the model under another name")
    told = "reference" in content  # models of before have none
    reference = Reference.from_dict(content["reference"], known=list(features)) if told else None
    rates = Rates.from_dict(content["rates"]) if "rates" in content else None
    return Model(name, with_context, without_context, quantiles, (first, second, third), provenance, reference, rates)
