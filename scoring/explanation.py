"""One contact whole: every contribution to each of its chances, from the base rate to the chance."""

from __future__ import annotations

import math
import textwrap
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from typing import Any, Final

import numpy as np
import polars as pl

from scoring.bars import ASCII, BLOCKS, draw_steps
from scoring.config import HORIZON_DAYS, TARGETS, TIERS, Target
from scoring.errors import InputError
from scoring.features import FEATURES, Columns, Fact, look
from scoring.model import SHIPPED, Model, load_model
from scoring.percentages import in_percent
from scoring.rates import Rates
from scoring.reasons import LEAST, Explainer
from scoring.scorecard import logistic
from scoring.standing import Standing, read_standing
from scoring.wording import LADDERS, percent

__all__ = ["QUESTIONS", "START", "TYPICAL", "Explanation", "explain_contact"]

QUESTIONS: Final = {
    "priority": "a reply or a meeting",
    "reply": "a mail from the contact",
    "meeting": "a meeting",
    "answer": "a mail from the contact after the rep writes, if the rep writes",
}
"""What each chance is the chance of, within 30 days; `priority` first."""
START: Final = "all contacts, on average"
TYPICAL: Final = "a typical contact: a few {} chances {} that average"
"""Scorecards add log-odds to those of the average contact, whose chance is not the average of all chances."""

_START, _TYPICAL = "start", "typical"
_WHAT_RATES_ARE: Final = (
    "Rates are of all such contacts, whatever else is true of them, and a bar is what the fact adds where all else is "
    "equal, so they need not agree. Counted in {}."
)
_FEATURES: Final = {feature.name: feature for feature in FEATURES}
_TARGETS: Final = {"priority": "engaged", "reply": "reply", "meeting": "meeting", "answer": "answer"}
_WHO: Final = ("first_name", "last_name", "account_name", "email", "crm_id", "source_email")
_PARTS: Final = {"fact": pl.String, "sentence": pl.String, "rate": pl.Float64, "log_odds": pl.Float64}
_WIDE: Final = 84
_LEFT: Final = 6
_CHANCE: Final = 5


@dataclass(frozen=True, eq=False)
class Explanation:
    """Why the chances of one contact of one rep are what they are.

    Attributes
    ----------
    who : mapping
        First and last name, account, address, `crm_id` and rep (`source_email`) of the row; None where unknown.
    as_of : datetime
        In UTC.
    model_id : str
        By which model.
    tier : str
        A to D.
    parts : polars.DataFrame
        For each of `priority`, `reply`, `meeting` and `answer` (`target`) what its log-odds are made of, in order
        (`place`, from 0): the base rate (``start``), which is the mean chance in the model's reference population, and
        from there to the average contact (``typical``; a model of before, which has no reference, starts with it), then
        one row a fact, the strongest first. `fact` and, in words with the row's own figure, `sentence`; `log_odds` that
        it adds; `total` so far, and the `chance` that goes with it: of the last one, the chance of the contact. `rate`:
        for `priority`, the share of all contacts of whom the sentence is true that replied or met; null where that is
        not known.
    reps : polars.DataFrame
        All reps who have the contact: `source_email`, `priority`, `tier`, the highest first.
    note : str or None
        What has to be known beside it.
    overall : float or None
        The share of all contacts that replied or met, to hold rates against; None where there are none.
    counted_in : str or None
        What rates were counted in.
    """

    who: dict[str, str | None]
    as_of: datetime
    model_id: str
    tier: str
    parts: pl.DataFrame
    reps: pl.DataFrame
    note: str | None = None
    overall: float | None = None
    counted_in: str | None = None

    def to_dict(self) -> dict[str, Any]:
        """Return it as plain values, ready for JSON."""
        told = {
            "as_of": f"{self.as_of:%Y-%m-%dT%H:%M:%SZ}",
            "parts": self.parts.to_dicts(),
            "reps": self.reps.to_dicts(),
        }
        return {**vars(self), **told}

    def to_text(self, target: str = "priority", width: int = 100, ascii_only: bool = False) -> str:
        """Return a chance as a chart of bars for a terminal.

        Parameters
        ----------
        target : str
            One of `QUESTIONS`.
        width : int
            Letters of a line, 40 or more; below 84 each sentence stands above its bar.
        ascii_only : bool
            Whether there are no other letters than those of ASCII for the bars.

        Returns
        -------
        str
            Facts that add less than 0.1 either way are told together. Below the chart of `priority` stands what its
            rates are.

        Raises
        ------
        InputError
            If there is no such target.
        """
        if target not in QUESTIONS:
            raise InputError(f"there is no target {target!r}", expected=", ".join(QUESTIONS))
        width = max(width, 40)
        first, *rows = self.parts.filter(target=target).rows(named=True)
        is_told = [row["fact"] == _TYPICAL or abs(row["log_odds"]) >= LEAST for row in rows]
        steps = [(row["log_odds"], self._sentence(row)) for row, told in zip(rows, is_told, strict=True) if told]
        weak = [row["log_odds"] for row, told in zip(rows, is_told, strict=True) if not told]
        if weak:
            steps.append((sum(weak), f"{len(weak)} other fact{'s' if len(weak) > 1 else ''} together"))
        cells = width // 4 if width >= _WIDE else width - 2 * _LEFT - _CHANCE
        marks = ASCII if ascii_only else BLOCKS
        bars = draw_steps(first["log_odds"], [step for step, _ in steps], cells, marks)
        totals = np.cumsum([first["log_odds"], *(step for step, _ in steps)])
        chance = in_percent(self.parts.filter(target=target)["chance"][-1])
        chances = [*map(in_percent, logistic(totals)), chance]
        told = [first["sentence"], *(sentence for _, sentence in steps), f"chance of {QUESTIONS[target]}"]
        amounts = ["", *(f"{step:+.2f}" for step, _ in steps), ""]
        head = f"{target}: {chance} chance of {QUESTIONS[target]} in the {HORIZON_DAYS} days from {self.as_of:%Y-%m-%d}"
        charted = zip(amounts, bars, chances, told, strict=True)
        lines = [line for row in charted for line in _line(*row, width)]
        has_rates = any(told and row["rate"] is not None for row, told in zip(rows, is_told, strict=True))
        below = ["", *textwrap.wrap(_WHAT_RATES_ARE.format(self.counted_in), width)] if has_rates else []
        return "\n".join([*textwrap.wrap(head, width, subsequent_indent="  "), "", *lines, *below])

    def _sentence(self, row: Mapping[str, Any]) -> str:
        """Say a fact, and the rate behind it."""
        if row["rate"] is None or self.overall is None:
            return str(row["sentence"])
        of_all = percent(self.overall)
        return f"{row['sentence']}: {percent(row['rate'])} of such contacts replied or met, against {of_all} overall"


