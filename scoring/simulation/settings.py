"""Sizes, switches and gaps of a simulated organisation: what the caller decides.

What differs from organisation to organisation is drawn from the seed, in `traits`.
"""

from __future__ import annotations

from dataclasses import dataclass

from scoring.errors import InputError

__all__ = ["Settings"]

SHORTEST_DAYS = 70
"""35 of history before the first export, 30 of outcomes after it."""


@dataclass(frozen=True, slots=True)
class Settings:
    """What the caller decides about an organisation.

    Attributes
    ----------
    rows : int
        How many contacts of reps the organisation gets over its whole life. An export holds those known by its date.
    days : int or None
        Days from the first recorded event to the last, at least 70. None: drawn, from 100 to 1,300.
    closed : bool or None
        Whether contacts are the reps themselves, every pair from both sides. None: drawn.
    one_row_a_contact : bool or None
        Whether a contact has one row, owned by the rep of its first event, instead of one for each rep. None: drawn.
    follow_ups : bool
        Conversations lead to others within days: bursts.
    broadcasts : bool
        One person writes to many at once; few answer.
    meetings : bool
        Mails lead to meetings, single and recurring.
    revivals : bool
        Ties that fell asleep wake up again.
    moods : bool
        Reps, contacts and accounts have busy and quiet times.
    departures : bool
        People leave.
    one_touch : bool
        Some contacts have one conversation and never again.
    lasting : bool
        Some ties go on for years.
    one_way : bool
        In some ties only one side ever writes: newsletters, notices, mails into the void.
    nudges : bool
        Who gets no answer may write again.
    batches : bool
        A rep gets lists of contacts, and writes to all of one on the same day.
    calendar : bool
        Nights, weekends, holidays and growth.
    profile_effects : bool
        Seniority, department and having been in copy matter a little, with a sign that is drawn for each organisation.
    strength : bool
        Close ties are livelier, last longer, answer more and revive more often, all at once.
    untouched : bool
        Some contacts are in the CRM without any activity.
    missing : float
        Chance that a cell of a field that may be missing is null, 0 to 1.
    candidates : float
        Share of contacts that are not in the CRM yet: no `crm_id`, 0 to 1.

    Raises
    ------
    InputError
        If a size or a share is out of its range.

    Examples
    --------
    >>> Settings(rows=500, meetings=False).meetings
    False
    """

    rows: int = 3000
    days: int | None = None
    closed: bool | None = None
    one_row_a_contact: bool | None = None
    follow_ups: bool = True
    broadcasts: bool = True
    meetings: bool = True
    revivals: bool = True
    moods: bool = True
    departures: bool = True
    one_touch: bool = True
    lasting: bool = True
    one_way: bool = True
    nudges: bool = True
    batches: bool = True
    calendar: bool = True
    profile_effects: bool = True
    strength: bool = True
    untouched: bool = True
    missing: float = 0.05
    candidates: float = 0.1

    def __post_init__(self) -> None:
        """Refuse what no organisation can be drawn with."""
        if self.rows < 1:
            raise InputError(f"rows={self.rows}", expected="at least 1")
        if self.days is not None and self.days < SHORTEST_DAYS:
            raise InputError(f"days={self.days}", expected=f"at least {SHORTEST_DAYS}, or None")
        for name in ("missing", "candidates"):
            if not 0 <= getattr(self, name) <= 1:
                raise InputError(f"{name}={getattr(self, name)}", expected="a share from 0 to 1")
