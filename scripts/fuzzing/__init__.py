"""Parts of ``scripts/fuzz.py``: what is fuzzed, with which seeds, and how files are changed."""
