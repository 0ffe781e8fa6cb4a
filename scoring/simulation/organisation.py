"""A simulated organisation: who there is, what happened, any date's export, what came next and how likely it was."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import numpy as np
import polars as pl

from scoring.config import HORIZON, HORIZON_DAYS
from scoring.errors import InputError
from scoring.simulation.clock import draw_clock
from scoring.simulation.draws import Floats, Ints, stream
from scoring.simulation.exports import make_export
from scoring.simulation.history import Course, World, fresh_state, play, state_at
from scoring.simulation.moods import draw_moods
from scoring.simulation.outcomes import OUTCOMES, outcome_flags
from scoring.simulation.people import draw_people
from scoring.simulation.profiles import draw_profiles
from scoring.simulation.records import MEETING, OUTBOUND, Rows, appointment_table, event_arrays, event_table, make_rows
from scoring.simulation.settings import Settings
from scoring.simulation.ties import draw_ties
from scoring.simulation.traits import Traits, draw_traits

__all__ = ["Organisation", "draw_organisation"]

FIRST_EXPORT_DAYS = 35


@dataclass(frozen=True, slots=True, eq=False)
class Organisation:
    """A simulated organisation.

    Attributes
    ----------
    seed : int
        It determines everything.
    settings : Settings
        What the caller decided.
    traits : Traits
        What the organisation is like.
    profiles : polars.DataFrame
        One row for each contact of a rep: what no event changes.
    events : polars.DataFrame
        What happened, in order of row and time: `row`, `kind` (0 inbound mail, 1 outbound mail, 2 meeting), `time`,
        `seconds_spent`.
    appointments : polars.DataFrame
        What was in the calendar: `row`, `booked`, `due`, `cancelled` (null: never). Empty where exports do not hold it.
    start, end : datetime
        The record reaches from `start` to before `end`.

    Examples
    --------
    >>> organisation = draw_organisation(5, Settings(rows=200))
    >>> export = organisation.export(organisation.dates(1)[0])
    >>> export.width, export.height == organisation.outcomes(organisation.dates(1)[0]).height
    (40, True)
    """

    seed: int
    settings: Settings
    traits: Traits
    profiles: pl.DataFrame
    events: pl.DataFrame
    appointments: pl.DataFrame
    start: datetime
    end: datetime
    _world: World
    _course: Course
    _rows: Rows

    def dates(self, number: int = 1) -> list[datetime]:
        """Return sensible dates for exports, midnights UTC in ascending order.

        Parameters
        ----------
        number : int
            How many.

        Returns
        -------
        list of datetime
            Drawn from 35 days after the start of the record to 30 days before its end, so that outcomes are known.
        """
        last = max(self.traits.days - HORIZON_DAYS, FIRST_EXPORT_DAYS)
        days = stream(self.seed, "dates").uniform(FIRST_EXPORT_DAYS, last, number)
        return [self.start + timedelta(days=int(day)) for day in sorted(days)]

    def export(self, as_of: datetime) -> pl.DataFrame:
        """Return the export of a date.

        Parameters
        ----------
        as_of : datetime
            Moment of the export, with time zone: counts and times come from the events strictly before it.

        Returns
        -------
        polars.DataFrame
            The typed table: the 40 columns, one row for each contact of a rep that is known by then.
        """
        return make_export(self.profiles, self.events, self.appointments, _in_utc(as_of))

    def outcomes(self, as_of: datetime) -> pl.DataFrame:
        """Return what happened in the 30 days from a date on.

        Parameters
        ----------
        as_of : datetime
            Moment of the export; it is inside the window, the moment 30 days later is not.

        Returns
        -------
        polars.DataFrame
            `replied`, `met`, `contacted`, `answered`, `engaged` as flags, rows as in the export.
        """
        row = self._known(as_of)
        events = self.events
        flags = outcome_flags(
            events["row"].to_numpy(),
            events["time"].dt.epoch("s").to_numpy().astype(np.float64),
            events["kind"].to_numpy().astype(np.int64),
            as_of.timestamp(),
            self.profiles.height,
        )
        return pl.DataFrame({name: flags[name][row] for name in OUTCOMES})

    def chances(self, as_of: datetime, futures: int = 100) -> pl.DataFrame:
        """Return the true chances of what happens in the 30 days from a date on.

        The future is drawn again and again from the state of that date: everybody's traits, moods and leaving are
        given, as is what happened before; starts, answers, follow-ups, meetings, ends of episodes and of pauses are
        drawn anew.

        Parameters
        ----------
        as_of : datetime
            Moment of the export.
        futures : int
            How often; the standard error of a chance p is sqrt(p (1 - p) / futures).

        Returns
        -------
        polars.DataFrame
            `reply`, `meeting`, `engaged`, `contacted`: share of the futures in which it happens. `answer`: share
            among those in which the rep writes, null where the rep never does. Rows as in the export.
        """
        row = self._known(as_of)
        counts = dict.fromkeys(OUTCOMES, np.zeros(self.profiles.height))
        world, second = self._world, as_of.timestamp()
        state = state_at(world, self._course, float(world.clock.own(second)))
        until = float(world.clock.own(second + HORIZON.total_seconds()))
        rng = stream(self.seed, f"futures {second:.0f}")
        for _ in range(futures):
            arrays = event_arrays(play(rng, world, state, until), self._rows, world.clock)
            flags = outcome_flags(*arrays, second, self.profiles.height)
            counts = {name: counts[name] + flags[name] for name in OUTCOMES}
        share = {name: counts[name][row] / futures for name in OUTCOMES}
        contacted = np.where(share["contacted"] > 0, share["contacted"], np.nan)
        return pl.DataFrame(
            {
                "reply": share["replied"],
                "meeting": share["met"],
                "engaged": share["engaged"],
                "contacted": share["contacted"],
                "answer": share["answered"] / contacted,
            }
        ).with_columns(pl.col("answer").fill_nan(None))

    def _known(self, as_of: datetime) -> Ints:
        """Return the numbers of the rows that the export of a date holds, in its order."""
        as_of = _in_utc(as_of)
        known = self.profiles["in_crm_before"].to_numpy().copy()
        known[self.events["row"].to_numpy()[(self.events["time"] < as_of).to_numpy()]] = True
        return np.flatnonzero(known)


def _in_utc(as_of: datetime) -> datetime:
    if as_of.tzinfo is None:
        raise InputError("a date without time zone", expected="a moment with one", hint="use datetime(..., tzinfo=UTC)")
    return as_of.astimezone(UTC)


def _seconds_spent(seed: int, kind: Ints) -> Floats:
    rng = stream(seed, "time spent")
    mail = np.where(kind == OUTBOUND, 240, 120)
    return np.where(kind == MEETING, rng.choice([1800, 3600], len(kind)), mail)


def draw_organisation(seed: int, settings: Settings | None = None) -> Organisation:
    """Draw an organisation.

    Parameters
    ----------
    seed : int
        It determines everything: the same seed and settings give the same organisation, byte for byte.
    settings : Settings, optional
        Sizes, mechanisms and gaps; the defaults if not given.

    Returns
    -------
    Organisation

    Raises
    ------
    InputError
        If the seed is below 0.

    Examples
    --------
    >>> one, other = draw_organisation(1, Settings(rows=100)), draw_organisation(1, Settings(rows=100))
    >>> one.events.equals(other.events)
    True
    """
    if seed < 0:
        raise InputError(f"seed {seed}", expected="a whole number from 0 on")
    settings = Settings() if settings is None else settings
    traits = draw_traits(seed, settings)
    clock = draw_clock(seed, traits, even=not settings.calendar)
    reps, contacts, rep, contact = draw_people(seed, traits, settings.rows)
    ties = draw_ties(seed, traits, reps, contacts, rep, contact)
    world = World(ties, traits, draw_moods(seed, traits, reps, contacts, float(clock.hours[-1])), clock)
    start = datetime.fromtimestamp(clock.start, UTC)
    end = start + timedelta(days=traits.days)
    rng = stream(seed, "history")
    course = play(rng, world, fresh_state(rng, world), float(clock.own(end.timestamp())))
    first_touch = np.full(len(ties), np.inf)
    np.minimum.at(first_touch, course.messages.tie, course.messages.time)
    rows = make_rows(ties, traits, first_touch)
    arrays = event_arrays(course, rows, clock)
    inside = arrays[1] < end.timestamp()
    row, second, kind = arrays[0][inside], arrays[1][inside], arrays[2][inside]
    calendar = appointment_table(course, rows, clock)
    return Organisation(
        seed,
        settings,
        traits,
        draw_profiles(seed, settings, traits, reps, contacts, ties, rows),
        event_table(row, second, kind, _seconds_spent(seed, kind)),
        calendar if traits.shows_upcoming else calendar.clear(),
        start,
        end,
        world,
        course,
        rows,
    )
