"""Which column is which field, whatever its spelling."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache

from scoring.errors import InputError
from scoring.schema import ACTIVITY, NAMES

__all__ = ["Columns", "match", "recognised", "shown", "unrepeated"]


def _bare(name: str) -> str:
    """Return a name without case, spaces and punctuation."""
    return "".join(filter(str.isalnum, name)).lower()


_BY_BARE = {_bare(name): name for name in NAMES}
_EXACT = frozenset(NAMES)


@dataclass(frozen=True, slots=True)
class Columns:
    """How the columns found are the fields of the schema.

    Attributes
    ----------
    found : dict of str to str
        Field to the column that holds it.
    renamed : dict of str to str
        Column to field, where the two differ.
    missing : tuple of str
        Fields without a column, in schema order.
    extra : tuple of str
        Columns that are no field, in their own order.
    """

    found: dict[str, str]
    renamed: dict[str, str]
    missing: tuple[str, ...]
    extra: tuple[str, ...]


def unrepeated(names: Sequence[str]) -> None:
    """Refuse a header in which a name stands twice.

    Parameters
    ----------
    names : sequence of str
        The columns as found.

    Raises
    ------
    InputError
        If one is repeated.

    Examples
    --------
    >>> unrepeated(["email", "crm_id"])
    """
    if len(set(names)) == len(names):
        return
    twice = sorted({name for name in names if names.count(name) > 1})
    raise InputError(
        f"{_quoted(twice)} {'is a column' if len(twice) == 1 else 'are columns'} more than once",
        expected="each column once",
        hint="rename or remove one of them",
    )


def recognised(names: Iterable[str]) -> int:
    """Count the names that are fields.

    Parameters
    ----------
    names : iterable of str
        Columns as found.

    Returns
    -------
    int

    Examples
    --------
    >>> recognised(["E-Mail", "shoe size"])
    1
    """
    return sum(_bare(name) in _BY_BARE for name in names)


@lru_cache(maxsize=64)
def match(names: tuple[str, ...]) -> Columns:
    """Find the field of each column: any case, with spaces, dashes, underscores or humps.

    Parameters
    ----------
    names : tuple of str
        The columns as found, none repeated.

    Returns
    -------
    Columns

    Raises
    ------
    InputError
        If two columns are one field, or none is a field of role ``activity``.

    Examples
    --------
    >>> match(("Total Inbound", "crmId", "shoe size")).renamed
    {'Total Inbound': 'total_inbound', 'crmId': 'crm_id'}
    """
    found: dict[str, str] = {}
    renamed: dict[str, str] = {}
    extra: list[str] = []
    for name in names:
        field = name if name in _EXACT else _BY_BARE.get(_bare(name))
        if field is None:
            extra.append(name)
            continue
        if field in found:
            raise InputError(
                f"{_quoted([found[field], name])} are both the field {field}",
                expected="one column for each field",
                hint="rename or remove one of them",
            )
        found[field] = name
        if name != field:
            renamed[name] = field
    if not any(name in found for name in ACTIVITY):
        more = ", ..." if len(names) > 5 else ""
        raise InputError(
            f"no column says what happened (found {f'{len(names)}: {_quoted(names[:5])}{more}' if names else 'none'})",
            expected=f"at least one of {', '.join(ACTIVITY)}",
            hint="export the contacts with their activity fields, or rename the columns",
        )
    return Columns(found, renamed, tuple(name for name in NAMES if name not in found), tuple(extra))


def _quoted(names: Iterable[str]) -> str:
    """List names for a message."""
    return ", ".join(f'"{shown(name)}"' for name in names)


def shown(name: str) -> str:
    """Return a name as a message may show it: on one line, short, no address: without a header it is data.

    Parameters
    ----------
    name : str
        A name as found.

    Returns
    -------
    str

    Examples
    --------
    >>> shown("ann@b.example"), shown("a" * 40)
    ('an...@...', 'aaaaaaaaaaaaaaaaaaaaaaaa...')
    """
    if "@" in name:
        name = f"{name[:2]}...@..."
    short = name if len(name) <= 28 else f"{name[:24]}..."
    return "".join(sign if sign.isprintable() else "?" for sign in short)
