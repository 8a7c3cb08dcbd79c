"""The Hugging Face hub, where timm and Transformers keep weights: kept quiet, put into words."""

from __future__ import annotations

import logging
import socket
import sys
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module
from typing import Any
from urllib.parse import urlsplit
from urllib.request import getproxies

_LIBRARIES = ("huggingface_hub", "transformers")
# By the names of the hub's exceptions, a subclass before its base.
_FAILURES = (
    ("GatedRepoError", "its owners must grant you access: ask them there, then hf auth login"),
    ("RevisionNotFoundError", "there is no such revision"),
    ("RepositoryNotFoundError", "there is no such model, or it is private and needs hf auth login"),
    ("LocalEntryNotFoundError", "the hub cannot be reached and the cache does not have it"),
    ("OfflineModeIsEnabled", "the hub cannot be reached and the cache does not have it"),
    ("EntryNotFoundError", "a file is missing there"),
    ("HfHubHTTPError", "the hub answers with an error"),
    ("ConnectionError", "the hub cannot be reached"),
    ("TimeoutError", "the hub does not answer"),
)


@contextmanager
def visiting_hub(*, fetching: bool = True) -> Iterator[None]:
    """Keep the progress bars and remarks of the hub's libraries off the terminal for a while.

    Parameters
    ----------
    fetching : bool
        Whether something may have to be downloaded. Where the hub's name is not even known, its
        client is told so at once; it would try for half a minute and longer.

    Yields
    ------
    None
        Everything is as before afterwards.
    """
    hub: Any = import_module("huggingface_hub")
    constants: Any = import_module("huggingface_hub.constants")
    levels = [(logging.getLogger(name), logging.getLogger(name).level) for name in _LIBRARIES]
    offline = constants.HF_HUB_OFFLINE
    heeded = int(hub.__version__.partition(".")[0]) >= 1  # before, sessions kept it for good
    try:
        for logger, _ in levels:
            logger.setLevel(logging.ERROR)
        if fetching and heeded and not offline:
            constants.HF_HUB_OFFLINE = _is_unknown(constants.ENDPOINT)
        with _without_progress_bars(import_module("huggingface_hub.utils")):
            yield
    finally:
        constants.HF_HUB_OFFLINE = offline
        for logger, level in levels:
            logger.setLevel(level)


def hub_failure(error: BaseException) -> str | None:
    """Say in a few words why the hub did not hand out a model.

    Parameters
    ----------
    error : BaseException
        What timm or Transformers raised; its causes are looked through.

    Returns
    -------
    str or None
        None when the hub was not the trouble.
    """
    kinds = {kind.__name__ for cause in causes(error) for kind in type(cause).__mro__}
    return next((words for name, words in _FAILURES if name in kinds), None)


def causes(error: BaseException) -> Iterator[BaseException]:
    """Go through an exception and what led to it.

    Parameters
    ----------
    error : BaseException
        As caught.

    Yields
    ------
    BaseException
        The latest first.
    """
    cause: BaseException | None = error
    while cause is not None:
        yield cause
        cause = cause.__cause__ or cause.__context__


@contextmanager
def _without_progress_bars(hub_utils: Any) -> Iterator[None]:
    """Transformers has a switch of its own, which moves the hub's as well."""
    theirs: Any = sys.modules.get("transformers.utils.logging")
    on = theirs is not None and theirs.is_progress_bar_enabled()
    hub_on = not hub_utils.are_progress_bars_disabled()
    try:
        with _unwarned():
            if on:
                theirs.disable_progress_bar()
            hub_utils.disable_progress_bars()
        yield
    finally:
        with _unwarned():
            if on:
                theirs.enable_progress_bar()
            if hub_on:
                hub_utils.enable_progress_bars()
            else:
                hub_utils.disable_progress_bars()


@contextmanager
def _unwarned() -> Iterator[None]:
    """The hub's switches warn where an environment variable has decided for good."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)
        yield


def _is_unknown(address: str) -> bool:
    """Whether nobody here knows the hub's name; a proxy, where there is one, would ask itself."""
    if getproxies():
        return False
    try:
        socket.getaddrinfo(urlsplit(address).hostname, 443)
    except OSError:
        return True
    return False
