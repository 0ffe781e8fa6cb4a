"""Scorecards: additive models as one small table for each feature.

The log-odds of a row are the intercept plus one number out of each table, so the numbers *are* the reasons. A weighted
sum of scorecards is a scorecard, and so is a calibrated one: however a model was trained, what is kept is always this.

Scoring adds the tables in the order of their names, one after another, with nothing but IEEE additions, and the
logistic function is made of IEEE operations too. A row's score is therefore the same to the last bit alone or among a
million others, and on every processor (`numpy.exp` promises neither).
"""

from __future__ import annotations

from scoring.scorecard.algebra import calibrate, centre, count_bins, simplify, weighted_sum
from scoring.scorecard.card import Scorecard
from scoring.scorecard.document import from_dict, to_dict
from scoring.scorecard.learning import compile_classifier, fit_calibration
from scoring.scorecard.lookup import Lookup, logistic, logistic_of_one
from scoring.scorecard.single import SingleLookup
from scoring.scorecard.table import Bins, Columns, Floats, Table

__all__ = [
    "Bins",
    "Columns",
    "Floats",
    "Lookup",
    "Scorecard",
    "SingleLookup",
    "Table",
    "calibrate",
    "centre",
    "compile_classifier",
    "count_bins",
    "fit_calibration",
    "from_dict",
    "logistic",
    "logistic_of_one",
    "simplify",
    "to_dict",
    "weighted_sum",
]
