"""What can be typed, one file a subcommand; what is then done is in the modules of ``refms.cli``.

The files here import argparse and names, and neither NumPy, SciPy nor h5py: a help page needs none of them,
and importing them takes longer than all the rest. So a parser names the function that does the work, as in
``runs="refms.cli.verify:run"``, and ``refms.cli.main`` imports it when it is to run.
"""
