"""The style of a page: one sheet for a screen of any width, by day and by night, and for paper."""

from __future__ import annotations

from functools import cache
from pathlib import Path

__all__ = ["read_style"]


@cache
def read_style() -> str:
    """Read the sheet that every page holds; there is no address in it, so nothing is loaded from anywhere."""
    return (Path(__file__).parent / "style.css").read_text("utf-8")
