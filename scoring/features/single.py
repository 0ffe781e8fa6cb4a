"""One record: the same polars expressions, as one function of plain Python.

polars needs about ten microseconds for each operation of an expression, however few the rows are; a record goes through
some three hundred. Here the expressions' own description (`Expr.meta.serialize`) is written as the lines of one Python
function, once: an operation a line, each only once however many features need it. The definition stays the polars
expression, and what cannot be written so is left to polars.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Mapping, Sequence
from datetime import timedelta
from typing import Any, Final, TypeAlias

import polars as pl

from scoring.reading.scalars import BLANKS

__all__ = ["Evaluate", "UnknownOperationError", "translate"]

Evaluate: TypeAlias = Callable[[Mapping[str, Any]], tuple[Any, ...]]
"""From the cells of a row, by column, to values; None is null."""


class UnknownOperationError(Exception):
    """An operation for which there is no plain Python here."""


def translate(
    wanted: Sequence[pl.Expr],
    beside: Mapping[str, pl.Expr] | None = None,
    ranked: Mapping[str, tuple[str, Callable[[Any], Any]]] | None = None,
) -> Evaluate:
    """Turn expressions into one function of a row.

    Parameters
    ----------
    wanted : sequence of polars.Expr
        Of counts, numbers, flags, times and keys; nulls are treated as polars treats them.
    beside : mapping of str to polars.Expr, optional
        Columns that `wanted` and later ones of these are made of, beside those of the row.
    ranked : mapping of str to (str, callable), optional
        Columns that are made of another one by a function of Python; its null stays null.

    Returns
    -------
    callable
        It gives one value for each of `wanted`. It raises ArithmeticError or ValueError where a number would be
        infinite or NaN, or text is not what plain Python is known to treat as polars does.

    Raises
    ------
    UnknownOperationError
        If an expression holds an operation that is not known here.

    Examples
    --------
    >>> half = translate([(pl.col("a") / 2).clip(0)])
    >>> half({"a": 3}), half({"a": -3}), half({"a": None})
    ((1.5,), (0,), (None,))
    """
    writer = _Writer()
    for name, (column, function) in (ranked or {}).items():
        writer.columns[name] = writer.call(function, writer.column(column))
    for name, expression in (beside or {}).items():
        writer.columns[name] = writer.node(tree(expression))
    return writer.function([writer.node(tree(expression)) for expression in wanted])


def tree(expression: pl.Expr) -> Any:
    try:
        return json.loads(expression.meta.serialize(format="json"))
    except pl.exceptions.PolarsError as error:
        raise UnknownOperationError(type(error).__name__) from error


def _whole_seconds(duration: timedelta) -> int:
    """Cut towards zero, as polars does."""
    seconds = duration.days * 86_400 + duration.seconds
    return seconds + 1 if seconds < 0 and duration.microseconds else seconds


def _least(*values: Any) -> Any:
    return min((value for value in values if value is not None), default=None)


def _lower(text: str) -> str:
    """Beyond ASCII the tables of the two languages may differ."""
    if not text.isascii():
        raise ValueError("not ASCII")
    return text.lower()


_OPERATORS: Final[Mapping[str, str]] = {
    "Plus": "+",
    "Minus": "-",
    "Multiply": "*",
    "TrueDivide": "/",
    "Gt": ">",
    "GtEq": ">=",
}
_CALLS: Final[Mapping[str, Callable[..., Any]]] = {
    '"Exp"': math.exp,
    '{"Pow": "Sqrt"}': math.sqrt,
    '{"Pow": "Generic"}': math.pow,
    '{"TemporalExpr": {"TotalSeconds": {"fractional": false}}}': _whole_seconds,
    '{"StringExpr": "Lowercase"}': _lower,
}


class _Writer:
    """Writes lines, each of one operation whose operands are names of earlier lines, or literals."""

    def __init__(self) -> None:
        self.columns: dict[str, str] = {}
        self._names: dict[str, str] = {}  # what stands right of "=" to the name left of it
        self._known: dict[str, Any] = {}

    def function(self, values: Sequence[str]) -> Evaluate:
        lines = [f"    {name} = {operation}\n" for operation, name in self._names.items()]
        text = f"def look(row):\n{''.join(lines)}    return ({''.join(f'{value}, ' for value in values)})\n"
        exec(text, self._known)  # numbers, quoted names of columns, and what is written below
        return self._known["look"]  # type: ignore[no-any-return]

    def line(self, operation: str) -> str:
        """Write an operation, unless it stands there already; return its name."""
        return self._names.setdefault(operation, f"v{len(self._names)}")

    def column(self, name: str) -> str:
        return self.columns.get(name) or self.line(f"row[{name!r}]")

    def call(self, function: Callable[..., Any], *operands: str) -> str:
        name = f"f{id(function)}"
        self._known[name] = function
        return self.unless_null(operands, f"{name}({', '.join(operands)})")

    def unless_null(self, operands: Sequence[str], operation: str) -> str:
        nullable = [f"{operand} is None" for operand in operands if operand.startswith("v") or operand == "None"]
        return self.line(f"None if {' or '.join(nullable)} else {operation}" if nullable else operation)

    def node(self, tree: Any) -> str:
        """Write an expression; return the name, or the literal, that stands for its value."""
        if not isinstance(tree, dict) or len(tree) != 1:
            raise UnknownOperationError(str(tree)[:80])
        (kind, content), *_ = tree.items()
        match kind:
            case "Column":
                return self.column(content)
            case "Literal":
                return literal(content)
            case "Alias":
                return self.node(content[0])
            case "Cast" if content["dtype"].get("Literal") in ("Float64", "Float32"):
                inner = self.node(content["expr"])
                return self.unless_null([inner], f"float({inner})")
            case "BinaryExpr":
                return self._binary(content["op"], self.node(content["left"]), self.node(content["right"]))
            case "Ternary":
                asked, truthy, falsy = (self.node(content[part]) for part in ("predicate", "truthy", "falsy"))
                return self.line(f"{truthy} if {asked} else {falsy}")
            case "Function":
                return self._function(content["function"], [self.node(each) for each in content["input"]])
        raise UnknownOperationError(kind)

    def _binary(self, name: str, left: str, right: str) -> str:
        if name == "And":
            both = f"None if {left} is None or {right} is None else True"
            return self.line(f"False if {left} is False or {right} is False else {both}")
        if name not in _OPERATORS:
            raise UnknownOperationError(name)
        return self.unless_null([left, right], f"{left} {_OPERATORS[name]} {right}")

    def _function(self, function: Any, inputs: Sequence[str]) -> str:
        first, rest = inputs[0], inputs[1:]
        if (name := json.dumps(function)) in _CALLS:
            return self.call(_CALLS[name], *inputs)
        match function:
            case "Log" if rest[0] == repr(math.e):
                return self.call(math.log, first)
            case "FillNull" | "Coalesce":
                for value in rest:
                    first = self.line(f"{value} if {first} is None else {first}")
                return first
            case "MinHorizontal":
                return self.line(self._least(inputs))
            case {"Clip": {"has_min": True, "has_max": has_max}}:
                within = f"{rest[1]} if {first} > {rest[1]} else {first}" if has_max else first
                return self.unless_null([first], f"{rest[0]} if {first} < {rest[0]} else {within}")
            case {"StringExpr": "StripChars"} if rest == ["None"]:
                return self.unless_null([first], f"{first}.strip({BLANKS!r})")
        raise UnknownOperationError(name)

    def _least(self, inputs: Sequence[str]) -> str:
        self._known["least"] = _least
        return f"least({', '.join(inputs)})"


def literal(content: Any) -> str:
    if content == {"Scalar": {"Null": "Null"}} or "Null" in content.get("Scalar", {}):
        return "None"
    (kind, value), *_ = content.get("Dyn", {"": None}).items()
    if kind not in ("Int", "Float"):
        raise UnknownOperationError(f"literal {kind}")
    return repr(value)
