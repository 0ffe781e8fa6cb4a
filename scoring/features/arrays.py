"""Many records: the same polars expressions, as one function of numpy's arrays.

polars computes an operation again for each expression that holds it, and looks for nulls in each. Here the expressions'
own description is written as the lines of one function, an operation a line, each only once however many features need
it, and missing values are NaN, which needs no looking after: that takes a fifth of the time. The definition stays the
polars expression, and what cannot be written so is left to polars.

Sums, products and comparisons are the very same numbers; powers, logarithms and exponentials may differ in their last
of 53 bits, as they do between machines, of which 24 are kept in the end.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Mapping, Sequence
from itertools import chain
from typing import Any, Final, TypeAlias

import numpy as np
import polars as pl
from numpy.typing import NDArray

from scoring.features.single import UnknownOperationError, literal, tree

__all__ = ["Evaluate", "translate"]

Array: TypeAlias = NDArray[Any]
Evaluate: TypeAlias = Callable[[pl.DataFrame], list[NDArray[np.float32]]]
"""From a frame with the columns that are needed to one array of float32 for each expression, NaN for null."""

_SECOND: Final = 10**6
_FAR_SECONDS: Final = 2**32
_NO_TIME: Final = np.iinfo(np.int64).min


def translate(wanted: Sequence[pl.Expr], beside: Mapping[str, pl.Expr], schema: Mapping[str, pl.DataType]) -> Evaluate:
    """Turn expressions into one function of columns.

    Parameters
    ----------
    wanted : sequence of polars.Expr
        Of counts, numbers, flags and times, and of columns `beside`.
    beside : mapping of str to polars.Expr
        Columns that `wanted` and later ones of these are made of.
    schema : mapping of str to polars.DataType
        Of all other columns.

    Returns
    -------
    callable
        It gives one array for each of `wanted`.

    Raises
    ------
    UnknownOperationError
        If an expression holds an operation that is not known here.

    Examples
    --------
    >>> half = translate([(pl.col("a") / 2).clip(0)], {}, {"a": pl.Float64()})
    >>> half(pl.DataFrame({"a": [3.0, -3.0, None]}))
    [array([1.5, 0. , nan], dtype=float32)]
    """
    writer = _Writer(schema)
    for name, expression in beside.items():
        writer.columns[name] = writer.node(tree(expression))
    return writer.function([writer.number(writer.node(tree(expression))) for expression in wanted])


def _flag(hit: Array, *numbers: Any) -> Array:
    """Turn a comparison into a number, NaN where one of the numbers compared is."""
    known = np.ones(len(hit), dtype=bool)
    for number in numbers:
        known &= number == number
    told: Array = np.where(known, hit, np.nan)
    return told


def _both(left: Array, right: Array) -> Array:
    """Join truths that are numbers: false where either is, however little is known of the other."""
    told: Array = np.where((left == 0) | (right == 0), 0.0, left * right)
    return told


def _whole_seconds(later: Any, earlier: Any) -> Array:
    """Count seconds between times, cut towards zero as polars does; NaN where a time is missing."""
    apart: Array = later - earlier
    if apart.dtype == np.float64:
        return apart
    seconds = apart // _SECOND
    seconds += (apart < 0) & (seconds * _SECOND != apart)
    counted: Array = np.where((later != _NO_TIME) & (earlier != _NO_TIME), seconds, np.nan)
    return counted


def _moments(frame: pl.DataFrame, names: Sequence[str]) -> pl.DataFrame:
    """Lay out times: as seconds, NaN where there is none, if none has a part of one, as vendors write them."""
    seconds = frame.select(pl.col(names).to_physical().cast(pl.Float64) / _SECOND)
    # below that limit no part of a second is lost to rounding; a null is as good as any
    whole = (pl.all() == pl.all().floor()) & (pl.all().abs() < _FAR_SECONDS)
    if not names or all(seconds.select(whole.all()).row(0)):
        return seconds.fill_null(math.nan)
    return frame.select(pl.col(names).to_physical().fill_null(_NO_TIME))


def _compared(operation: str, left: Any, right: Any) -> Array:
    hit: Array = (left > right if operation == ">" else left >= right) & (left != _NO_TIME) & (right != _NO_TIME)
    return hit


_OPERATORS: Final = {"Plus": "+", "Minus": "-", "Multiply": "*", "TrueDivide": "/", "Gt": ">", "GtEq": ">="}
_ALL: Final[dict[str, Any]] = {
    "np": np, "nan": np.nan, "flag": _flag, "both": _both, "whole_seconds": _whole_seconds, "compared": _compared,
}  # fmt: skip


class _Writer:
    """Writes lines, each of one operation whose operands are names of earlier lines, or literals.

    A name says what is in it: ``n`` numbers, ``b`` truths, ``t`` times, ``d`` a pair of times that are subtracted.
    """

    def __init__(self, schema: Mapping[str, pl.DataType]) -> None:
        self.columns: dict[str, str] = {}
        self._schema = schema
        self._inputs: list[str] = []
        self._names: dict[str, str] = {}
        self._pairs: dict[str, tuple[str, str]] = {}
        self._compared: dict[str, tuple[str, str]] = {}
        self._joined: dict[str, tuple[str, str]] = {}

    def function(self, values: Sequence[str]) -> Evaluate:
        last: dict[str, int] = {}  # the line that needs a value last: then its memory, still warm, is for the next
        lines = [(name, operation) for operation, name in self._names.items()]
        for place, (_, operation) in enumerate(lines):
            last.update((word, place) for word in _words(operation) if word[0] in "nbt")
        text = ["def look(columns):\n"]
        for place, (name, operation) in enumerate(lines):
            text.append(f"    {name} = {operation}\n")
            gone = sorted(word for word in _words(operation) if last.get(word) == place and word not in values)
            text += [f"    del {', '.join(gone)}\n"] if gone else []
        text.append(f"    return [{', '.join(values)}]\n")
        known = dict(_ALL)
        exec("".join(text), known)
        look = known["look"]
        times = [name for name in self._inputs if isinstance(self._schema[name], pl.Datetime)]
        numbers = [name for name in self._inputs if name not in times]

        def evaluate(frame: pl.DataFrame) -> list[NDArray[np.float32]]:
            laid = [frame.select(pl.col(numbers).cast(pl.Float64).fill_null(math.nan)), _moments(frame, times)]
            columns = {column.name: column.to_numpy() for column in chain(*laid)}
            with np.errstate(all="ignore"):
                return [np.broadcast_to(value, frame.height).astype(np.float32) for value in look(columns)]

        return evaluate

    def line(self, operation: str, kind: str = "n") -> str:
        """Write an operation, unless it stands there already; return its name."""
        return self._names.setdefault(operation, f"{kind}{len(self._names)}_")

    def column(self, name: str) -> str:
        if name in self.columns:
            return self.columns[name]
        if name not in self._schema:
            raise UnknownOperationError(f"column {name}")
        if name not in self._inputs:
            self._inputs.append(name)
        return self.line(f"columns[{name!r}]", "t" if isinstance(self._schema[name], pl.Datetime) else "n")

    def number(self, name: str) -> str:
        """Make a truth a number."""
        if name.startswith("b"):
            return self.line(self._numbers(name))
        if name[0] in "td":
            raise UnknownOperationError("a time for a number")
        return name

    def _numbers(self, truth: str) -> str:
        """Write a truth as a number: NaN where it cannot be told."""
        if truth in self._compared:
            return f"flag({truth}, {', '.join(self._compared[truth])})"
        if truth in self._joined:
            return f"both({', '.join(map(self.number, self._joined[truth]))})"
        raise UnknownOperationError("times compared for a number")

    def node(self, tree: Any) -> str:
        """Write an expression; return the name, or the literal, that stands for its value."""
        if not isinstance(tree, dict) or len(tree) != 1:
            raise UnknownOperationError(str(tree)[:80])
        (kind, content), *_ = tree.items()
        match kind:
            case "Column":
                return self.column(content)
            case "Literal":
                return literal(content).replace("None", "nan")
            case "Alias":
                return self.node(content[0])
            case "Cast" if content["dtype"].get("Literal") in ("Float64", "Float32"):
                return self.number(self.node(content["expr"]))
            case "BinaryExpr":
                return self._binary(content["op"], self.node(content["left"]), self.node(content["right"]))
            case "Ternary":
                asked, truthy, falsy = (self.node(content[part]) for part in ("predicate", "truthy", "falsy"))
                if not asked.startswith("b"):
                    raise UnknownOperationError("a question that is no comparison")
                return self.line(f"np.where({asked}, {self.number(truthy)}, {self.number(falsy)})")
            case "Function":
                return self._function(content["function"], [self.node(each) for each in content["input"]])
        raise UnknownOperationError(kind)

    def _binary(self, name: str, left: str, right: str) -> str:
        if name == "And" and left.startswith("b") and right.startswith("b"):
            truth = self.line(f"{left} & {right}", "b")
            self._joined[truth] = left, right
            return truth
        if name not in _OPERATORS:
            raise UnknownOperationError(name)
        operation = _OPERATORS[name]
        if left.startswith("t") and right.startswith("t"):
            if name == "Minus":
                pair = f"d{left}{right}"
                self._pairs[pair] = (left, right)
                return pair
            return self.line(f"compared({operation!r}, {left}, {right})", "b")
        operands = self.number(left), self.number(right)
        done = self.line(f"{operands[0]} {operation} {operands[1]}", "b" if name.startswith("Gt") else "n")
        if name.startswith("Gt"):
            self._compared[done] = operands
        return done

    def _function(self, function: Any, inputs: Sequence[str]) -> str:
        if json.dumps(function) == '{"TemporalExpr": {"TotalSeconds": {"fractional": false}}}':
            if inputs[0] not in self._pairs:
                raise UnknownOperationError("a duration that is no difference")
            return self.line(f"whole_seconds({', '.join(self._pairs[inputs[0]])})")
        first, *rest = (self.number(each) for each in inputs)
        match function:
            case "Exp":
                return self.line(f"np.exp({first})")
            case "Log" if rest[0] == repr(math.e):
                return self.line(f"np.log({first})")
            case {"Pow": "Sqrt"}:
                return self.line(f"np.sqrt({first})")
            case {"Pow": "Generic"}:
                return self.line(f"np.power({first}, {rest[0]})")
            case "FillNull" | "Coalesce":
                for value in rest:
                    first = self.line(f"np.where({first} != {first}, {value}, {first})")
                return first
            case "MinHorizontal":
                for value in rest:
                    first = self.line(f"np.fmin({first}, {value})")
                return first
            case {"Clip": {"has_min": True, "has_max": has_max}}:
                least = self.line(f"np.maximum({first}, {rest[0]})")
                return self.line(f"np.minimum({least}, {rest[1]})") if has_max else least
        raise UnknownOperationError(json.dumps(function))


def _words(operation: str) -> set[str]:
    """Names of earlier lines."""
    return {word for word in operation.replace("(", " ").replace(")", " ").replace(",", " ").split() if word[-1] == "_"}
