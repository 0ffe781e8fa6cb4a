"""What can go wrong, in words a person can act on.

Every error that users can cause is a `ScoringError`: it says what was expected, what was found and what to do next.
Messages hold counts and the first few keys, never whole addresses or message text.
"""

from __future__ import annotations

import sys
import warnings

__all__ = ["InputError", "LeakageWarning", "ModelError", "SchemaWarning", "ScoringError", "heed_interrupt", "warn"]


class ScoringError(Exception):
    """Base of all errors that this package raises on purpose.

    Parameters
    ----------
    found : str
        What is there, with numbers.
    expected : str
        What would have been right.
    hint : str
        What to do next.

    Examples
    --------
    >>> print(ScoringError("no rows", expected="at least one", hint="export again"))
    no rows; expected at least one; export again
    """

    def __init__(self, found: str, *, expected: str = "", hint: str = "") -> None:
        self.found, self.expected, self.hint = found, expected, hint
        super().__init__("; ".join(part for part in (found, expected and f"expected {expected}", hint) if part))


class InputError(ScoringError):
    """A file, frame or argument that cannot be used as it is."""


class ModelError(ScoringError):
    """A model that is damaged, too new, or does not fit the features of this version."""


class SchemaWarning(UserWarning):
    """An input that can be used, though not as it should be: fields without a column, text of an old encoding."""


class LeakageWarning(UserWarning):
    """What a model is to learn from seems to hold its own answer."""


def heed_interrupt(error: BaseException) -> None:
    """Take an error of polars for Ctrl-C where it is one: in its own threads it tells so only in the text of a panic.

    Parameters
    ----------
    error : BaseException
        What was caught.

    Raises
    ------
    KeyboardInterrupt
        If it is.

    Examples
    --------
    >>> heed_interrupt(OSError("no room"))
    """
    if "KEYBOARD_INTERRUPT" in str(error):
        raise KeyboardInterrupt from error


def warn(message: str, category: type[UserWarning] = SchemaWarning) -> None:
    """Warn of an input, with the line that called this package as the place.

    Parameters
    ----------
    message : str
        What is there, and what follows from it.
    category : type
        Of the warning.

    Warns
    -----
    UserWarning
        Always, of that category.

    Examples
    --------
    >>> with warnings.catch_warnings(record=True) as caught:
    ...     warnings.simplefilter("always")
    ...     warn("3 fields have no column")
    >>> caught[0].category.__name__
    'SchemaWarning'
    """
    level = 2
    package = __name__.partition(".")[0]
    while (caller := _frame(level)) is not None and caller.partition(".")[0] == package:
        level += 1
    warnings.warn(message, category, stacklevel=level)


def _frame(level: int) -> str | None:
    """Name the module of the code that many calls up from `warn`; None above the first."""
    try:
        return str(sys._getframe(level).f_globals.get("__name__", ""))
    except ValueError:
        return None
