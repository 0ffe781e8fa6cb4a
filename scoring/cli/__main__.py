"""Run the command line as ``python -m scoring.cli``."""

from scoring.cli import run

run()
