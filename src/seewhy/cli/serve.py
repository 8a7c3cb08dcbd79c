"""``seewhy serve``: the app in the browser, for one model."""

from __future__ import annotations

from typing import Annotated

import typer

from seewhy.cli.options import (
    Batch,
    Device,
    Labels,
    ModelSpec,
    Preprocess,
    Returns,
    Weights,
    loaded_model,
)
from seewhy.cli.terminal import notes_on_stderr, orderly_exit, print_model
from seewhy.errors import InputError

SHORTEST_TOKEN = 16


def serve(
    model: ModelSpec = "builtin:imagenet",
    port: Annotated[
        int | None,
        typer.Option(
            metavar="N",
            help="0 takes any that is free. Default 8765, or one of the next if that is taken.",
        ),
    ] = None,
    host: Annotated[
        str,
        typer.Option(
            metavar="ADDRESS",
            help="Where to listen. Anything but this machine itself lets others in who have the "
            "token, and the token then crosses the network unencrypted.",
        ),
    ] = "127.0.0.1",
    open_: Annotated[
        bool, typer.Option("--open/--no-open", help="Open the page in the browser.")
    ] = False,
    token: Annotated[
        str | None,
        typer.Option(
            envvar="SEEWHY_TOKEN",
            metavar="TEXT",
            help="What a browser must know to be let in; default: drawn anew at each start.",
        ),
    ] = None,
    batch: Batch = "auto",
    device: Device = "auto",
    weights: Weights = None,
    labels: Labels = None,
    preprocess: Preprocess = "auto",
    returns: Returns = "auto",
) -> None:
    """Open a page where pictures are dropped and explained; Ctrl-C ends it.

    The page, the pictures and the model stay on this machine. Only who has the address that is
    printed, with its token, is let in.

    \b
    seewhy serve --open
    seewhy serve --model torchvision:resnet34 --port 0
    """  # noqa: D301  (the escape keeps the help from joining these lines)
    with orderly_exit(), notes_on_stderr(quiet=False):
        if port is not None and not 0 <= port <= 65535:
            raise InputError(f"--port must be a number from 0 to 65535; got {port}")
        from seewhy.server.app import create_app
        from seewhy.server.serving import address_of, open_socket
        from seewhy.server.serving import serve as run
        from seewhy.server.settings import Settings, drawn_token

        secret = drawn_token() if token is None else _checked(token)
        listening = open_socket(host, port)
        with listening:
            settings = Settings(host=host, port=listening.getsockname()[1], token=secret)
            classifier = loaded_model(
                model,
                weights=weights,
                labels=labels,
                preprocess=preprocess,
                returns=returns,
                device=device,
                batch=batch,
            )
            app = create_app(classifier, settings)
            print_model(classifier)
            _warn(host)
            address = address_of(settings)
            typer.echo(f"→ {address}\n  (Ctrl-C ends it)")
            if open_:
                _open(address)
            run(app, listening)
        typer.echo("Ended.")


def _checked(token: str) -> str:
    plain = token.isascii() and all(c.isalnum() or c in "-_.~" for c in token)
    if not plain or len(token) < SHORTEST_TOKEN:
        raise InputError(
            f"--token must be {SHORTEST_TOKEN} or more letters, digits, '-', '_', '.' or '~'; "
            "leave it out, and one is drawn"
        )
    return token


def _warn(host: str) -> None:
    from seewhy.server.settings import is_loopback

    if not is_loopback(host):
        typer.echo(
            f"! --host {host} lets other machines in: whoever learns the token may use this model "
            "and see what is asked here, and the token crosses the network unencrypted. Keep it "
            "to a network that you trust, or forward the port by ssh instead.",
            err=True,
        )


def _open(address: str) -> None:
    import threading
    import webbrowser

    # some browsers are waited for until they are closed
    threading.Thread(target=webbrowser.open, args=(address,), daemon=True).start()
