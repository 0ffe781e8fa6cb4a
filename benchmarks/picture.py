"""The picture of the report in the guide: the top of the page of a simulated organisation, a month later.

    python benchmarks/picture.py [guide/report.png]

Needs Debian's chromium. Fonts are those of the machine.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
import tempfile
import warnings
from datetime import timedelta
from pathlib import Path

from PIL import Image

import scoring
from scoring.simulation import Settings, draw_organisation

SEED, WIDTH, HEIGHT = 73, 1080, 1345  # the organisation of the quickstart notebook


def write_page() -> str:
    """Score an export, and report on it with the export of 30 days later."""
    organisation = draw_organisation(SEED, Settings(rows=1500, closed=False))
    last = organisation.dates(1)[0]
    when = last - timedelta(days=30)
    scored = scoring.score(organisation.export(when), as_of=when)
    return scoring.report_scores(scored, later={last: organisation.export(last)})


def main() -> None:
    """Write the picture."""
    target = Path(sys.argv[1] if len(sys.argv) > 1 else "guide/report.png")
    warnings.simplefilter("ignore")
    browser = shutil.which("chromium") or sys.exit("no chromium here")
    with tempfile.TemporaryDirectory() as folder:
        page, taken = Path(folder, "page.html"), Path(folder, "page.png")
        page.write_text(write_page(), "utf-8")
        flags = (
            "--headless",
            "--no-sandbox",
            "--disable-gpu",
            "--hide-scrollbars",
            f"--window-size={WIDTH},{2 * HEIGHT}",
        )
        subprocess.run([browser, *flags, f"--screenshot={taken}", page.as_uri()], check=True, capture_output=True)
        Image.open(taken).convert("RGB").crop((0, 0, WIDTH, HEIGHT)).quantize(64, dither=Image.Dither.NONE).save(
            target, optimize=True
        )


if __name__ == "__main__":
    main()
