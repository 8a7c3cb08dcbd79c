"""The Hugging Face hub, where timm and Transformers keep weights: kept quiet, put into words.

Also what the adapters of both have in common: a model may lie in a folder, and
each of them has an extra that brings everything it needs.
"""

from __future__ import annotations

import logging
import os
import re
import socket
import sys
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from urllib.request import getproxies

from seewhy.errors import MissingExtraError, SpecError

CONFIGURATION = "config.json"
_EXTRA = re.compile(r"seewhy\[\w+\]")
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


@contextmanager
def needing(extra: str) -> Iterator[None]:
    """Name the extra that brings everything, where one of the packages in it is missing.

    Parameters
    ----------
    extra : str
        ``"timm"`` or ``"hf"``: each holds PyTorch and torchvision too.

    Yields
    ------
    None
        While packages are imported.

    Raises
    ------
    MissingExtraError
        The one that was raised meanwhile, with a pip line that suffices.
    """
    try:
        yield
    except MissingExtraError as error:
        raise MissingExtraError(_EXTRA.sub(f"seewhy[{extra}]", str(error))) from error


def model_folder(name: str) -> Path | None:
    """Tell a folder from a name on the hub.

    Parameters
    ----------
    name : str
        As a person wrote it, ``~`` included.

    Returns
    -------
    Path or None
        The folder, which has a ``config.json``. None for any other name, also where a folder
        happens to be called so.

    Raises
    ------
    SpecError
        When the name can only be a folder (``./x``, ``~/x``, ``/x``) and that is none, or has no
        ``config.json``.
    """
    folder = Path(os.path.expanduser(name))  # Path's own fails where there is no such user
    if name and os.path.isfile(folder / CONFIGURATION):
        return folder
    if not name.startswith((".", "~")) and not folder.is_absolute():
        return None
    if os.path.isdir(folder):
        raise SpecError(
            f"the folder {name!r} has no {CONFIGURATION}, which says what network it holds; give "
            "one as the framework saves it."
        )
    raise SpecError(f"there is no folder {name!r}; only a folder's name starts so.")


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
