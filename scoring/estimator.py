"""The scikit-learn face: a classifier over contact frames, for cross-validation, searches over settings and pipelines.

This is the one module that loads scikit-learn when it is imported, since an estimator has to be one of its classes; it
is imported when `scoring.ScoringClassifier` is first used.
"""

from __future__ import annotations

from dataclasses import fields
from datetime import date, datetime
from pathlib import Path
from typing import Any, Final

import numpy as np
import polars as pl
from numpy.typing import NDArray
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.utils.validation import check_is_fitted

from scoring.blending import start_blend
from scoring.boosting import boost
from scoring.config import TARGETS, Boosting, Target, TrainingConfig
from scoring.context import Context
from scoring.errors import InputError
from scoring.features import compute, observe
from scoring.intake import Intake, take_in
from scoring.model import SHIPPED, Model, load_model
from scoring.scorecard import Floats, Scorecard, centre, count_bins, logistic, weighted_sum

__all__ = ["ScoringClassifier"]

_OUTCOME: Final = "outcome"


class ScoringClassifier(ClassifierMixin, BaseEstimator):  # type: ignore[misc]
    """Learn one target from contacts whose outcome is known: a scorecard, blended with that of a prior model.

    Parameters
    ----------
    target : {"reply", "meeting", "answer", "engaged"}
        What `y` says; it chooses the scorecard of the prior.
    as_of : datetime, date or str, optional
        The date of the rows: features are of what was known before it, outcomes of the 30 days from it (inclusive) on.
        Naive means UTC. By default the context's, else inferred from the rows given, to `fit` and to `predict` each;
        parts of an export infer dates of their own, so give it, or a context, to cross-validate. For rows of another
        date set it anew: ``classifier.set_params(as_of=...)``.
    context : Context, str or Path, optional
        Totals of the whole export that the rows are of, or the file that holds them. By default rows are looked at
        alone, and none of them changes the chances of another.
    prior : Model, str or Path
        The model to start from.
    prior_weight : float, optional
        What its log-odds count for, from 0 to 1. By default 1 below 20 outcomes (rows that did it or rows that did not,
        whichever are fewer), and less the more there are, as in `scoring.train`.
    seed : int
        For the features that splits choose from.
    iterations, leaves, least_rows, bins, learning_rate, shrinkage, tried
        How the scorecard is learned, as in `scoring.config.Boosting`.

    Attributes
    ----------
    scorecard_ : Scorecard
        The blend. It is centred on the rows of `fit`: a contribution reads "against their mean".
    prior_weight_ : float
        The weight of the prior in it.
    classes_ : numpy.ndarray
        0 and 1, or False and True, as `y` was given; both, also where `y` holds only one of them.
    n_features_in_, feature_names_in_ : int, numpy.ndarray
        Number and names of the columns of `fit`. Later rows may have others: they are read by name, as everywhere.

    Notes
    -----
    The totals of a context hold what had happened by its date, and nothing of what followed. So the context of the
    whole export lets no fold see an outcome of another, and each row has the features with which it will be scored.
    Totals of the rows of a fold would be smaller than those in use, and those of other folds would lack the row itself.

    Rows of one contact, and of one rep, are alike: let `groups` (say, ``source_email``) keep them in one fold.

    Examples
    --------
    >>> from sklearn.model_selection import cross_val_score
    >>> import scoring
    >>> from scoring.simulation import Settings, draw_organisation
    >>> organisation = draw_organisation(3, Settings(rows=300))
    >>> when = organisation.dates()[0]
    >>> export, replied = organisation.export(when), organisation.outcomes(when)["replied"]
    >>> classifier = ScoringClassifier(context=scoring.build_context(export, as_of=when))
    >>> bool(cross_val_score(classifier, export, replied, cv=3, scoring="roc_auc").mean() > 0.6)
    True
    """

    def __init__(
        self,
        *,
        target: Target = "reply",
        as_of: datetime | date | str | None = None,
        context: Context | str | Path | None = None,
        prior: Model | str | Path = SHIPPED,
        prior_weight: float | None = None,
        seed: int = 1,
        iterations: int = 100,
        leaves: int = 5,
        least_rows: int = 30,
        bins: int = 96,
        learning_rate: float = 0.1,
        shrinkage: float = 5.0,
        tried: float = 1.0,
    ) -> None:
        # as scikit-learn wants it: kept as given, looked at when fitting
        self.target = target
        self.as_of = as_of
        self.context = context
        self.prior = prior
        self.prior_weight = prior_weight
        self.seed = seed
        self.iterations = iterations
        self.leaves = leaves
        self.least_rows = least_rows
        self.bins = bins
        self.learning_rate = learning_rate
        self.shrinkage = shrinkage
        self.tried = tried

    def fit(self, X: Any, y: Any) -> ScoringClassifier:  # noqa: N803
        """Learn from contacts and what they did.

        Parameters
        ----------
        X : frame or records
            Contacts as `scoring.score` takes them, one row for each contact of a rep, all of one date.
        y : array-like of int or bool
            One a row: 1 if it happened in the 30 days from `as_of` on, 0 if it did not. Open ones (null) are refused.

        Returns
        -------
        ScoringClassifier
            This one. The same rows give the same scorecard in any order.

        Raises
        ------
        InputError
            If a parameter is out of its range, a row cannot be used, or an outcome is neither 0 nor 1.
        """
        config, card = self._config(), self._prior_card()
        taken = self._take_in(X)
        features = self._features(taken)
        outcome, self.classes_ = _outcomes(y, features.height)
        fewer = int(min(outcome.sum(), (~outcome).sum()))
        self.prior_weight_ = self._weigh(fewer, config)
        if self.prior_weight_ < 1:
            if not fewer:
                raise InputError(f"all {len(outcome)} outcomes are the same", expected="some 0 and some 1")
            # scikit-learn learns other last bits from rows in another order
            names = features.columns
            rows = features.with_columns(pl.Series(_OUTCOME, outcome)).sort(_OUTCOME, *names, nulls_last=True)
            own = boost(rows, rows[_OUTCOME].to_numpy(), names, config.boosting, seed=config.seed)
            card = weighted_sum([card, own], [self.prior_weight_, 1 - self.prior_weight_])
        self.scorecard_ = centre(card, count_bins(card, features))
        self.n_features_in_ = taken.export.source.width
        self.feature_names_in_ = np.array(taken.export.source.columns, dtype=object)
        return self

    def decision_function(self, X: Any) -> Floats:  # noqa: N803
        """Compute log-odds.

        Parameters
        ----------
        X : frame or records
            As for `fit`.

        Returns
        -------
        numpy.ndarray
            One a row.

        Raises
        ------
        InputError
            If a row cannot be used.
        """
        check_is_fitted(self)
        return self.scorecard_.log_odds(self._features(self._take_in(X)))

    def predict_proba(self, X: Any) -> Floats:  # noqa: N803
        """Compute chances.

        Parameters
        ----------
        X : frame or records
            As for `fit`.

        Returns
        -------
        numpy.ndarray
            Shape (rows, 2): of it not happening, and of it happening.

        Raises
        ------
        InputError
            If a row cannot be used.
        """
        chance = logistic(self.decision_function(X))
        return np.column_stack([1 - chance, chance])

    def predict(self, X: Any) -> NDArray[Any]:  # noqa: N803
        """Say for each row which is likelier.

        Parameters
        ----------
        X : frame or records
            As for `fit`.

        Returns
        -------
        numpy.ndarray
            Of `classes_`; the second where its chance is above one half.

        Raises
        ------
        InputError
            If a row cannot be used.
        """
        above: NDArray[np.intp] = (self.decision_function(X) > 0).astype(np.intp)
        chosen: NDArray[Any] = self.classes_[above]
        return chosen

    def __sklearn_tags__(self) -> Any:
        """Say to scikit-learn that rows are contacts, and that there are two classes."""
        tags = super().__sklearn_tags__()
        tags.classifier_tags.multi_class = False
        tags.input_tags.string = True
        tags.input_tags.allow_nan = True
        tags.no_validation = True  # contacts are read by this package's rules
        return tags

    def _config(self) -> TrainingConfig:
        chosen = {field.name: _plain(getattr(self, field.name)) for field in fields(Boosting)}
        return TrainingConfig(seed=_plain(self.seed), boosting=Boosting(**chosen))

    def _prior_card(self) -> Scorecard:
        if self.target not in TARGETS:
            raise InputError(f"the target is {self.target!r}", expected=", ".join(TARGETS))
        prior = load_model(self.prior)
        return (prior.without_context if self.context is None else prior.with_context)[self.target]

    def _weigh(self, outcomes: int, config: TrainingConfig) -> float:
        if self.prior_weight is None:
            return start_blend(self.target, outcomes, 0, config).prior if outcomes >= config.least_outcomes else 1.0
        weight = _plain(self.prior_weight)
        if isinstance(weight, bool) or not isinstance(weight, int | float) or not 0 <= weight <= 1:
            raise InputError(f"prior_weight is {weight!r}", expected="a number from 0 to 1")
        return float(weight)

    def _take_in(self, contacts: object) -> Intake:
        taken = take_in(contacts, as_of=self.as_of, context=self.context)
        problems = taken.checked.problem.drop_nulls()
        if problems.len():
            rules = problems.str.split(":").list.first().unique().sort().to_list()
            raise InputError(
                f"{problems.len()} of {taken.rows} rows cannot be used ({', '.join(rules)})",
                expected="rows that can be scored",
                hint="leave them out; scoring.score tells them by their problem",
            )
        return taken

    def _features(self, taken: Intake) -> pl.DataFrame:
        beside = None if self.context is None else taken.context
        return compute(observe(taken.export.table, taken.as_of.when, beside))


def _plain(value: Any) -> Any:
    """Put a number of numpy's, as searches over parameters give it, as one of Python's."""
    return value.item() if isinstance(value, np.generic) else value


def _outcomes(y: Any, rows: int) -> tuple[NDArray[np.bool_], NDArray[Any]]:
    """Read the outcomes; return them, and what stands for no and for yes."""
    given = np.asarray(y)
    if given.shape != (rows,):
        raise InputError(f"outcomes of shape {given.shape} for {rows} rows", expected="one a row")
    if given.dtype == object:  # so numbers come that have nulls among them
        known = np.array([isinstance(one, bool | int | float | np.generic) and one in (0, 1) for one in given], bool)
    else:
        known = np.isin(given, (0, 1)) if given.dtype.kind in "biuf" else np.zeros(rows, bool)
    if not known.all():
        raise InputError(
            f"{int((~known).sum())} of {rows} outcomes are neither 0 nor 1",
            expected="one known outcome a row",
            hint="leave out the rows whose outcome is open, in X and in y",
        )
    said = given.dtype.kind == "b" or (given.dtype == object and all(isinstance(one, bool | np.bool_) for one in given))
    return given.astype(bool), np.array([False, True] if said else [0, 1])
