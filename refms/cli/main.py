"""The command ``refms``: subcommands, exit codes, and errors as sentences.

Exit codes: 0 good, 1 a check failed, 2 bad usage or unreadable input, 3 too little implemented (conform run
and verify), 4 the kit itself is at fault (conform run, self-test and mutants).
"""

from __future__ import annotations

import argparse
import contextlib
import errno
import importlib
import keyword
import os
import sys
from collections.abc import Container, Sequence
from functools import partial

from refms import __version__
from refms.cli.files import claim_json
from refms.cli.notes import notes_as_sentences
from refms.cli.options import COMMANDS
from refms.cli.streams import end_with, tolerate
from refms.errors import InputError, presentable


def parser(names: Container[str] = COMMANDS) -> argparse.ArgumentParser:
    """Return the parser of some commands; of the others the help page alone knows.

    Each is a module that registers its options and the function ``run`` that does the work, and imports what
    that needs when it runs: a help page needs neither NumPy, SciPy nor h5py.
    """
    top = argparse.ArgumentParser(
        prog="refms",
        description="Multiscale training of convolutional networks, numerically verified.",
        epilog="exit codes: 0 good, 1 a check failed, 2 bad usage or unreadable input, 3 too little "
        "implemented to be judged (conform run, verify), 4 the kit itself is at fault (conform run, "
        "self-test, mutants)",
    )
    top.add_argument("--version", action="version", version=f"refms {__version__}")
    commands = top.add_subparsers(required=True, metavar="COMMAND")
    for name, text in COMMANDS.items():
        if name in names:
            module = f"{name}_" if keyword.iskeyword(name) else name  # import
            importlib.import_module(f"refms.cli.{module}").register(commands)
        else:
            commands.add_parser(name, help=text)
    return top


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line, by default that of the process, and return its exit code."""
    return tolerate(partial(_main, sys.argv[1:] if arguments is None else list(arguments)))


def run() -> None:
    """End the process with the exit code of :func:`main`."""
    end_with(main)


def _main(words: Sequence[str]) -> int:
    try:
        options = parser(words[:1]).parse_args(words)
    except SystemExit as stop:  # argparse ends the process itself: 0 after --help, 2 after bad usage
        return int(stop.code or 0)
    try:
        with contextlib.ExitStack() as options.held, notes_as_sentences():
            return _run(options)
    except InputError as error:
        return _refused(str(error))
    except OSError as error:
        if error.errno == errno.ENOMEM:
            return _refused(_OUT_OF_MEMORY)
        # what has no number does not come from the system, but from a library that could not be loaded
        where = f"{error.filename!r}: " if error.filename is not None else ""
        return _refused(f"{where}{str(error.strerror or error).rstrip('.')}.")
    except KeyboardInterrupt:
        print("refms: interrupted; files written before are intact.", file=sys.stderr)
        return 130
    except MemoryError:
        return _refused(_OUT_OF_MEMORY)


_OUT_OF_MEMORY = "out of memory. Lower [optimization] memory, the channels or the examples."


def _refused(sentence: str) -> int:
    print(f"refms: {presentable(sentence, 4000)}", file=sys.stderr)
    return 2


def _run(options: argparse.Namespace) -> int:
    """Run the command; with ``--json -`` standard output gets the JSON alone."""
    for name, value in dict(vars(options)).items():
        if value == "":  # as a variable of the shell that is not set gives it
            raise InputError(f"{name.replace('_', '-')} is empty; expected a name, or leave it out.")
        if isinstance(value, str):  # "~" where the shell leaves it, as in --json=~/a.json
            setattr(options, name, os.path.expanduser(value))
    if options.json == "-":
        options.json = sys.stdout
        with contextlib.redirect_stdout(sys.stderr):
            return int(options.run(options))
    if options.json is not None:
        claim_json(options)
    return int(options.run(options))