def explain_contact(
    contacts: Any,
    contact: str,
    *,
    rep: str | None = None,
    model: Model | str | Path = SHIPPED,
    as_of: datetime | date | str | None = None,
    suppress: Sequence[str] = (),
) -> Explanation:
    """Say of one contact what each of its chances is made of.

    Parameters
    ----------
    contacts : frame or path
        A whole export, scored or not: anything of the kinds that `scoring.score` takes, save records.
    contact : str
        The contact's `crm_id`, or its address.
    rep : str, optional
        The rep's address; by default the rep for whom the priority is highest.
    model : Model, str or Path
        The model; where the export is scored, the one that it was scored by.
    as_of : datetime, date or str, optional
        Date of the export; naive means UTC. By default what scored rows say, or the file's name, else inferred.
    suppress : sequence of str
        Addresses and domains whose contacts are left out, and so cannot be explained.

    Returns
    -------
    Explanation

    Raises
    ------
    InputError
        If there is no such contact, or none of that rep, or its row cannot be scored.
    ModelError
        If scored rows were scored by another model than the one given.

    Examples
    --------
    >>> from scoring.simulation import Settings, draw_organisation
    >>> organisation = draw_organisation(3, Settings(rows=60))
    >>> when = organisation.dates()[0]
    >>> export = organisation.export(when)
    >>> explanation = explain_contact(export, export["crm_id"][0], as_of=when)
    >>> explanation.parts["target"].unique(maintain_order=True).to_list()
    ['priority', 'reply', 'meeting', 'answer']
    """
    loaded = load_model(model)
    standing = read_standing("export", contacts, as_of, suppress)
    standing.require(loaded, "pass its folder as model= (--model)")
    mine = _find(standing, contact)
    features, facts = look(mine, standing.as_of, standing.context)
    priority = logistic(loaded.lookups[True].log_odds(features))[:, TARGETS.index("engaged")]
    tiers = pl.Series([TIERS[place] for place in loaded.tier(priority).tolist()], dtype=pl.String)
    reps = mine.select("source_email").with_columns(priority=pl.Series(priority), tier=tiers).with_row_index("row")
    reps = reps.sort("priority", "source_email", descending=[True, False], nulls_last=True)
    row = _choose(reps, rep)
    one = mine[[row]]
    return Explanation(
        who=one.select(_WHO).row(0, named=True),
        as_of=standing.as_of,
        model_id=loaded.id,
        tier=str(tiers[row]),
        parts=_parts(loaded, *look(one, standing.as_of, standing.context)),
        reps=reps.drop("row"),
        note=_note(standing, one, float(priority[row])),
        overall=None if loaded.rates is None else loaded.rates.overall,
        counted_in=None if loaded.rates is None else loaded.rates.source,
    )


