"""Floor 8: the command line. Parses, calls, prints; decides nothing."""


def main() -> None:
    """Run the ``seewhy`` command."""
    import sys
    from io import TextIOWrapper

    from seewhy.cli.app import app

    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):
            # a terminal that lacks a character gets a question mark, not a stack trace
            stream.reconfigure(errors="replace")
    app()
