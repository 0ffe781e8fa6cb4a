"""The way back into the CRM: files that its own interface takes, with nothing in them but what is mapped.

Salesforce
    CSV for ingest jobs of Bulk API 2.0, by these pages of the "Bulk API 2.0 and Bulk API Developer Guide": "Prepare CSV
    Files" (API names in the first row, UTF-8, comma and line feed, ``#N/A`` for null as an empty cell is ignored, all
    rows of one object, no more than 100 MB as the upload grows by half when it is received), "Valid Date Format in
    Records" and "Limits" (32,000 characters a field).
Dynamics 365
    Bodies of the action `UpsertMultiple` for the table `msdyn_predictivescore`, by Microsoft's pages "Populate
    predictive scores using custom scoring model", "msdyn_predictivescore table/entity reference" (key: `msdyn_entityid`
    and `msdyn_entitytype`; grade 0 to 3 for A to D; trend 0 to 3) and "UpsertMultiple Action" of the Dataverse Web API.

Both were written by what the pages say and read back here; neither was tried against a server.
"""

from __future__ import annotations

import json
import os
import re
import shutil
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final

import polars as pl

from scoring.config import TIERS
from scoring.errors import InputError
from scoring.mapping import DYNAMICS, SALESFORCE, FieldMapping
from scoring.paths import local_path
from scoring.scored import read_scored
from scoring.trends import TRENDS
from scoring.updates import ID, Updates, find_updates

__all__ = ["WriteBack", "write_dynamics", "write_salesforce"]

PART_BYTES: Final = 100_000_000
PART_RECORDS: Final = 1_000

_OBJECTS: Final = {"003": "Contact", "00Q": "Lead"}
_NULL: Final = "#N/A"
_SALESFORCE_ID: Final = r"^(003|00Q)[0-9A-Za-z]+$"
_LONG_ID: Final = 18
"""An id has 15 characters, or 18, of which the last three only repeat the capitals of the others."""
_GUID: Final = r"^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$"
_SET: Final = "msdyn_predictivescores"
_TYPE: Final = "Microsoft.Dynamics.CRM.msdyn_predictivescore"
_CODES: Final = {"msdyn_grade": TIERS, "msdyn_scoretrend": TRENDS}
_OURS: Final = re.compile(r"(Contact|Lead)-\d{4}\.csv|predictivescores-\d{4}\.json")
_ROWS_AT_ONCE: Final = 50_000


@dataclass(frozen=True)
class WriteBack:
    """What was written for the CRM, and what was not.

    Attributes
    ----------
    folder : str
        Where the files are.
    files : tuple of str
        Their names, in order; none where there was nothing to write.
    rows : int
        Rows read: the sum of the following.
    written : int
        Contacts in the files, one row each.
    suppressed, unscored, without_id, foreign : int
        Rows left out: on request; without scores; without a `crm_id`, so not in the CRM; with one that is none of this
        CRM.
    repeated : int
        Further rows of a contact, which several reps share: the one of highest priority was taken.
    unchanged : int
        Contacts left out, on request, because nothing but time, reasons or model changed.
    gone : int or None
        Contacts of the earlier file that are not in this one: what the CRM says of them stays as it is. None where
        there is no earlier file.
    shortened : int
        Cells that were longer than their field.
    """

    folder: str
    files: tuple[str, ...]
    rows: int
    written: int
    suppressed: int
    unscored: int
    without_id: int
    foreign: int
    repeated: int
    unchanged: int
    gone: int | None
    shortened: int

    def to_dict(self) -> dict[str, Any]:
        """Return the counts as plain values, ready for JSON."""
        return asdict(self) | {"files": list(self.files)}

    def to_text(self) -> str:
        """Say in words what was written, and what was not."""
        lines = [f"{_many(self.written, 'contact')} written, from {_many(self.rows, 'row')}."]
        for count, what, why in (
            (self.suppressed, "row", "left out as asked for"),
            (self.unscored, "row", "without scores left out"),
            (self.without_id, "row", "without a crm_id left out: not in the CRM"),
            (self.foreign, "row", "left out whose crm_id is none of a contact or lead of this CRM"),
            (self.repeated, "further row", "of a contact that reps share: the highest priority was taken"),
            (self.unchanged, "contact", "left out as unchanged"),
            (self.shortened, "text", "cut to the length of the field"),
            (self.gone, "contact", "of the earlier file no longer in this one: the CRM keeps what it says of them"),
        ):
            if count:
                lines.append(f"  {_many(count, what)} {why}")
        return "\n".join(lines)


