"""What all models have in common whose forward pass takes and returns NumPy arrays."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from types import MappingProxyType
from typing import Any, Literal, TypeAlias, cast, get_args

import numpy as np
from jaxtyping import Float32, Int32

from seewhy.errors import InputError, did_you_mean
from seewhy.image.compositing import Compositor
from seewhy.models.batching import Batcher, Forward, forward_in_batches, masked_forward
from seewhy.models.labels import check_labels, class_labels, numbered_labels
from seewhy.models.origin import Origin
from seewhy.models.preprocessing import Preprocessing
from seewhy.models.protocol import MaskedModel, Output
from seewhy.models.shuffled import SUFFIX, Reweighted

Layout: TypeAlias = Literal["NCHW", "NHWC"]


class ArrayModel:
    """A model around a forward pass from NumPy arrays to NumPy arrays.

    Parameters
    ----------
    forward : callable
        One forward pass from normalised float32 inputs in `layout` to (b, k) or (b,). It must not
        keep its argument, which is a reused buffer.
    spec, framework : str
        How the model is named, and what runs it.
    labels : sequence of str, optional
        One name per output, or two for a single output p, of [1 - p, p]; None numbers them.
    output : {"logits", "probabilities", "raw"}
        What the numbers are.
    preprocessing : Preprocessing
        How a picture becomes the input.
    fingerprint : str
        Digest of whatever determines the answers.
    batcher : Batcher
        With the batch that suits the model.
    layout : {"NHWC", "NCHW"}
        Whether channels come last or first in the input.
    aliases : mapping of str to int, optional
        Further spellings of the classes.
    twin : callable, optional
        Makes the same model in a framework that has gradients, when a gradient method asks.
    reweighted : callable, optional
        Gives the forward pass with its weights shuffled by a generator; None where they cannot be
        reached.
    origin : Origin, optional
        Where preprocessing, labels and the kind of output come from.

    Raises
    ------
    ModelError
        When the outputs for one grey picture make no sense, or are not as many as the labels.
    """

    def __init__(
        self,
        forward: Forward,
        *,
        spec: str,
        framework: str,
        labels: Sequence[str] | None,
        output: Output,
        preprocessing: Preprocessing,
        fingerprint: str,
        batcher: Batcher,
        layout: Layout = "NHWC",
        aliases: Mapping[str, int] | None = None,
        twin: Callable[[], Any] | None = None,
        reweighted: Callable[[np.random.Generator], Reweighted] | None = None,
        origin: Origin | None = None,
    ) -> None:
        self.spec = spec
        self.framework = framework
        self.output: Output = checked_output(output)
        self.preprocessing = preprocessing
        self.fingerprint = fingerprint
        self.twin = twin
        self.origin = origin
        self._reweighted = reweighted
        self.aliases: Mapping[str, int] = MappingProxyType(dict(aliases or {}))
        self._forward = forward
        self._layout: Layout = layout
        self._batcher = batcher
        grey = np.full((1, *self.input_size), 0.5, np.float32)
        columns = self(grey).shape[1]
        given = numbered_labels(columns, self.output) if labels is None else labels
        self.labels = class_labels(
            check_labels(given, columns, name=spec, output=self.output), self.output
        )

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.spec!r}, {len(self.labels)} classes)"

    @property
    def input_size(self) -> tuple[int, int, int]:
        """Height, width and channels of a picture at the model's input."""
        return self.preprocessing.input_size

    @property
    def batch_size(self) -> int:
        """How many pictures go into one forward pass; halves when memory runs out."""
        return self._batcher.size

    def __call__(self, images: Float32[np.ndarray, "n h w c"]) -> Float32[np.ndarray, "n k"]:
        """Classify pictures in [0, 1] at the model's input size; see `Model`."""

        def forward(pictures: Float32[np.ndarray, "b h w c"]) -> np.ndarray:
            inputs = self.preprocessing.normalise(pictures)
            if self._layout == "NCHW":
                inputs = inputs.transpose(0, 3, 1, 2)
            return self._forward(np.ascontiguousarray(inputs))

        return forward_in_batches(forward, images, self._batcher, input_size=self.input_size)

    def masked(
        self,
        image: Float32[np.ndarray, "h w c"],
        fill: Float32[np.ndarray, "h w c"],
        labels: Int32[np.ndarray, "h w"],
    ) -> MaskedModel:
        """Bind the model to one picture; one call at a time, its buffer is reused; see `Model`."""
        normalise = self.preprocessing.normalise
        compositor = Compositor(normalise(image), normalise(fill), labels, layout=self._layout)
        return masked_forward(self._forward, compositor, self._batcher)

    @property
    def has_weights(self) -> bool:
        """Whether the weights can be reached, to shuffle them."""
        return self._reweighted is not None

    def with_shuffled_weights(self, rng: np.random.Generator) -> ArrayModel:
        """Return the same network with its weights shuffled; see `shuffle_weights`."""
        if self._reweighted is None:
            raise InputError(f"the weights of {self.spec} ({self.framework}) cannot be reached.")
        other = self._reweighted(rng)
        return ArrayModel(
            other.forward,
            spec=self.spec + SUFFIX,
            framework=self.framework,
            labels=self.labels,
            output=self.output,
            preprocessing=self.preprocessing,
            fingerprint=other.fingerprint,
            batcher=self._batcher.for_model(self.spec + SUFFIX),
            layout=self._layout,
            aliases=self.aliases,
            twin=other.twin,
            origin=self.origin,
        )


def checked_output(output: str) -> Output:
    """Refuse an unknown kind of output.

    Parameters
    ----------
    output : str
        What the user declared.

    Returns
    -------
    {"logits", "probabilities", "raw"}

    Raises
    ------
    InputError
        When it is none of these.
    """
    if output not in get_args(Output):
        raise InputError(
            f"output must be 'logits', 'probabilities' or 'raw'; got {output!r}"
            f"{did_you_mean(str(output), get_args(Output)) or '.'}"
        )
    return cast(Output, output)


def fingerprint_of(
    parts: Iterable[bytes], *, preprocessing: Preprocessing, output: Output, layout: str = "NHWC"
) -> str:
    """Digest what determines a model's answers.

    Parameters
    ----------
    parts : iterable of bytes
        The weights, or what stands for them.
    preprocessing : Preprocessing
        Of the model.
    output : {"logits", "probabilities", "raw"}
        Of the model.
    layout : {"NHWC", "NCHW"}
        Of the model's input.

    Returns
    -------
    str
        16 hexadecimal digits of a SHA-256.
    """
    digest = hashlib.sha256()
    for part in parts:
        digest.update(part)
    settings = [preprocessing.to_json(), output, layout]
    digest.update(json.dumps(settings, sort_keys=True).encode())
    return digest.hexdigest()[:16]
