"""The command ``refms``: subcommands, exit codes, and errors as sentences.

Exit codes: 0 good, 1 a check failed, 2 bad usage or unreadable input, 3 too little implemented (conform run
and verify), 4 the kit itself is at fault (conform run, self-test and mutants).
"""

from __future__ import annotations

import argparse
import contextlib
import errno
import importlib
import io
import os
import sys
from collections.abc import Container, Sequence

from refms import __version__
from refms.cli.files import require_json_target
from refms.cli.notes import notes_as_sentences
from refms.cli.options import COMMANDS
from refms.errors import InputError


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
            importlib.import_module(f"refms.cli.{name}").register(commands)
        else:
            commands.add_parser(name, help=text)
    return top


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line, by default that of the process, and return its exit code."""
    words = sys.argv[1:] if arguments is None else list(arguments)
    try:
        options = parser(words[:1]).parse_args(words)
    except SystemExit as stop:  # argparse ends the process itself: 0 after --help, 2 after bad usage
        return int(stop.code or 0)
    try:
        with notes_as_sentences():
            code = _run(options)
        sys.stdout.flush()
        return code
    except InputError as error:
        print(f"refms: {error}", file=sys.stderr)
        return 2
    except BrokenPipeError:  # the reader of our output has gone, as in refms show FILE | head
        return 0
    except OSError as error:
        if error.errno == errno.ENOMEM:
            return _out_of_memory()
        # what has no number does not come from the system, but from a library that could not be loaded
        what = "cannot write the output: " if error.errno is not None else ""
        print(f"refms: {what}{str(error.strerror or error).rstrip('.')}.", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("refms: interrupted; files written before are intact.", file=sys.stderr)
        return 130
    except MemoryError:
        return _out_of_memory()


def _out_of_memory() -> int:
    print("refms: out of memory. Lower [optimization] memory, the channels or the examples.", file=sys.stderr)
    return 2


def run() -> None:
    """End the process with the exit code of :func:`main`."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):  # a character it cannot show must not end the program
            stream.reconfigure(errors="backslashreplace")
    code = main()
    try:
        sys.stdout.flush()
    except OSError:  # said already; without this Python would try again, and complain, on its way out
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    sys.exit(code)


def _run(options: argparse.Namespace) -> int:
    """Run the command; with ``--json -`` standard output gets the JSON alone."""
    if options.json == "-":
        options.json = sys.stdout
        with contextlib.redirect_stdout(sys.stderr):
            return int(options.run(options))
    if options.json is not None:
        require_json_target(options.json, force=options.force)
    return int(options.run(options))
