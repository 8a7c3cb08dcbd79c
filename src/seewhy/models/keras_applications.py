"""The classifiers of `keras.applications`, with their preprocess_input and ImageNet's names."""

from __future__ import annotations

import random
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType
from typing import Any

from seewhy.errors import ModelError, SpecError, did_you_mean, what_happened
from seewhy.models.keras_backend import import_keras, kept_random_state, quiet_import
from seewhy.models.keras_model import KerasModel
from seewhy.models.keras_preprocessing import application_preprocessing, leaves_pixels_alone
from seewhy.models.keras_weights import classes_in_file, lower_ending
from seewhy.models.labels import imagenet_aliases, imagenet_labels
from seewhy.models.patience import impatience
from seewhy.models.preprocessing import Preprocessing
from seewhy.models.request import ModelRequest

_SIDE = 224
_OTHER_SIDES: Mapping[str, int] = {
    "InceptionV3": 299,
    "InceptionResNetV2": 299,
    "Xception": 299,
    "NASNetLarge": 331,
    "EfficientNetB1": 240,
    "EfficientNetB2": 260,
    "EfficientNetB3": 300,
    "EfficientNetB4": 380,
    "EfficientNetB5": 456,
    "EfficientNetB6": 528,
    "EfficientNetB7": 600,
    "EfficientNetV2B1": 240,
    "EfficientNetV2B2": 260,
    "EfficientNetV2B3": 300,
    "EfficientNetV2S": 384,
    "EfficientNetV2M": 480,
    "EfficientNetV2L": 480,
}
_SEED = 0


def from_request(request: ModelRequest) -> KerasModel:
    """Load a classifier of `keras.applications`.

    Its outputs are logits: it is built without its softmax. Pictures are stretched to its input
    size with bilinear interpolation; the default of ``keras.utils.load_img`` itself is nearest.

    Parameters
    ----------
    request : ModelRequest
        ``keras:NAME``, with the published weights, those of a file, or random ones.

    Returns
    -------
    KerasModel

    Raises
    ------
    MissingExtraError
        When Keras 3 or a back end is not installed.
    SpecError
        When there is no such network; near names are listed.
    InputError
        When there is no such weights file.
    ModelError
        When weights cannot be downloaded or read, or are those of another network.
    """
    request.refuse("device", *(["output"] if request.output != "logits" else []))
    keras = import_keras()
    name = _name(request.name, keras)
    network = _network(name, request, keras)
    own = _preprocessing(name, keras)
    classes = int(network.outputs[0].shape[-1])
    known = request.labels is None and classes == len(imagenet_labels())
    return KerasModel(
        network,
        preprocess=request.preprocess or own,
        labels=imagenet_labels() if known else request.labels,
        output="logits",
        batch=request.batch,
        spec=f"keras:{name}",
        aliases=imagenet_aliases() if known else None,
        origin=request.origin(
            preprocessing=_source(name, own, keras),
            labels="ImageNet's" if known else "numbered",
            output="built without its softmax",
        ),
    )


def borrowed_preprocessing(spec: str) -> Preprocessing:
    """Tell how a classifier of `keras.applications` wants its pictures, without building it.

    Parameters
    ----------
    spec : str
        ``"keras:InceptionV3"``.

    Returns
    -------
    Preprocessing

    Raises
    ------
    MissingExtraError
        When Keras 3 or a back end is not installed.
    SpecError
        When there is no such network.
    """
    keras = import_keras()
    return _preprocessing(_name(spec.partition(":")[2], keras), keras)


def application_names(keras: Any) -> list[str]:
    """List the classifiers that this Keras has.

    Parameters
    ----------
    keras : module
        From `import_keras`.

    Returns
    -------
    list of str
    """
    entries = vars(keras.applications).items()
    return sorted(
        name
        for name, entry in entries
        if name[0].isupper() and callable(entry) and not isinstance(entry, ModuleType)
    )


