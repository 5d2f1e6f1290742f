"""What is recorded of a process is its own."""

import subprocess
import sys

LARGE = 2**28
TOLD = "from refms.environment import peak_memory; print(peak_memory())"
PARENT = f"""
import subprocess, sys
bytearray({LARGE}).find(1)
subprocess.run([sys.executable, "-c", {TOLD!r}], check=True)
{TOLD}
"""


def test_peak_memory_is_not_that_of_the_process_that_started_this_one():
    ran = subprocess.run([sys.executable, "-c", PARENT], check=True, capture_output=True, text=True)
    child, parent = map(int, ran.stdout.split())
    assert child < LARGE <= parent
