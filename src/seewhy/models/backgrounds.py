"""Other real pictures behind a picture's superpixels: the same game before each of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from seewhy.errors import InputError
from seewhy.game.game import Game
from seewhy.image.read import Image, Picture
from seewhy.models.masking_game import MaskedPicture, game_like
from seewhy.models.protocol import Model


def backdrops_of(model: Model, pictures: Sequence[Picture]) -> dict[str, Image]:
    """Bring other pictures to a model's input, by the model's own preprocessing.

    Returns
    -------
    dict of str to (h, w, c) float32 array
        By the pictures' names; those of one name are numbered.

    Raises
    ------
    InputError
        A picture whose channels the model does not take.
    """
    found: dict[str, Image] = {}
    for picture in pictures:
        try:
            pixels = model.preprocessing.apply(picture.pixels)
        except InputError as misfit:
            raise InputError(f"backgrounds: {picture.name}: {misfit}") from misfit
        found[_free_name(picture.name, found)] = pixels
    return found


def background_games(
    game: Game, model: Model, masked: MaskedPicture, backdrops: Mapping[str, Image]
) -> dict[str, Game]:
    """Make one game per backdrop: where a superpixel is hidden, another picture shows.

    Parameters
    ----------
    game : Game
        Of the picture itself; who is whose neighbour is taken from it.
    model : Model
    masked : MaskedPicture
        The picture and its superpixels; its own fill is not used.
    backdrops : mapping of str to (h, w, c) float32 array
        See `backdrops_of`.
    """
    return {
        name: game_like(game, model, replace(masked, fill=pixels))
        for name, pixels in backdrops.items()
    }


def _free_name(name: str, taken: Mapping[str, Image]) -> str:
    number, free = 2, name
    while free in taken:
        free, number = f"{name} ({number})", number + 1
    return free
