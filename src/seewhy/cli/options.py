"""Options that several verbs have, spelt and explained alike."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from seewhy.errors import InputError, did_you_mean

if TYPE_CHECKING:
    from seewhy.models.protocol import Model

RETURNS = ("auto", "logits", "probabilities", "raw")

ModelSpec = Annotated[
    str,
    typer.Option(
        metavar="SPEC",
        help="The classifier: builtin:imagenet, torchvision:resnet34, timm:NAME, hf:ORG/NAME, "
        "keras:InceptionV3, file.onnx, file.keras, py:module:function, v2+http://HOST/... . "
        "`seewhy models` lists them.",
    ),
]
Against = Annotated[
    str | None,
    typer.Option(metavar="NAME|INDEX", help="Explain why the target rather than this class."),
]
Segments = Annotated[
    str,
    typer.Option(
        metavar="SPEC",
        help="How to cut the picture: slic:60, quickshift, felzenszwalb, watershed:60, grid:7.",
    ),
]
FillSpec = Annotated[
    str,
    typer.Option(
        metavar="SPEC",
        help="What a hidden region shows: mean (its own mean colour), mean-colour, grey, "
        "black, blur, noise, picture:FILE.",
    ),
]
ScoreName = Annotated[
    str, typer.Option(help="Scale: log-odds, probability, log-probability or raw.")
]
Seed = Annotated[int | None, typer.Option(help="Default: from the picture, so results repeat.")]
Batch = Annotated[str, typer.Option(metavar="auto|N", help="Pictures per model call.")]
Device = Annotated[str, typer.Option(help="auto, cpu, cuda, cuda:1, mps.")]
Weights = Annotated[
    Path | None,
    typer.Option(
        metavar="FILE", help="Weights: .safetensors, .pth without code in it, or Keras's .h5."
    ),
]
Labels = Annotated[
    Path | None,
    typer.Option(metavar="FILE", help="Class names: a JSON list or object, or one a line."),
]
Preprocess = Annotated[
    str,
    typer.Option(
        metavar="auto|FILE.json|SPEC",
        help="How pictures are fed to the model; auto takes the model's own way.",
    ),
]
Returns = Annotated[
    str,
    typer.Option(
        metavar="auto|KIND",
        help="What the model returns: logits, probabilities or raw; auto takes what its source "
        "says.",
    ),
]
Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="Print only where results are.")]


def loaded_model(
    spec: str,
    *,
    weights: Path | None,
    labels: Path | None,
    preprocess: str,
    returns: str,
    device: str,
    batch: str,
) -> Model:
    """Load the model that the options describe."""
    from seewhy.models.spec import load_model

    if returns not in RETURNS:
        near = did_you_mean(returns, RETURNS)
        raise InputError(f"--returns must be {', '.join(RETURNS)}; got {returns!r}{near or '.'}")
    return load_model(
        spec,
        weights=weights,
        labels=labels,
        preprocess=preprocess,
        output=returns,
        device=device,
        batch="auto" if batch == "auto" else whole_number("--batch", batch),
    )


def whole_number(option: str, text: str) -> int:
    """Read an option that is 'auto' or a whole number above 0."""
    if not text.isascii() or not text.isdigit() or int(text) < 1:
        raise InputError(f"{option} must be 'auto' or a whole number above 0; got {text!r}")
    return int(text)