def _many(count: int, noun: str) -> str:
    return f"{count:,} {noun}{'' if count == 1 else 's'}"


def write_salesforce(
    scored: Any,
    folder: str | Path,
    *,
    mapping: FieldMapping | str | Path | None = None,
    changed_since: Any = None,
    suppress: Sequence[str] = (),
) -> WriteBack:
    """Write scores as CSV for update jobs of Salesforce's Bulk API 2.0.

    Parameters
    ----------
    scored : frame, records or path
        Scored contacts, as `scoring.read_scored` takes them.
    folder : str or Path
        Gets ``Contact-0001.csv``, ``Lead-0001.csv`` and so on, each of at most 100 MB and with its header; files that
        an earlier run wrote there go. It is made whole or not at all.
    mapping : FieldMapping, str or Path, optional
        Which column goes into which field: a mapping, TOML text, or the `Path` of a TOML file. By default the custom
        fields ``Scoring_Priority__c`` and so on.
    changed_since : frame, records or path, optional
        What was written last, scored: contacts of which no score, rounded as written, and no tier changed are left out.
    suppress : sequence of str
        Addresses and domains whose contacts must be left out, as for `scoring.score`.

    Returns
    -------
    WriteBack
        What was written, and what was not.

    Raises
    ------
    InputError
        If the contacts are not scored, the mapping names a column that there is not, the earlier contacts are later
        ones, or the folder holds other files or cannot be written.

    Notes
    -----
    Chances are in percent with one decimal, as fields of the type Percent take them. Contacts are in the order of their
    ids, whatever the order of the rows.

    Examples
    --------
    >>> import scoring, tempfile
    >>> record = {"crm_id": "003000000000001", "total_inbound": 5, "last_inbound_time": "2026-01-03T09:00:00Z"}
    >>> scored = scoring.score(record, as_of="2026-01-05")
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     told = scoring.write_salesforce(scored, folder)
    >>> told.written, [Path(file).name for file in told.files]
    (1, ['Contact-0001.csv'])
    """
    mapped = _mapping(mapping, SALESFORCE)
    chosen = find_updates(read_scored(scored), changed_since, mapped, _salesforce_id(), 1, suppress)
    with _whole(local_path(folder)) as staged:
        for prefix, name in _OBJECTS.items():
            rows = chosen.rows.filter(pl.col(ID).str.starts_with(prefix))
            _write_parts(_csv_lines(rows.rename({ID: "Id"})), staged, name)
    return _told(chosen, folder)


def write_dynamics(
    scored: Any,
    folder: str | Path,
    *,
    mapping: FieldMapping | str | Path | None = None,
    changed_since: Any = None,
    suppress: Sequence[str] = (),
) -> WriteBack:
    """Write scores as JSON for the table of predictive scores of Dynamics 365.

    Parameters
    ----------
    scored : frame, records or path
        Scored contacts, as `scoring.read_scored` takes them.
    folder : str or Path
        Gets ``predictivescores-0001.json`` and so on, each the body of one request with at most 1,000 records; files
        that an earlier run wrote there go. It is made whole or not at all.
    mapping : FieldMapping, str or Path, optional
        As for `write_salesforce`; its `entity` says what the ids are ids of. By default score, grade, trend and date.
    changed_since : frame, records or path, optional
        As for `write_salesforce`; the trend is the move since then, as `scoring.compare` names it. Without earlier
        contacts, and where the model changed, it is "not enough info".
    suppress : sequence of str
        As for `write_salesforce`.

    Returns
    -------
    WriteBack
        What was written, and what was not.

    Raises
    ------
    InputError
        As for `write_salesforce`.

    Notes
    -----
    The score is the priority in whole percent. How Dynamics lays out reasons is not public: they are written where a
    mapping names a column for them, as text. A contact that is left out as unchanged keeps the trend that it had.

    Examples
    --------
    >>> import scoring, tempfile
    >>> record = {"crm_id": "0b0ec7ed-0000-4000-8000-000000000001", "total_inbound": 5}
    >>> scored = scoring.score(record, as_of="2026-01-05")
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     told = scoring.write_dynamics(scored, folder)
    >>> told.written, [Path(file).name for file in told.files]
    (1, ['predictivescores-0001.json'])
    """
    mapped = _mapping(mapping, DYNAMICS)
    chosen = find_updates(read_scored(scored), changed_since, mapped, _dynamics_id(), 0, suppress)
    coded = [
        pl.col(name).replace_strict(words, list(range(len(words))), default=None, return_dtype=pl.Int64)
        for name, words in _CODES.items()
        if chosen.rows.schema.get(name) == pl.String
    ]
    with _whole(local_path(folder)) as staged:
        for part, rows in enumerate(chosen.rows.with_columns(coded).iter_slices(PART_RECORDS), start=1):
            body = ",\n".join(_record(row, mapped.entity) for row in rows.iter_rows(named=True))
            (staged / f"predictivescores-{part:04d}.json").write_bytes(f'{{"Targets": [\n{body}\n]}}\n'.encode())
    return _told(chosen, folder)