def _name(wanted: str, keras: Any) -> str:
    """Find a network without regard to case, hyphens and underlines."""
    known = application_names(keras)
    by_plain = {_plain(name): name for name in known}
    if _plain(wanted) in by_plain:
        return by_plain[_plain(wanted)]
    near = did_you_mean(wanted, known)
    raise SpecError(
        f"Keras {keras.__version__} has no classifier {wanted!r}"
        f"{near or '; it has ' + ', '.join(known) + '.'}"
    )


def _plain(name: str) -> str:
    return re.sub(r"[-_]", "", name).lower()


def _sides(name: str) -> tuple[int, int]:
    side = _OTHER_SIDES.get(name, _SIDE)
    return side, side


def _module_of(name: str, keras: Any) -> str:
    return str(getattr(keras.applications, name).__module__.rpartition(".")[2])


def _preprocessing(name: str, keras: Any) -> Preprocessing:
    return application_preprocessing(_module_of(name, keras), _sides(name), keras)


def _source(name: str, preprocessing: Preprocessing, keras: Any) -> str:
    module = f"keras.applications.{_module_of(name, keras)}"
    size = " × ".join(map(str, preprocessing.size))
    stretched = (
        f"stretched to {size} with bilinear interpolation (load_img's own default is nearest)"
    )
    if leaves_pixels_alone(preprocessing):
        return f"the layers of {module} itself, {stretched}"
    return f"preprocess_input of {module}, {stretched}"


def _network(name: str, request: ModelRequest, keras: Any) -> Any:
    if request.weights is not None:
        return _with_file(name, Path(request.weights), keras)
    if not request.pretrained:
        return _built(name, keras)
    try:
        with impatience(), _without_progress(keras):
            return _built(name, keras, weights="imagenet")
    except Exception as error:  # get_file raises a plain Exception
        address = re.search(r"https?://\S+/([\w.-]+)", str(error))
        file = f"Keras's {address[1]}" if address else "its file of weights"
        raise ModelError(
            f"the pretrained weights of {name} could not be downloaded ({_reason(error)}); fetch "
            f"{file} elsewhere and give it with --weights FILE (in Python weights=FILE)."
        ) from error


def _built(name: str, keras: Any, **settings: Any) -> Any:
    shape = (*_sides(name), 3)  # said, because Keras warns where its own default is meant
    if keras.config.image_data_format() == "channels_first":
        shape = (3, *_sides(name))
    settings = {"weights": None, "classifier_activation": None, "input_shape": shape, **settings}
    with kept_random_state(), quiet_import():
        random.seed(_SEED)  # every initialiser without a seed of its own draws one from it
        return getattr(keras.applications, name)(**settings)


def _with_file(name: str, path: Path, keras: Any) -> Any:
    network = _built(name, keras)
    head = next(layer for layer in reversed(network.layers) if layer.weights)
    kind = "conv2d" if type(head).__name__ == "Conv2D" else "dense"
    classes = classes_in_file(path, kind)
    if classes not in (None, network.outputs[0].shape[-1]):
        network = _built(name, keras, classes=classes)
    try:
        with lower_ending(path) as file:
            network.load_weights(file)
    except Exception as error:  # Keras and h5py have many
        raise ModelError(
            f"{path.name!r} does not hold the weights of Keras's {name} ({what_happened(error)}); "
            "a network of another structure is given whole, as FILE.keras."
        ) from error
    return network


def _reason(error: Exception) -> str:
    return str(error).rpartition(" -- ")[2] if " -- " in str(error) else what_happened(error)


@contextmanager
def _without_progress(keras: Any) -> Iterator[None]:
    """Keep Keras's progress bar off the terminal."""
    before = keras.config.is_interactive_logging_enabled()
    keras.config.disable_interactive_logging()
    try:
        yield
    finally:
        if before:
            keras.config.enable_interactive_logging()
