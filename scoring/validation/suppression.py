"""Who is left out on request: addresses and domains that must not be scored."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from functools import lru_cache
from typing import Any, Final

import polars as pl

from scoring.errors import InputError

__all__ = ["find_suppressed", "is_suppressed"]

_HOST: Final = r"@([^@\s]+?)\.?>?$"


def find_suppressed(table: pl.DataFrame, suppress: Sequence[str], people: Collection[str] = ()) -> pl.Series:
    """Find the rows that are left out on request.

    Parameters
    ----------
    table : polars.DataFrame
        The typed table.
    suppress : sequence of str
        Mail addresses (``name@acme.com``) and domains (``acme.com`` or ``@acme.com``, which also cover
        ``mail.acme.com``), in any case. A domain is held against that of the contact's address and against
        `account_domain`; one without an ending (``acme``) only against an `account_domain` that is the same or below
        it. Rows that share the `crm_id` of a row so found are left out with it: it is the same person.
    people : collection of str
        Each `crm_id` that was so found elsewhere.

    Returns
    -------
    polars.Series
        Boolean, one for each row.

    Raises
    ------
    InputError
        If an entry is neither an address nor a domain.

    Examples
    --------
    >>> from scoring.schema import empty
    >>> table = empty(2).with_columns(email=pl.Series(["a@mail.acme.com", "b@acme.com.example"]))
    >>> find_suppressed(table, ["acme.com"]).to_list()
    [True, False]
    """
    none = pl.Series("suppressed", [False], dtype=pl.Boolean).new_from_index(0, table.height)
    addresses, domains, ended = _entries((suppress,) if isinstance(suppress, str) else tuple(suppress))
    if not addresses and not domains:
        return none
    keys = table.select(
        email=pl.col("email").str.to_lowercase(),
        host=pl.col("email").str.to_lowercase().str.extract(_HOST),
        account=pl.col("account_domain").str.to_lowercase().str.strip_prefix("@"),
        crm_id="crm_id",
    )
    hosts = _covered(keys["host"], ended)
    accounts = _covered(keys["account"], domains)
    known = keys.select(
        email=pl.col("email").is_in(list(addresses)),
        host=pl.col("host").is_in(hosts),
        account=pl.col("account").is_in(accounts),
    )
    hit = known.select(pl.any_horizontal(pl.all().fill_null(False))).to_series()
    persons = {*keys["crm_id"].filter(hit).drop_nulls(), *people}
    if persons:
        hit = hit | keys["crm_id"].is_in(persons).fill_null(False)
    return hit.alias("suppressed")


@lru_cache(maxsize=8)
def _entries(suppress: tuple[str, ...]) -> tuple[frozenset[str], frozenset[str], frozenset[str]]:
    """Sort what is to be left out into addresses, domains, and those of the domains that have an ending."""
    addresses: set[str] = set()
    domains: set[str] = set()
    for entry in suppress:
        if not isinstance(entry, str):
            raise InputError(f"suppress holds a {type(entry).__name__}", expected="mail addresses and domains as text")
        name = entry.strip().lower()
        if not name:
            continue
        bare = name.removeprefix("*.").removeprefix("@").removeprefix(".").removesuffix(".")
        if not bare or any(sign.isspace() or sign in ",;:/<>" for sign in bare) or bare.endswith("@"):
            raise InputError(
                "an entry of suppress is neither an address nor a domain",
                expected='each to be of the form "name@acme.com" or "acme.com"',
                hint="give several as a list",
            )
        (addresses if "@" in bare else domains).add(bare)
    return frozenset(addresses), frozenset(domains), frozenset(name for name in domains if "." in name)


def _covered(found: pl.Series, domains: Collection[str]) -> list[str]:
    """List the domains found that are one of those given, or below one."""
    return [name for name in found.unique().drop_nulls().to_list() if _below(name, domains)]


def _below(name: str, domains: Collection[str]) -> bool:
    """Tell whether a domain is one of those given, or below one."""
    parts = name.split(".")
    return any(".".join(parts[start:]) in domains for start in range(len(parts)))


def is_suppressed(row: Mapping[str, Any], suppress: Sequence[str]) -> bool | None:
    """Tell whether one row is left out on request, as `find_suppressed` does.

    Parameters
    ----------
    row : mapping of str to object
        The cells of a row of the typed table.
    suppress : sequence of str
        As for `find_suppressed`.

    Returns
    -------
    bool or None
        None where more than printable ASCII is in it, which is left to polars.

    Raises
    ------
    InputError
        If an entry is neither an address nor a domain.

    Examples
    --------
    >>> row = {"email": "Ann@mail.acme.com", "account_domain": None}
    >>> is_suppressed(row, ["acme.com"]), is_suppressed(row, ["acme.co"])
    (True, False)
    """
    addresses, domains, ended = _entries((suppress,) if isinstance(suppress, str) else tuple(suppress))
    email, account = ((row[name] or "").lower() for name in ("email", "account_domain"))
    if not (email + account).isascii() or not (email + account).isprintable():
        return None
    host = re.search(_HOST, email)
    return (
        email in addresses
        or (host is not None and _below(host[1], ended))
        or _below(account.removeprefix("@"), domains)
    )
