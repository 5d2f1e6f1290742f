"""``python -m refms`` is ``refms``."""

from refms.cli.main import run

run()
