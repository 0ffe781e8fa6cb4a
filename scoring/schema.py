"""The 40 fields of an Enriched Contacts export, as one table.

Each field has a name, the type its column takes once read, the unit of its values and the part it plays:

``key``
    says which rows are one contact of one rep.
``identity``
    describes the contact or the account; never a feature by itself.
``profile``
    describes the contact and may be a feature.
``activity``
    what happened: counts, times and time spent, all before the export's date.
``upcoming``
    what is planned after the export's date.
``outcome``
    restates what a model would predict, so it is never a feature.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import Literal

import polars as pl

__all__ = ["ACTIVITY", "FIELDS", "NAMES", "Field", "Kind", "Role", "empty", "field", "same_time"]

Kind = Literal["text", "flag", "count", "number", "time"]
Role = Literal["key", "identity", "profile", "activity", "upcoming", "outcome"]

DTYPES: dict[Kind, pl.DataType] = {
    "text": pl.String(),
    "flag": pl.Boolean(),
    "count": pl.Int64(),
    "number": pl.Float64(),
    "time": pl.Datetime("us", "UTC"),
}


@dataclass(frozen=True, slots=True)
class Field:
    """One column of the export.

    Attributes
    ----------
    name : str
        The vendor's name, snake_case.
    kind : {"text", "flag", "count", "number", "time"}
        Says how cells are read and which type the column has.
    role : str
        The part the field plays, see the module's docstring.
    unit : str
        What one means: ``mails``, ``seconds``, empty where there is none.
    meaning : str
        A short description.
    """

    name: str
    kind: Kind
    role: Role
    unit: str
    meaning: str

    @property
    def dtype(self) -> pl.DataType:
        """The polars type of the column once read."""
        return DTYPES[self.kind]


FIELDS: tuple[Field, ...] = (
    Field("first_name", "text", "identity", "", "first name"),
    Field("last_name", "text", "identity", "", "last name"),
    Field("email", "text", "key", "", "business address of the contact"),
    Field("phone", "text", "identity", "", "phone number"),
    Field("job_title", "text", "identity", "", "job title"),
    Field("department", "text", "profile", "", "department by the customer's title rules; no fixed vocabulary"),
    Field("seniority", "text", "profile", "", "seniority by the customer's title rules; no fixed vocabulary"),
    Field("country", "text", "identity", "", "country"),
    Field("state", "text", "identity", "", "state, in the United States only"),
    Field("account_name", "text", "identity", "", "name of the account"),
    Field("account_type", "text", "identity", "", "type of the account"),
    Field("account_domain", "text", "key", "", "domain of the account, with or without its ending"),
    Field("account_crm_id", "text", "key", "", "identifier of the account in the CRM"),
    Field("source_peopleai_id", "text", "identity", "", "identifier of the rep"),
    Field("response_activity_id", "text", "outcome", "", "the contact's first response; there where received_reply is"),
    Field("source_email", "text", "key", "", "address of the rep"),
    Field("from_cc", "flag", "profile", "", "the contact was first seen in copy"),
    Field("total_inbound", "count", "activity", "mails", "mails from the contact, all time"),
    Field("total_inbound_30d", "count", "activity", "mails", "mails from the contact, last 30 days"),
    Field("total_outbound", "count", "activity", "mails", "mails to the contact, all time"),
    Field("total_outbound_30d", "count", "activity", "mails", "mails to the contact, last 30 days"),
    Field("total_meetings", "count", "activity", "meetings", "meetings with the contact, all time"),
    Field("total_meetings_30d", "count", "activity", "meetings", "meetings with the contact, last 30 days"),
    Field("total_time_spent", "count", "activity", "seconds", "time spent on the contact, all time"),
    Field("total_time_spent_30d", "count", "activity", "seconds", "time spent on the contact, last 30 days"),
    Field("first_inbound_time", "time", "activity", "UTC", "first mail from the contact"),
    Field("last_inbound_time", "time", "activity", "UTC", "last mail from the contact"),
    Field("first_outbound_time", "time", "activity", "UTC", "first mail to the contact"),
    Field("last_outbound_time", "time", "activity", "UTC", "last mail to the contact"),
    Field("last_engaged_time", "time", "activity", "UTC", "last activity of any kind"),
    Field("first_upcoming_meeting_time", "time", "upcoming", "UTC", "next planned meeting"),
    Field("first_engaged_time", "time", "activity", "UTC", "first activity of any kind"),
    Field("engagement_level", "number", "outcome", "", "the vendor's own score; a baseline to beat, not a feature"),
    Field("inbound_outbound_ratio", "number", "outcome", "", "inbound over outbound mails; restated from the counts"),
    Field("received_reply", "flag", "outcome", "", "whether the contact ever wrote"),
    Field("upcoming_meeting", "flag", "upcoming", "", "whether a meeting is planned"),
    Field("total_emails", "count", "activity", "mails", "mails in both directions, all time"),
    Field("total_emails_30d", "count", "activity", "mails", "mails in both directions, last 30 days"),
    Field("is_sourced_by_people_ai", "flag", "identity", "", "the contact was found by the vendor"),
    Field("crm_id", "text", "key", "", "identifier of the contact or lead in the CRM"),
)
"""All fields, in the vendor's order."""

NAMES: tuple[str, ...] = tuple(field.name for field in FIELDS)
ACTIVITY: tuple[str, ...] = tuple(field.name for field in FIELDS if field.role == "activity")

_BY_NAME = {field.name: field for field in FIELDS}


def field(name: str) -> Field:
    """Return the field of that name.

    Parameters
    ----------
    name : str
        The vendor's name.

    Returns
    -------
    Field

    Raises
    ------
    KeyError
        If there is no such field.

    Examples
    --------
    >>> field("total_time_spent").unit
    'seconds'
    """
    return _BY_NAME[name]


def empty(rows: int = 0) -> pl.DataFrame:
    """Make a typed table in which every cell is null.

    Parameters
    ----------
    rows : int
        Number of rows.

    Returns
    -------
    polars.DataFrame
        All 40 columns in the vendor's order, typed.

    Examples
    --------
    >>> empty(2).shape
    (2, 40)
    """
    return pl.DataFrame([pl.Series(field.name, [None], dtype=field.dtype).new_from_index(0, rows) for field in FIELDS])


def same_time(when: datetime, rows: int) -> pl.Series:
    """Make the column `as_of`.

    Parameters
    ----------
    when : datetime
        With its zone.
    rows : int
        Number of rows, all of that time.

    Returns
    -------
    polars.Series
        Named `as_of`, of the type that times have.

    Examples
    --------
    >>> from datetime import UTC
    >>> same_time(datetime(2026, 1, 1, tzinfo=UTC), 3).len()
    3
    """
    return _one_time(when).new_from_index(0, rows)


@lru_cache(maxsize=64)
def _one_time(when: datetime) -> pl.Series:
    """Keep the last few: to convert one moment takes longer than to score one record's features."""
    return pl.Series("as_of", [when], dtype=DTYPES["time"])
