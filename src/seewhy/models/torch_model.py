"""PyTorch networks as models: the live module that a person has, left as it was found.

Masks are composited where the network lives: on the CPU by NumPy into one reused
buffer that the network reads in place, on a device by the device, so that only
masks travel.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import Any, Literal

import numpy as np
from jaxtyping import Bool, Float, Float32, Float64, Int32

from seewhy.errors import InputError, ModelError
from seewhy.game.scores import ClassScores
from seewhy.image.compositing import Compositor
from seewhy.models.array_model import checked_output, fingerprint_of
from seewhy.models.batching import (
    Batch,
    Batcher,
    forward_in_batches,
    masked_forward,
    resolve_batch,
)
from seewhy.models.labels import check_labels, class_labels, numbered_labels
from seewhy.models.line_checks import check_line
from seewhy.models.origin import Origin
from seewhy.models.preprocessing import Preprocessing
from seewhy.models.protocol import MaskedModel, Output
from seewhy.models.shuffled import SUFFIX
from seewhy.models.torch_compositing import DeviceCompositor
from seewhy.models.torch_extra import torch
from seewhy.models.torch_gradients import line_gradients
from seewhy.models.torch_module import (
    evaluating,
    first_line,
    has_convolutions,
    is_torch_memory_error,
    kind,
    number_type,
    place_module,
    scores_of,
    shuffled_copy,
    weights_digest,
)

_AT_224 = {"cpu": 16, "cuda": 128}  # pictures of 224² per forward pass
_AT_224_ELSEWHERE = 32


class TorchModel:
    """A PyTorch image classifier, explained without being changed.

    During a call the module is in evaluation mode; afterwards every submodule has the mode it had
    before. Parameters stay where they are, unless `device` says otherwise.

    Parameters
    ----------
    module : torch.nn.Module
        Takes normalised pictures (n, c, h, w); returns one row per picture, or something with
        ``logits``.
    preprocess : Preprocessing, str or Path
        How a picture becomes the module's input: the object itself, a JSON file, or the name of a
        model whose preprocessing it shares, such as ``"torchvision:resnet34"``.
    labels : sequence of str, optional
        One name per output. None numbers them: ``"class 0"``, ``"class 1"``, ….
    output : {"logits", "probabilities", "raw"}
        What the module returns.
    device : str or torch.device
        Where to compute. ``"auto"``: where the module's parameters live; anything else moves the
        module there.
    batch : int or "auto"
        Pictures per forward pass. ``"auto"`` depends on the input size and the device only; when
        memory runs out, the batch is halved.
    spec : str, optional
        How the model is named in results; default: the name of the module's class.
    framework : str
        Likewise, what runs it.
    aliases : mapping of str to int, optional
        Further spellings of the classes.
    origin : Origin, optional
        Where preprocessing, labels and the kind of output come from.

    Attributes
    ----------
    module : torch.nn.Module
        The module itself.
    device : torch.device
        Where it computes.
    labels : tuple of str
    aliases : mapping of str to int
    output : {"logits", "probabilities", "raw"}
    preprocessing : Preprocessing
    spec, framework : str

    Raises
    ------
    InputError
        When an argument is not what it should be.
    ModelError
        When the module does not take pictures of that size (it is tried on one), or its outputs
        are not as many as the labels.

    Examples
    --------
    >>> import torch
    >>> net = torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(12, 2))
    >>> model = TorchModel(net, preprocess=Preprocessing((2, 2)), labels=["cat", "dog"])
    >>> model(np.zeros((5, 2, 2, 3), np.float32)).shape
    (5, 2)
    """

    def __init__(
        self,
        module: Any,
        *,
        preprocess: Preprocessing | str | Path,
        labels: Sequence[str] | None = None,
        output: Output = "logits",
        device: Any = "auto",
        batch: Batch = "auto",
        spec: str | None = None,
        framework: str = "torch",
        aliases: Mapping[str, int] | None = None,
        origin: Origin | None = None,
    ) -> None:
        if not isinstance(module, torch.nn.Module):
            raise InputError(
                f"module must be a torch.nn.Module; got {kind(module)}: wrap a plain function "
                "with CallableModel."
            )
        from seewhy.models.spec import resolve_preprocessing  # it imports adapters such as this

        self.module = module
        self.preprocessing = resolve_preprocessing(preprocess)
        self.output: Output = checked_output(output)
        self.spec = type(module).__name__ if spec is None else spec
        self.framework = framework
        self.origin = origin
        self.aliases: Mapping[str, int] = MappingProxyType(dict(aliases or {}))
        self.device = place_module(module, device)
        at_224 = _AT_224.get(self.device.type, _AT_224_ELSEWHERE)
        size = resolve_batch(batch, self.input_size, at_224=at_224)
        self._channels_last = self.device.type == "cpu" and has_convolutions(module)
        columns = self._probe()
        given = numbered_labels(columns, self.output) if labels is None else labels
        self.labels = class_labels(
            check_labels(given, columns, name=self.spec, output=self.output), self.output
        )
        self._batcher = Batcher(
            size, name=self.spec, columns=columns, out_of_memory=is_torch_memory_error
        )
        # half the pictures: what a layer says must be kept until its gradient is taken
        self._backwards = Batcher(
            max(size // 2, 1), name=self.spec, out_of_memory=is_torch_memory_error
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

    @property
    def fingerprint(self) -> str:
        """Digest of the weights as they are now, the class, the preprocessing and the output."""
        parts = (type(self.module).__qualname__.encode(), weights_digest(self.module).encode())
        return fingerprint_of(parts, preprocessing=self.preprocessing, output=self.output)

    def __call__(self, images: Float32[np.ndarray, "n h w c"]) -> Float32[np.ndarray, "n k"]:
        """Classify pictures in [0, 1] at the model's input size; see `Model`."""

        def forward(pictures: Float32[np.ndarray, "b h w c"]) -> np.ndarray:
            return self._answer(self.to_input(pictures))

        with evaluating(self.module):
            return forward_in_batches(forward, images, self._batcher, input_size=self.input_size)

    def masked(
        self,
        image: Float32[np.ndarray, "h w c"],
        fill: Float32[np.ndarray, "h w c"],
        labels: Int32[np.ndarray, "h w"],
    ) -> MaskedModel:
        """Bind the model to one picture; one call at a time, its buffer is reused; see `Model`."""
        image, fill = (self.preprocessing.normalise(pixels) for pixels in (image, fill))
        if self.device.type == "cpu":
            outputs = self._masked_by_numpy(image, fill, labels)
        else:
            outputs = self._masked_on_device(image, fill, labels)

        def evaluated(masks: Bool[np.ndarray, "n d"]) -> Float32[np.ndarray, "n k"]:
            with evaluating(self.module):
                return outputs(masks)

        return evaluated

    @property
    def has_weights(self) -> bool:
        """Whether the weights can be reached, to shuffle them."""
        return True

    def with_shuffled_weights(self, rng: np.random.Generator) -> TorchModel:
        """Return a copy of the network with its weights shuffled; see `shuffle_weights`."""
        return TorchModel(
            shuffled_copy(self.module, rng, name=self.spec),
            preprocess=self.preprocessing,
            labels=self.labels,
            output=self.output,
            batch=self.batch_size,
            spec=self.spec + SUFFIX,
            framework=self.framework,
            aliases=self.aliases,
            origin=self.origin,
        )

    def path_gradients(
        self,
        image: Float32[np.ndarray, "h w c"],
        references: Float32[np.ndarray, "n h w c"],
        positions: Float[np.ndarray, " n"],
        asked: ClassScores,
    ) -> tuple[Float64[np.ndarray, "n t"], Float32[np.ndarray, "t n h w"]]:
        """Differentiate scores between references and a picture; see `DifferentiableModel`."""
        check_line(image, references, positions, input_size=self.input_size)
        same = len(positions) > 0 and references.strides[0] == 0  # one picture, broadcast
        with torch.inference_mode(False), evaluating(self.module):
            only = self.to_input(references[:1]) if same else None
            return line_gradients(
                self.forward,
                self.to_input(image[None]),
                lambda rows: self.to_input(references[rows]) if only is None else only,
                positions,
                asked,
                output=self.output,
                batcher=self.backward_batches(len(asked.targets)),
            )

    def backward_batches(self, columns: int) -> Batcher:
        """Cut work that needs gradients into batches, smaller ones since memory ran out.

        Parameters
        ----------
        columns : int
            How many numbers an answer has per picture.

        Returns
        -------
        Batcher
            One and the same for the life of the model.
        """
        self._backwards.columns = columns
        return self._backwards

    def to_input(self, images: Float32[np.ndarray, "n h w c"]) -> Any:
        """Bring pictures to where and how the module takes them.

        Parameters
        ----------
        images : (n, h, w, c) float32 in [0, 1]
            At the model's input size.

        Returns
        -------
        torch.Tensor
            (n, c, h, w), normalised, on the model's device.
        """
        pixels = np.ascontiguousarray(self.preprocessing.normalise(images))
        return self._tensor(torch.from_numpy(pixels).permute(0, 3, 1, 2))

    def forward(self, inputs: Any) -> Any:
        """Run the module as it is, with gradients if they are on: for gradient methods.

        Parameters
        ----------
        inputs : torch.Tensor
            (n, c, h, w), as `to_input` makes them.

        Returns
        -------
        torch.Tensor
            (n, k).

        Raises
        ------
        ModelError
            When the module returns something else than a tensor or an object with ``logits``.
        """
        return scores_of(self.module(inputs), name=self.spec)

    def _masked_by_numpy(
        self,
        image: Float32[np.ndarray, "h w c"],
        fill: Float32[np.ndarray, "h w c"],
        labels: Int32[np.ndarray, "h w"],
    ) -> MaskedModel:
        layout: Literal["NHWC", "NCHW"] = "NHWC" if self._channels_last else "NCHW"
        compositor = Compositor(image, fill, labels, layout=layout)

        def forward(buffer: Float32[np.ndarray, "b ..."]) -> np.ndarray:
            shared = torch.from_numpy(buffer)
            return self._answer(
                self._tensor(shared.permute(0, 3, 1, 2) if self._channels_last else shared)
            )

        return masked_forward(forward, compositor, self._batcher)

    def _masked_on_device(
        self,
        image: Float32[np.ndarray, "h w c"],
        fill: Float32[np.ndarray, "h w c"],
        labels: Int32[np.ndarray, "h w"],
    ) -> MaskedModel:
        compositor = DeviceCompositor(image, fill, labels, device=self.device)

        def outputs(masks: Bool[np.ndarray, "n d"]) -> Float32[np.ndarray, "n k"]:
            return self._batcher.run(
                len(masks), lambda rows: self._answer(self._tensor(compositor(masks[rows])))
            )

        return outputs

    def _tensor(self, inputs: Any) -> Any:
        """Device, number type and memory layout that the module takes."""
        layout = torch.channels_last if self._channels_last else torch.contiguous_format
        inputs = inputs.to(self.device, number_type(self.module))
        return inputs.contiguous(memory_format=layout)

    def _answer(self, inputs: Any) -> np.ndarray:
        with torch.inference_mode():
            scores = self.forward(inputs)
            if len(inputs) == 1 and scores.ndim < 2:  # modules that squeeze their answer
                scores = scores.reshape(1, -1)
            return np.asarray(scores.float().cpu().numpy())

    def _probe(self) -> int:
        """Count the outputs for a grey picture; also finds out which layout the module takes."""
        grey = np.full((1, *self.input_size), 0.5, np.float32)
        try:
            with evaluating(self.module):
                answer = self._answer(self.to_input(grey))
        except (RuntimeError, ValueError, TypeError, IndexError, AssertionError) as error:
            if self._channels_last:  # Tensor.view refuses it; modules that reshape do not mind
                self._channels_last = False
                return self._probe()
            h, w, c = self.input_size
            raise ModelError(
                f"{self.spec} cannot classify a picture of {h} × {w} with {c} channels on "
                f"{self.device} ({first_line(error)}); is preprocess that of this network?"
            ) from error
        return int(Batcher(1, name=self.spec).run(1, lambda rows: answer).shape[1])
