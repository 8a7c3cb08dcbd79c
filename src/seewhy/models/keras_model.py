"""Keras networks as models: the live network that a person has, left as it was found."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Float, Float32, Float64

from seewhy.errors import InputError
from seewhy.game.scores import ClassScores
from seewhy.models.array_model import ArrayModel, fingerprint_of
from seewhy.models.batching import Batch, Batcher, resolve_batch
from seewhy.models.keras_backend import backend_of, check_network, import_keras
from seewhy.models.keras_forward import KerasForward, is_keras_memory_error, run_network
from seewhy.models.keras_gradients import TensorFlowGradients
from seewhy.models.keras_settings import (
    entry_of,
    knows_imagenet,
    settled_output,
    settled_preprocessing,
)
from seewhy.models.keras_weights import network_parts, shuffled_network
from seewhy.models.labels import imagenet_aliases, imagenet_labels
from seewhy.models.line_checks import check_asked, check_line
from seewhy.models.origin import Origin
from seewhy.models.preprocessing import Preprocessing
from seewhy.models.shuffled import SUFFIX

_AT_224 = 16  # pictures of 224² per forward pass


class KerasModel(ArrayModel):
    """A Keras image classifier, explained without being changed.

    It is always run with ``training=False``, by the back end that Keras has. Gradient methods
    work on TensorFlow and on PyTorch.

    Parameters
    ----------
    network : keras.Model
        Of Keras 3, with one input (n, height, width, channels), channels first where its layers
        are, and one output (n, k).
    preprocess : "auto", Preprocessing, str or Path
        How a picture becomes the network's input: the object itself, a JSON file, or the name of
        a model whose preprocessing it shares, such as ``"keras:InceptionV3"``. ``"auto"``: a
        network that begins with Rescaling or Normalization takes pixels as these want them, from
        0 to 255 or to 1; one of `keras.applications` gets its ``preprocess_input``. Pictures are
        stretched to the input size with bilinear interpolation, as
        ``load_img(target_size=..., interpolation="bilinear")`` does; the default of ``load_img``
        itself is nearest.
    labels : sequence of str, optional
        One name per output. None numbers them; the thousand classes of a network of
        `keras.applications` are ImageNet's.
    output : {"auto", "logits", "probabilities", "raw"}
        What the network returns; ``"auto"``: what its last activation says.
    batch : int or "auto"
        Pictures per forward pass. ``"auto"`` depends on the input size only.
    input_size : tuple of int, optional
        Height and width, for a network that takes any; else they must be its own.
    spec : str, optional
        How the model is named in results; default: the network's name.
    aliases : mapping of str to int, optional
        Further spellings of the classes.
    origin : Origin, optional
        Where preprocessing, labels and the kind of output come from; default: what was found.

    Attributes
    ----------
    network : keras.Model
        The network itself.

    Raises
    ------
    MissingExtraError
        When Keras 3 is not installed.
    InputError
        When an argument is not what it should be, or must be given because nothing says it.
    ModelError
        When the network does not take pictures of that size (it is tried on one), or its outputs
        are not as many as the labels.
    """

    def __init__(
        self,
        network: Any,
        *,
        preprocess: str | Path | Preprocessing = "auto",
        labels: Sequence[str] | None = None,
        output: str = "auto",
        batch: Batch = "auto",
        input_size: tuple[int, int] | None = None,
        spec: str | None = None,
        aliases: Mapping[str, int] | None = None,
        origin: Origin | None = None,
    ) -> None:
        self._keras = import_keras()
        check_network(network, self._keras)
        name = str(network.name) if spec is None else spec
        entry = entry_of(network, name=name, keras=self._keras)
        found = settled_preprocessing(network, entry, preprocess, input_size, name)
        kind, said = settled_output(network, output, name)
        known = labels is None and knows_imagenet(network)
        self.network = network
        self._entry = entry
        self._gradients: TensorFlowGradients | None = None
        layout = "NHWC" if entry is None else entry.layout
        super().__init__(
            self._forward_of(network, name),
            spec=name,
            framework=f"keras on {backend_of(self._keras)}",
            labels=imagenet_labels() if known else labels,
            output=kind,
            preprocessing=found.preprocessing,
            fingerprint="",
            batcher=self._batcher_of(batch, found.preprocessing, name),
            layout=layout,
            aliases=imagenet_aliases() if known else aliases,
            origin=origin
            or Origin(
                preprocessing=found.source,
                labels="ImageNet's, by the network's name"
                if known
                else "numbered"
                if labels is None
                else "as given",
                output=said,
            ),
        )
        self._backwards = Batcher(
            self.batch_size if self._fixed_batch else max(self.batch_size // 2, 1),
            name=name,
            out_of_memory=is_keras_memory_error,
        )

    @property
    def fingerprint(self) -> str:
        """Digest of the weights as they are now, the structure, the preprocessing, the output."""
        return fingerprint_of(
            network_parts(self.network),
            preprocessing=self.preprocessing,
            output=self.output,
            layout=self._layout,
        )

    @fingerprint.setter
    def fingerprint(self, value: str) -> None:
        # ArrayModel sets one; here it is computed whenever it is asked for
        if value:
            raise AttributeError("the fingerprint follows the weights, and cannot be set.")

    @property
    def has_weights(self) -> bool:
        """Whether the weights can be reached, to shuffle them."""
        return True

    def with_shuffled_weights(self, rng: np.random.Generator) -> KerasModel:
        """Return a copy of the network with its weights shuffled; see `shuffle_weights`."""
        return KerasModel(
            shuffled_network(self.network, rng, self._keras, name=self.spec),
            preprocess=self.preprocessing,
            labels=self.labels,
            output=self.output,
            batch=self.batch_size,
            spec=self.spec + SUFFIX,
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
        self._check_differentiable()
        check_line(image, references, positions, input_size=self.input_size)
        check_asked(asked, len(self.labels), self.output)
        normalise = self.preprocessing.normalise
        same = len(positions) > 0 and references.strides[0] == 0  # one picture, broadcast
        only = normalise(references[:1]) if same else None

        def reference(rows: slice) -> Float32[np.ndarray, "b h w c"]:
            return normalise(references[rows]) if only is None else only

        self._backwards.columns = len(asked.targets)
        if backend_of(self._keras) == "torch":
            return self._lines_in_torch(normalise(image), reference, positions, asked)
        if self._gradients is None:
            self._gradients = TensorFlowGradients(
                self._in_tensorflow,
                output=self.output,
                name=self.spec,
                eager=bool(getattr(self.network, "run_eagerly", False)),
            )
        return self._gradients.along_lines(
            normalise(image), reference, positions, asked, self._backwards
        )

    @property
    def _fixed_batch(self) -> int | None:
        return None if self._entry is None else self._entry.batch

    def _batcher_of(self, batch: Batch, preprocessing: Preprocessing, name: str) -> Batcher:
        size = resolve_batch(batch, preprocessing.input_size, at_224=_AT_224)
        return Batcher(self._fixed_batch or size, name=name, out_of_memory=is_keras_memory_error)

    def _forward_of(self, network: Any, name: str) -> KerasForward:
        entry = self._entry
        if entry is None:
            return KerasForward(network, self._keras, name=name)
        return KerasForward(
            network,
            self._keras,
            name=name,
            dtype=entry.dtype,
            flat=entry.flat,
            batch=entry.batch,
        )

    def _check_differentiable(self) -> None:
        backend = backend_of(self._keras)
        if backend not in ("tensorflow", "torch"):
            raise InputError(
                f"gradients of a Keras network are taken on TensorFlow or PyTorch, and Keras "
                f"computes with {backend} here; set KERAS_BACKEND=tensorflow, or use a method that "
                "only asks for scores, such as kernel-shap."
            )
        if self._entry is not None and "int" in self._entry.dtype:
            raise InputError(
                f"{self.spec} takes whole numbers ({self._entry.dtype}), which have no gradients; "
                "use a method that only asks for scores, such as kernel-shap."
            )

    def _in_tensorflow(self, points: Any) -> Any:
        import tensorflow as tf

        count, fixed = tf.shape(points)[0], self._fixed_batch
        if fixed is not None:
            points = tf.pad(points, [[0, fixed - count], [0, 0], [0, 0], [0, 0]])
            points = tf.ensure_shape(points, (fixed, *self.input_size))
        if self._layout == "NCHW":
            points = tf.transpose(points, (0, 3, 1, 2))
        if self._entry is not None and self._entry.flat:
            points = points[..., 0]
        outputs = run_network(self.network, points, self._keras)
        return outputs if fixed is None else outputs[:count]

    def _in_torch(self, points: Any) -> Any:
        """Pictures (b, c, h, w), as torch has them, to outputs."""
        count, fixed = len(points), self._fixed_batch
        if fixed is not None:
            import torch

            points = torch.nn.functional.pad(points, (0, 0, 0, 0, 0, 0, 0, fixed - count))
        if self._layout == "NHWC":
            points = points.permute(0, 2, 3, 1)
        if self._entry is not None and self._entry.flat:
            points = points[..., 0]
        return run_network(self.network, points, self._keras)[:count]

    def _lines_in_torch(
        self,
        image: Float32[np.ndarray, "h w c"],
        reference: Any,
        positions: Float[np.ndarray, " n"],
        asked: ClassScores,
    ) -> tuple[Float64[np.ndarray, "n t"], Float32[np.ndarray, "t n h w"]]:
        from seewhy.models.torch_gradients import line_gradients

        def tensor(pictures: Float32[np.ndarray, "b h w c"]) -> Any:
            planar = np.ascontiguousarray(pictures.transpose(0, 3, 1, 2))
            return self._keras.ops.convert_to_tensor(planar)

        return line_gradients(
            self._in_torch,
            tensor(image[None]),
            lambda rows: tensor(reference(rows)),
            positions,
            asked,
            output=self.output,
            batcher=self._backwards,
        )
