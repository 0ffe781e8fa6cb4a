"""Numbers that the whole product agrees on, and the settings of training."""

from __future__ import annotations

import tomllib
from dataclasses import asdict, dataclass, field, fields, replace
from datetime import timedelta
from pathlib import Path
from typing import Any, Final, Literal

from scoring.errors import InputError

__all__ = [
    "EVIDENCE",
    "HORIZON",
    "HORIZON_DAYS",
    "SHIPPED_TIER_CUTS",
    "TARGETS",
    "TIERS",
    "Boosting",
    "Target",
    "TrainingConfig",
    "check_jobs",
]

HORIZON_DAYS: Final = 30
"""Every chance is for the days ``as_of <= t < as_of + 30``, as wide as the export's own `_30d` counts."""
HORIZON: Final = timedelta(days=HORIZON_DAYS)

Target = Literal["reply", "meeting", "answer", "engaged"]
TARGETS: Final[tuple[Target, ...]] = ("reply", "meeting", "answer", "engaged")
"""What is predicted; `engaged` is a reply or a meeting and gives the priority."""

TIERS: Final = ("A", "B", "C", "D")
SHIPPED_TIER_CUTS: Final = (0.50, 0.20, 0.05)
"""Least priority for A, B and C in a model that has seen no data of the customer's."""

EVIDENCE: Final = {"thin": 1, "enough": 3}
"""Least number of touches (mails both ways and meetings) for each level of evidence; below the first there is none."""


@dataclass(frozen=True)
class Boosting:
    """How one scorecard is learned: additive boosted trees.

    Attributes
    ----------
    iterations, leaves, least_rows, bins : int
        Trees, leaves of a tree, least rows in a leaf, most bins of a feature.
    learning_rate, shrinkage, tried : float
        Step of the boosting; L2 penalty on a leaf's value; share of the features that each split may choose from.
    """

    iterations: int = 100
    leaves: int = 5
    least_rows: int = 30
    bins: int = 96
    learning_rate: float = 0.1
    shrinkage: float = 5.0
    tried: float = 1.0


