"""One record: the same polars expressions, evaluated number by number.

polars needs about ten microseconds for each operation of an expression, however few the rows are; a record goes through
some three hundred. Here an expression's own description (`Expr.meta.serialize`) is turned into plain Python functions
once. The definition stays the polars expression, and what cannot be turned is left to polars.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Mapping, Sequence
from datetime import timedelta
from typing import Any, Final, TypeAlias

import polars as pl

__all__ = ["Evaluate", "UnknownOperationError", "translate"]

Evaluate: TypeAlias = Callable[[Mapping[str, Any]], Any]
"""From the cells of a row, by column, to a value; None is null."""


class UnknownOperationError(Exception):
    """An operation for which there is no plain Python here."""


def translate(expression: pl.Expr) -> Evaluate:
    """Turn an expression into a function of one row.

    Parameters
    ----------
    expression : polars.Expr
        Of counts, numbers, flags and times; nulls are treated as polars treats them.

    Returns
    -------
    callable
        It raises ArithmeticError or ValueError where a number would be infinite or NaN.

    Raises
    ------
    UnknownOperationError
        If the expression holds an operation that is not known here.

    Examples
    --------
    >>> half = translate((pl.col("a") / 2).clip(0))
    >>> half({"a": 3}), half({"a": -3}), half({"a": None})
    (1.5, 0, None)
    """
    try:
        tree = json.loads(expression.meta.serialize(format="json"))
    except pl.exceptions.PolarsError as error:
        raise UnknownOperationError(type(error).__name__) from error
    return _node(tree)


def _node(tree: Any) -> Evaluate:
    if not isinstance(tree, dict) or len(tree) != 1:
        raise UnknownOperationError(str(tree)[:80])
    (kind, content), *_ = tree.items()
    match kind:
        case "Column":
            return lambda row: row[content]
        case "Literal":
            value = _literal(content)
            return lambda _: value
        case "Alias":
            return _node(content[0])
        case "Cast" if content["dtype"].get("Literal") in ("Float64", "Float32"):
            inner = _node(content["expr"])
            return lambda row: None if (value := inner(row)) is None else float(value)
        case "BinaryExpr":
            return _binary(content["op"], _node(content["left"]), _node(content["right"]))
        case "Ternary":
            asked, truthy, falsy = (_node(content[part]) for part in ("predicate", "truthy", "falsy"))
            return lambda row: truthy(row) if asked(row) else falsy(row)
        case "Function":
            return _function(content["function"], [_node(each) for each in content["input"]])
    raise UnknownOperationError(kind)


def _literal(content: Any) -> Any:
    if content == {"Scalar": {"Null": "Null"}} or "Null" in content.get("Scalar", {}):
        return None
    (kind, value), *_ = content.get("Dyn", {"": None}).items()
    if kind not in ("Int", "Float"):
        raise UnknownOperationError(f"literal {kind}")
    return value


_BINARY: Final[Mapping[str, Callable[[Any, Any], Any]]] = {
    "Plus": lambda a, b: a + b,
    "Minus": lambda a, b: a - b,
    "Multiply": lambda a, b: a * b,
    "TrueDivide": lambda a, b: a / b,
    "Gt": lambda a, b: a > b,
    "GtEq": lambda a, b: a >= b,
}


def _binary(name: str, left: Evaluate, right: Evaluate) -> Evaluate:
    if name == "And":

        def both(row: Mapping[str, Any]) -> bool | None:
            a, b = left(row), right(row)
            if a is False or b is False:
                return False
            return None if a is None or b is None else True

        return both
    if name not in _BINARY:
        raise UnknownOperationError(name)
    operation = _BINARY[name]

    def apply(row: Mapping[str, Any]) -> Any:
        a, b = left(row), right(row)
        return None if a is None or b is None else operation(a, b)

    return apply


def _whole_seconds(duration: timedelta) -> int:
    """Cut towards zero, as polars does."""
    seconds = duration.days * 86_400 + duration.seconds
    return seconds + 1 if seconds < 0 and duration.microseconds else seconds


_UNARY: Final[Mapping[str, Callable[[Any], Any]]] = {
    '"Exp"': math.exp,
    '{"Pow": "Sqrt"}': math.sqrt,
    '{"TemporalExpr": {"TotalSeconds": {"fractional": false}}}': _whole_seconds,
}


def _function(function: Any, inputs: Sequence[Evaluate]) -> Evaluate:
    name = json.dumps(function)
    first, rest = inputs[0], inputs[1:]
    if name in _UNARY:
        operation = _UNARY[name]
        return lambda row: None if (value := first(row)) is None else operation(value)
    match function:
        case "Log" if rest[0]({}) == math.e:
            return lambda row: None if (value := first(row)) is None else math.log(value)
        case {"Pow": "Generic"}:
            return lambda row: None if None in (pair := (first(row), rest[0](row))) else math.pow(*pair)
        case "FillNull":
            return lambda row: rest[0](row) if (value := first(row)) is None else value
        case "MinHorizontal":
            return lambda row: min((value for each in inputs if (value := each(row)) is not None), default=None)
        case {"Clip": {"has_min": True, "has_max": has_max}}:
            low, high = rest[0]({}), rest[1]({}) if has_max else math.inf
            return lambda row: None if (value := first(row)) is None else min(max(value, low), high)
    raise UnknownOperationError(name)
