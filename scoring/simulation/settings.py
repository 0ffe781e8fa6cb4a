"""Sizes, switches and gaps of a simulated organisation: what the caller decides.

What differs from organisation to organisation is drawn from the seed, in `traits`.
"""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["Settings"]


@dataclass(frozen=True, slots=True)
class Settings:
    """What the caller decides about an organisation.

    Attributes
    ----------
    rows : int
        How many contacts of reps the organisation gets over its whole life. An export holds those known by its date.
    days : int or None
        Days from the first recorded event to the last. None: drawn, from 150 to 1,000.
    closed : bool or None
        Whether contacts are the reps themselves, every pair from both sides. None: drawn.
    one_row_a_contact : bool or None
        Whether a contact has one row, owned by the rep of its first event, instead of one for each rep. None: drawn.
    follow_ups, broadcasts, meetings, revivals, moods, departures, one_touch, lasting, one_way : bool
        Mechanisms, see below.
    nudges, batches, calendar, profile_effects, strength : bool
        The mechanisms. Off means: as if people did not behave so.
    untouched : bool
        Whether some contacts are in the CRM without any activity.
    missing : float
        Chance that a cell of a field that may be missing is null, 0 to 1.
    candidates : float
        Share of contacts that are not in the CRM yet: no `crm_id`, 0 to 1.
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
