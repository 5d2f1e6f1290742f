"""The command line: ``refms COMMAND``, one file a subcommand."""