@dataclass(frozen=True)
class TrainingConfig:
    """Everything that decides a model beside its data.

    Attributes
    ----------
    seed : int
        For whatever is drawn: which contacts of very many are learned from.
    least_outcomes : int
        A target with fewer rows that did it, or fewer that did not, is left to the prior.
    most_rows : int
        So many rows of all exports together are kept at most, within chance; where there are more, one in 2, 3, ...
        contacts is drawn, the same in all exports (`scoring.sampling`). What stands beside a row (totals of its rep,
        account and contact) is always that of all rows.
    history_weight, step_back_weight : float
        Weight in the blend that pairs of exports, or the step-back of the newest one, get with very many outcomes; of
        what is left by the pairs, in the case of the step-back. The prior gets the rest.
    half_outcomes : int
        With so many outcomes a weight is half of that.
    boosting : Boosting
        How each scorecard is learned.

    Examples
    --------
    >>> print(TrainingConfig().to_toml())
    seed = 1
    least_outcomes = 20
    most_rows = 500000
    history_weight = 0.6
    step_back_weight = 0.3
    half_outcomes = 300
    <BLANKLINE>
    [boosting]
    iterations = 100
    leaves = 5
    least_rows = 30
    bins = 96
    learning_rate = 0.1
    shrinkage = 5.0
    tried = 1.0
    <BLANKLINE>
    """

    seed: int = 1
    least_outcomes: int = 20
    most_rows: int = 500_000
    history_weight: float = 0.6
    step_back_weight: float = 0.3
    half_outcomes: int = 300
    boosting: Boosting = field(default_factory=Boosting)

    def __post_init__(self) -> None:
        """Check that every number is one that training can use."""
        found = {**vars(self), **{f"boosting.{name}": value for name, value in vars(self.boosting).items()}}
        wrong = [name for name, (least, most) in _RANGES.items() if not _within(found[name], least, most)]
        if wrong:
            raise InputError(
                f"training settings out of range: {', '.join(f'{name} is {found[name]!r}' for name in wrong)}",
                expected="; ".join(f"{name} {_said(*_RANGES[name])}" for name in wrong),
            )
        # 1 and 1.0 are the same setting, and must be the same bytes in a model
        for name, (least, _) in _RANGES.items():
            if isinstance(least, float):
                owner = self.boosting if name.startswith("boosting.") else self
                object.__setattr__(owner, name.removeprefix("boosting."), float(found[name]))

    def to_toml(self) -> str:
        """Write the settings as TOML that `from_toml` reads back to the same settings."""
        flat = {name: value for name, value in asdict(self).items() if not isinstance(value, dict)}
        lines = [f"{name} = {value!r}" for name, value in flat.items()]
        return "\n".join([*lines, "", "[boosting]", *(f"{k} = {v!r}" for k, v in asdict(self.boosting).items()), ""])

    @classmethod
    def from_toml(cls, source: str | Path) -> TrainingConfig:
        """Read settings; what is not in them is as by default.

        Parameters
        ----------
        source : str or Path
            TOML text, or the path of a TOML file.

        Returns
        -------
        TrainingConfig

        Raises
        ------
        InputError
            If it is no TOML, or holds a setting that there is not.

        Examples
        --------
        >>> TrainingConfig.from_toml("seed = 7").seed
        7
        """
        try:
            content: dict[str, Any] = tomllib.loads(source.read_text("utf-8") if isinstance(source, Path) else source)
        except (OSError, ValueError) as error:
            why = error.strerror if isinstance(error, OSError) else error  # an OSError's own text holds the whole path
            raise InputError(f"the training settings cannot be read: {why}", expected="TOML") from error
        nested = content.pop("boosting", {})
        if not isinstance(nested, dict):
            raise InputError(f"boosting is {nested!r}", expected="a table, [boosting], of settings")
        unknown = sorted(set(content) - {f.name for f in fields(cls)})
        unknown += sorted(f"boosting.{name}" for name in set(nested) - {f.name for f in fields(Boosting)})
        if unknown:
            raise InputError(
                f"{len(unknown)} unknown training setting(s): {', '.join(unknown[:5])}",
                expected=", ".join(f.name for f in fields(cls)),
            )
        return cls(**content, boosting=replace(Boosting(), **nested))


_RANGES: Final[dict[str, tuple[float, float]]] = {
    "seed": (0, 2**32 - 1),
    "least_outcomes": (1, 10**9),
    "most_rows": (100, 10**9),
    "history_weight": (0.0, 1.0),
    "step_back_weight": (0.0, 1.0),
    "half_outcomes": (1, 10**9),
    "boosting.iterations": (1, 10**5),
    "boosting.leaves": (2, 10**5),
    "boosting.least_rows": (1, 10**9),
    "boosting.bins": (2, 255),
    "boosting.learning_rate": (1e-6, 10.0),
    "boosting.shrinkage": (0.0, 1e9),
    "boosting.tried": (1e-6, 1.0),
}
"""Least and most of each setting, both inclusive: what training and scikit-learn can use."""


def check_jobs(jobs: int) -> int:
    """Check a number of processes.

    Parameters
    ----------
    jobs : int
        1 or more, or -1 for one a core.

    Returns
    -------
    int
        The same.

    Raises
    ------
    InputError
        If it is no such number.

    Examples
    --------
    >>> check_jobs(2)
    2
    """
    if not _within(jobs, 1, 10**4) and jobs != -1:
        raise InputError(f"jobs is {jobs!r}", expected="1 or more processes, or -1 for one a core")
    return jobs


def _within(value: object, least: float, most: float) -> bool:
    kinds = (int, float) if isinstance(least, float) else int
    return isinstance(value, kinds) and not isinstance(value, bool) and least <= value <= most


def _said(least: float, most: float) -> str:
    return f"{'a number' if isinstance(least, float) else 'a whole number'} from {least:g} to {most:g}"
