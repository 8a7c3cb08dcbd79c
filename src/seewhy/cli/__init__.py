"""Floor 7: the command line. Parses, calls, prints; decides nothing."""


def main() -> None:
    """Run the ``seewhy`` command."""
    from seewhy.cli.app import app

    app()