def _find(standing: Standing, contact: str) -> pl.DataFrame:
    """Find the rows of a contact."""
    wanted = contact.strip()
    is_it = (pl.col("crm_id") == wanted) | (pl.col("email").str.to_lowercase() == wanted.lower())
    found = standing.table.filter(is_it.fill_null(False))
    if found.height:
        return found
    there = standing.taken.export.table.select(problem=standing.taken.checked.problem, is_it=is_it.fill_null(False))
    problems = there.filter("is_it")["problem"].drop_nulls()
    if len(problems):
        raise InputError(f"the contact cannot be scored: {problems[0]}", hint="`scoring check` says more")
    raise InputError(
        f"none of the {standing.table.height:,} contacts that can be scored has that crm_id or address",
        expected="a crm_id or an email as it stands in the export",
    )


def _choose(reps: pl.DataFrame, rep: str | None) -> int:
    """Choose the row of a rep; the first if none is given."""
    if rep is None:
        return int(reps["row"][0])
    rows = reps.filter((pl.col("source_email").str.to_lowercase() == rep.strip().lower()).fill_null(False))["row"]
    if not len(rows):
        have = "1 rep has" if reps.height == 1 else f"{reps.height} reps have"
        raise InputError(f"{have} that contact, and none is the one given", hint="leave out the rep")
    return int(rows[0])


def _note(standing: Standing, one: pl.DataFrame, priority: float) -> str | None:
    """Say where the score in the file is another one."""
    if standing.scores is None:
        return None
    who = standing.taken.export.table.select("source_email", "crm_id", "email").with_row_index("row")
    rows = who.join(one, on=["source_email", "crm_id", "email"], how="semi", nulls_equal=True)["row"]
    there = float(standing.scores["priority"][rows[0]])
    if abs(there - priority) <= 1e-9:
        return None
    return (
        f"in the file the priority is {there:.1%}, computed anew it is {priority:.1%}: were rows taken out or changed "
        "since, suppressed now, or scored with the totals of another export?"
    )


def _parts(model: Model, features: Columns, facts: Columns) -> pl.DataFrame:
    """Take the chances of one row apart."""
    lookup = model.lookups[True]
    explainer = Explainer([_FEATURES[name] for name in lookup.features])
    frames = []
    for name, target in _TARGETS.items():
        place = TARGETS.index(target)
        known = {_FEATURES[feature].fact for feature in model.with_context[TARGETS[place]].features}
        strength = explainer.strengths(lookup.explain(features, place)[1])[0].tolist()
        each = [(amount, fact) for amount, fact in zip(strength, explainer.facts, strict=True) if fact in known]
        each.sort(key=lambda pair: -abs(pair[0]))
        rates = model.rates if name == "priority" else None  # whoever met did not necessarily reply
        rows = [*_begin(model, TARGETS[place]), *((fact.name, *_say(fact, facts, rates), add) for add, fact in each)]
        frame = pl.DataFrame(rows, schema=_PARTS, orient="row").with_columns(total=pl.col("log_odds").cum_sum())
        chance = pl.Series(logistic(frame["total"].to_numpy()))
        frames.append(
            frame.select(pl.lit(name).alias("target"), pl.int_range(pl.len()).alias("place"), pl.all(), chance=chance)
        )
    return pl.concat(frames)


def _begin(model: Model, target: Target) -> list[tuple[str, str, None, float]]:
    """Say where every contact starts: at the mean of all chances, and from there at the average contact."""
    intercept = model.with_context[target].intercept
    mean = 0.0 if model.reference is None else model.reference.chances[target]
    if not 0 < mean < 1:
        return [(_START, "the average contact", None, intercept)]
    base = math.log(mean) - math.log1p(-mean)
    why = ("high", "lift") if intercept < base else ("low", "pull down")
    return [(_START, START, None, base), (_TYPICAL, TYPICAL.format(*why), None, intercept - base)]


def _say(fact: Fact, facts: Columns, rates: Rates | None) -> tuple[str, float | None]:
    """Say a fact of the row, and the rate of all of whom that is true."""
    ladder = LADDERS[fact.unit]
    step = int(ladder.locate(np.asarray(facts[fact.name], dtype=np.float32)[:1])[0])
    absent = step == len(ladder.steps)
    sentence = fact.absent if absent else fact.phrase.format(ladder.steps[step][1])
    return sentence, None if rates is None else rates.of(fact)[step]


def _line(amount: str, bar: str, chance: str, sentence: str, width: int) -> list[str]:
    """One row of the chart: beside its bar, or above it where that is too narrow."""
    if width < _WIDE:
        return [*textwrap.wrap(sentence, width), f"{amount:>{_LEFT}} {bar} {chance:>{_CHANCE}}".rstrip()]
    head = f"{amount:>{_LEFT}}  {bar} {chance:>{_CHANCE}}  "
    first, *more = textwrap.wrap(sentence, width - len(head))
    return [head + first, *(" " * len(head) + line for line in more)]