def _mapping(given: FieldMapping | str | Path | None, default: FieldMapping) -> FieldMapping:
    if given is None or isinstance(given, FieldMapping):
        return given or default
    return FieldMapping.from_toml(given)


def _salesforce_id() -> pl.Expr:
    given = pl.col("crm_id").str.strip_chars()
    same = pl.when(given.str.len_chars() == _LONG_ID).then(given.str.head(-3)).otherwise(given)
    return pl.struct(id=given, same=same, fits=given.str.contains(_SALESFORCE_ID))


def _dynamics_id() -> pl.Expr:
    given = pl.col("crm_id").str.strip_chars(" {}").str.to_lowercase()
    return pl.struct(id=given, same=given, fits=given.str.contains(_GUID))


def _csv_lines(rows: pl.DataFrame) -> Iterator[bytes]:
    """Give the header and then each row as a line; no cell holds a line break, so no row has two."""
    for start in range(0, max(rows.height, 1), _ROWS_AT_ONCE):
        part = rows.slice(start, _ROWS_AT_ONCE)
        text = part.write_csv(include_header=start == 0, null_value=_NULL, quote_style="necessary")
        yield from (line + b"\n" for line in text.encode().split(b"\n")[:-1])


def _write_parts(lines: Iterator[bytes], folder: Path, name: str) -> None:
    """Write lines into files of at most `PART_BYTES`, each with the header; none where there is only the header."""
    header = next(lines)
    for part, several in enumerate(_parts(lines, PART_BYTES - len(header)), start=1):
        with (folder / f"{name}-{part:04d}.csv").open("wb") as file:
            file.write(header)
            file.writelines(several)


def _parts(lines: Iterable[bytes], most: int) -> Iterator[list[bytes]]:
    """Put lines together until there is no room for the next."""
    part: list[bytes] = []
    size = 0
    for line in lines:
        if part and size + len(line) > most:
            yield part
            part, size = [], 0
        part.append(line)
        size += len(line)
    if part:
        yield part


def _record(row: dict[str, Any], entity: str) -> str:
    """Put a record as JSON; its key is in the address, and must not be among the columns."""
    key = f"{_SET}(msdyn_entityid='{row.pop(ID)}',msdyn_entitytype='{entity}')"
    return json.dumps({"@odata.type": _TYPE, "@odata.id": key, **row}, ensure_ascii=False, allow_nan=False)


@contextmanager
def _whole(folder: Path) -> Iterator[Path]:
    """Give a folder beside; put it in the folder's place if all went well, else remove it."""
    folder = folder.absolute()
    staged, old = (folder.with_name(f".{folder.name}.{name}") for name in ("part", "old"))
    try:
        if folder.exists() and (not folder.is_dir() or not all(map(_OURS.fullmatch, os.listdir(folder)))):
            raise InputError(
                f"{folder.name!r} holds other files" if folder.is_dir() else f"{folder.name!r} is a file",
                expected="a folder that is new, empty, or of an earlier write-back",
                hint="choose another folder",
            )
        for left in (staged, old):  # by a run that was killed
            shutil.rmtree(left, ignore_errors=True)
        staged.mkdir(parents=True)
        yield staged
        if folder.exists():
            folder.rename(old)
        staged.rename(folder)
        shutil.rmtree(old, ignore_errors=True)
    except OSError as error:
        raise InputError(
            f"the folder {folder.name!r} cannot be written ({error.strerror})",
            hint="is the disk full, or the place read-only?",
        ) from error
    finally:
        shutil.rmtree(staged, ignore_errors=True)


def _told(chosen: Updates, folder: str | Path) -> WriteBack:
    files = tuple(sorted(os.listdir(local_path(folder))))
    return WriteBack(folder=os.fspath(folder), files=files, **chosen.counts)
