"""What was asked of `load_model`, on its way to an adapter."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from seewhy.errors import InputError
from seewhy.models.batching import Batch
from seewhy.models.origin import Origin
from seewhy.models.preprocessing import Preprocessing
from seewhy.models.protocol import Output

_GIVEN = "as given"


@dataclass(frozen=True)
class ModelRequest:
    """A model's name and the wishes that came with it, labels and preprocessing already read.

    Every adapter has a function ``from_request`` that takes one, and refuses what it cannot heed.

    Parameters
    ----------
    spec : str
        The whole name, ``"torchvision:resnet34"``.
    weights : str, Path or None
        A file of weights.
    pretrained : bool
        Without `weights`: whether the network's published ones are taken.
    labels : tuple of str or None
        Class names instead of those that come with the model.
    preprocess : Preprocessing or None
        Instead of the preprocessing that comes with the model.
    output : {"logits", "probabilities", "raw"} or None
        What the model returns, instead of what is known about it.
    device : str
        ``"auto"``, ``"cpu"``, ``"cuda"``, ….
    batch : int or "auto"
        Pictures per forward pass.
    """

    spec: str
    weights: str | Path | None = None
    pretrained: bool = True
    labels: tuple[str, ...] | None = None
    preprocess: Preprocessing | None = None
    output: Output | None = None
    device: str = "auto"
    batch: Batch = "auto"

    @property
    def name(self) -> str:
        """What follows the scheme: ``"resnet34"``."""
        return self.spec.partition(":")[2]

    def refuse(self, *arguments: str) -> None:
        """Say which argument does not go with this kind of model, rather than ignore it.

        Parameters
        ----------
        *arguments : str
            Those that the adapter cannot heed. A ``"device"`` other than the CPU is meant.

        Raises
        ------
        InputError
            When one of them was given.
        """
        given = {
            "weights": self.weights is not None,
            "pretrained": not self.pretrained,
            "labels": self.labels is not None,
            "preprocess": self.preprocess is not None,
            "output": self.output is not None,
            "device": self.device not in ("auto", "cpu"),
        }
        shown = {
            "pretrained": "pretrained=False",
            "device": f"device={self.device!r}",
            "output": f"output={self.output!r} (--returns {self.output})",
        }
        for argument in arguments:
            if given[argument]:
                raise InputError(
                    f"{shown.get(argument, argument)} does not go with {self.spec!r}; leave it out."
                )

    def origin(self, *, preprocessing: str, labels: str, output: str) -> Origin:
        """Say where a model's settings come from, those that were given being given.

        Parameters
        ----------
        preprocessing, labels, output : str
            Where each comes from when nothing was given.

        Returns
        -------
        Origin
        """
        return Origin(
            preprocessing=preprocessing if self.preprocess is None else _GIVEN,
            labels=labels if self.labels is None else _GIVEN,
            output=output if self.output is None else _GIVEN,
        )
