"""What people write today: pandas, scikit-learn's boosted trees, and SHAP for the reasons. `speed.py` runs it.

    python benchmarks/usual.py fit MODELS                     learn four classifiers from a simulated organisation
    python benchmarks/usual.py score SOURCE TARGET MODELS     read, compute features, predict four times, write
    python benchmarks/usual.py explain SOURCE MODELS ROWS     print the CPU seconds that SHAP takes for one row

Written to be quick as such scripts go: times are parsed without a format (in pandas the faster way here), totals by
`groupby().transform()`, default parsers and default classifiers.
"""

from __future__ import annotations

import sys
import time
from pathlib import Path

import joblib
import numpy as np
import pandas as pd
from sklearn.ensemble import HistGradientBoostingClassifier

OUTCOMES = {"reply": "replied", "meeting": "met", "answer": "answered", "priority": "engaged"}
TIMES = (
    "first_inbound_time", "last_inbound_time", "first_outbound_time", "last_outbound_time", "first_engaged_time",
    "last_engaged_time", "first_upcoming_meeting_time",
)  # fmt: skip
COUNTS = ("inbound", "outbound", "meetings", "time_spent", "emails")


def read(source: str) -> pd.DataFrame:
    if source.endswith(".parquet"):
        return pd.read_parquet(source)
    contacts = pd.read_csv(source)
    for name in TIMES:
        contacts[name] = pd.to_datetime(contacts[name], utc=True)
    return contacts


def features(contacts: pd.DataFrame) -> np.ndarray:
    as_of = contacts[list(TIMES[:6])].max().max()
    columns = [(as_of - contacts[name]).dt.total_seconds() / 86_400 for name in TIMES]
    for name in COUNTS:
        total, recent = contacts[f"total_{name}"], contacts[f"total_{name}_30d"]
        columns += [np.log1p(total), np.log1p(recent), (recent + 0.5) / (total + 1), total / (columns[4] + 30)]
    inbound, outbound = contacts["total_inbound"], contacts["total_outbound"]
    columns += [(inbound + 1) / (outbound + 1), columns[1] - columns[3], contacts["from_cc"].astype(float)]
    for key in ("source_email", "account_domain", "email"):
        group = contacts.groupby(key)
        columns.append(group[key].transform("size"))
        columns += [group[f"total_{name}_30d"].transform("sum") for name in ("inbound", "outbound", "meetings")]
    return np.column_stack([column.to_numpy(np.float32) for column in columns])


def fit(models: str) -> None:
    from scoring.simulation import Settings, draw_organisation

    organisation = draw_organisation(4, Settings(rows=40_000, closed=False, one_row_a_contact=False, days=700))
    when = organisation.dates(1)[0]
    x, outcomes = features(organisation.export(when).to_pandas()), organisation.outcomes(when)
    learned = {}
    for name, column in OUTCOMES.items():
        known = outcomes["contacted"].to_numpy() if name == "answer" else np.ones(len(x), dtype=bool)
        learned[name] = HistGradientBoostingClassifier().fit(x[known], outcomes[column].to_numpy()[known])
    joblib.dump(learned, models)


def score(source: str, target: str, models: str) -> None:
    contacts, learned = read(source), joblib.load(models)
    x = features(contacts)
    for name, model in learned.items():
        contacts[f"{name}_probability"] = model.predict_proba(x)[:, 1]
    contacts["percentile"] = contacts["priority_probability"].rank(pct=True) * 100
    contacts["tier"] = pd.cut(contacts["priority_probability"], [-1, 0.05, 0.2, 0.5, 1], labels=list("DCBA"))
    if target.endswith(".parquet"):
        contacts.to_parquet(target, index=False)
    else:
        contacts.to_csv(target, index=False)


def explain(source: str, models: str, rows: str) -> None:
    import shap

    x = features(read(source))[: int(rows)]
    explainer = shap.TreeExplainer(joblib.load(models)["priority"])
    explainer.shap_values(x[:5])  # what is done once is not counted
    began = time.process_time()
    explainer.shap_values(x)
    print((time.process_time() - began) / len(x))


if __name__ == "__main__":
    what, *given = sys.argv[1:]
    {"fit": fit, "score": score, "explain": explain}[what](*(str(Path(one)) for one in given))
