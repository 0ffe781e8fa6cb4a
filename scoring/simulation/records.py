"""From what happened between people to the rows of an export: who is on which, and seen from which side."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import polars as pl

from scoring.simulation.clock import Clock
from scoring.simulation.draws import Floats, Ints
from scoring.simulation.history import Course
from scoring.simulation.ties import Ties
from scoring.simulation.traits import Traits

__all__ = ["INBOUND", "MEETING", "OUTBOUND", "Rows", "appointment_table", "event_arrays", "event_table", "make_rows"]

INBOUND, OUTBOUND, MEETING = 0, 1, 2


@dataclass(frozen=True, slots=True)
class Rows:
    """The rows that an export may hold.

    Attributes
    ----------
    of_tie : ndarray of int, shape (ties, 1 or 2)
        The row of each tie; a closed organisation has one for either side, the second with inbound and outbound
        exchanged.
    rep, contact : ndarray of int
        Whose row; the rep of the row's first touch where a contact has one row.
    tie : ndarray of int
        A tie of the row, the earliest one.
    """

    of_tie: Ints
    rep: Ints
    contact: Ints
    tie: Ints

    def __len__(self) -> int:
        """Return how many there are."""
        return len(self.rep)


def make_rows(ties: Ties, traits: Traits, first_touch: Floats) -> Rows:
    """Lay out the rows of an organisation.

    Parameters
    ----------
    ties, traits : Ties, Traits
        Who knows whom, and what makes a row.
    first_touch : ndarray
        Own day of each tie's first recorded event; infinite if there is none.

    Returns
    -------
    Rows
    """
    sides = 2 if traits.closed else 1
    size = len(ties)
    of_tie = np.arange(size * sides).reshape(size, sides)
    rep = np.column_stack((ties.rep, ties.contact))[:, :sides].ravel()
    contact = np.column_stack((ties.contact, ties.rep))[:, :sides].ravel()
    tie = np.repeat(np.arange(size), sides)
    if not traits.one_row_a_contact:
        return Rows(of_tie, rep, contact, tie)
    order = np.lexsort((np.arange(len(rep)), ties.begin[tie], first_touch[tie], contact))
    owner = order[np.append(True, contact[order][1:] != contact[order][:-1])]
    number = np.empty(contact.max() + 1, np.int64)
    number[contact[owner]] = np.arange(len(owner))
    return Rows(number[contact][of_tie], rep[owner], contact[owner], tie[owner])


def event_arrays(course: Course, rows: Rows, clock: Clock) -> tuple[Ints, Floats, Ints]:
    """Return row, second since 1970 and kind of every mail and of every meeting held."""
    messages, met = course.messages, course.appointments.take(course.appointments.held)
    mail = clock.seconds(messages.time)
    parts_row = [rows.of_tie[messages.tie, 0]]
    parts_second, parts_kind = [mail], [np.where(messages.inbound, INBOUND, OUTBOUND)]
    if rows.of_tie.shape[1] == 2:
        parts_row.append(rows.of_tie[messages.tie, 1])
        parts_second.append(mail)
        parts_kind.append(np.where(messages.inbound, OUTBOUND, INBOUND))
    for side in range(rows.of_tie.shape[1]):
        parts_row.append(rows.of_tie[met.tie, side])
        parts_second.append(clock.seconds(met.due))
        parts_kind.append(np.full(len(met.tie), MEETING))
    return np.concatenate(parts_row), np.concatenate(parts_second), np.concatenate(parts_kind)


def _moments(seconds: Floats) -> pl.Expr:
    return (
        pl.from_epoch(pl.lit(pl.Series(seconds.astype(np.int64))), time_unit="s")
        .dt.cast_time_unit("us")
        .dt.replace_time_zone("UTC")
    )


def event_table(row: Ints, second: Floats, kind: Ints, seconds_spent: Floats) -> pl.DataFrame:
    """Return events as a table in order of row, time and kind."""
    return (
        pl.DataFrame({"row": row, "kind": kind.astype(np.int8), "seconds_spent": seconds_spent.astype(np.int64)})
        .with_columns(time=_moments(second))
        .sort("row", "time", "kind", "seconds_spent")
    )


def appointment_table(course: Course, rows: Rows, clock: Clock) -> pl.DataFrame:
    """Return what was in the calendar as a table: row, booked, due and cancelled (null: it never was)."""
    planned, parts = course.appointments, []
    never = np.isinf(planned.cancelled)
    for side in range(rows.of_tie.shape[1]):
        parts.append(
            pl.DataFrame({"row": rows.of_tie[planned.tie, side], "never": never}).select(
                "row",
                booked=_moments(clock.seconds(planned.booked)),
                due=_moments(clock.seconds(planned.due)),
                cancelled=pl.when(~pl.col("never")).then(
                    _moments(clock.seconds(np.where(never, 0, planned.cancelled)))
                ),
            )
        )
    return pl.concat(parts).sort("row", "due", "booked")
