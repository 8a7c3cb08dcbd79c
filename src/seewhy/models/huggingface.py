"""Image classifiers of Transformers: from the Hugging Face hub, a folder, or a person's hands."""

from __future__ import annotations

import os
import pickle
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any, Literal

from seewhy.errors import InputError, MissingExtraError, ModelError, SpecError
from seewhy.models.batching import Batch
from seewhy.models.hub import (
    CONFIGURATION,
    causes,
    hub_failure,
    model_folder,
    needing,
    visiting_hub,
)
from seewhy.models.image_processor import processor_preprocessing
from seewhy.models.labels import imagenet_aliases
from seewhy.models.origin import Origin
from seewhy.models.preprocessing import Preprocessing
from seewhy.models.protocol import Output
from seewhy.models.request import ModelRequest

with needing("hf"):
    from seewhy.models.torch_extra import torch
    from seewhy.models.torch_model import TorchModel
    from seewhy.models.torch_module import best_device, first_line, kind
    from seewhy.models.torchvision_models import import_torchvision


class HuggingFaceModel(TorchModel):
    """An image classifier of Transformers with its image processor, explained as it is.

    Parameters
    ----------
    model : transformers.PreTrainedModel
        Made for image classification; its outputs have ``logits``.
    processor : transformers.BaseImageProcessor, Preprocessing, str or Path
        What prepares its pictures. A processor is translated, and the translation tried against
        it; else as `TorchModel` takes its `preprocess`.
    labels : sequence of str, optional
        One name per output. None: those of ``model.config.id2label``, numbered where these are
        only ``LABEL_0``, ``LABEL_1``, ….
    output : {"auto", "logits", "probabilities", "raw"}
        What the model returns. ``"auto"``: logits, or raw where ``model.config.problem_type``
        says that a picture may have several labels (a logit is then the log-odds of its label
        alone) or that the numbers are no classes at all (``"regression"``).
    device : str or torch.device
        ``"auto"``: where the model's parameters live; anything else moves it there.
    batch : int or "auto"
        Pictures per forward pass.
    spec : str, optional
        How the model is named in results; default: the name or folder that it was loaded from.
    origin : Origin, optional
        Where its settings come from, if not from its own configuration.

    Raises
    ------
    InputError
        When an argument is not what it should be.
    ModelError
        When the processor does what `Preprocessing` cannot, or the model does not take pictures of
        that size.

    Examples
    --------
    >>> import transformers  # doctest: +SKIP
    >>> name = "google/vit-base-patch16-224"
    >>> family = transformers.AutoModelForImageClassification  # doctest: +SKIP
    >>> network = family.from_pretrained(name)  # doctest: +SKIP
    >>> processor = transformers.AutoImageProcessor.from_pretrained(name)  # doctest: +SKIP
    >>> model = HuggingFaceModel(network, processor)  # doctest: +SKIP
    """

    def __init__(
        self,
        model: Any,
        processor: Any,
        *,
        labels: Sequence[str] | None = None,
        output: Output | Literal["auto"] = "auto",
        device: Any = "auto",
        batch: Batch = "auto",
        spec: str | None = None,
        origin: Origin | None = None,
    ) -> None:
        config = getattr(model, "config", None)
        if not isinstance(model, torch.nn.Module) or not hasattr(config, "id2label"):
            raise InputError(
                "model must be an image classifier of Transformers, with a config; got "
                f"{kind(model)}: wrap any other torch module with TorchModel."
            )
        name = spec or getattr(model, "name_or_path", "") or type(model).__name__
        names = _names(config) if labels is None else labels
        if not isinstance(processor, Preprocessing | str | Path):
            if not _is_processor(processor):
                raise InputError(
                    "processor must be an image processor of Transformers, a Preprocessing, a JSON "
                    f"file or the name of a model; got {kind(processor)}."
                )
            channels = int(getattr(config, "num_channels", None) or 3)
            processor = processor_preprocessing(processor, channels=channels, name=name)
        super().__init__(
            model,
            preprocess=processor,
            labels=names,
            output=_output(config) if output == "auto" else output,
            device=device,
            batch=batch,
            spec=name,
            framework="transformers",
            aliases=_aliases(names) if labels is None else None,
            origin=origin or _origin(config, preprocessing="the processor as given", labels=labels),
        )


def from_request(request: ModelRequest) -> HuggingFaceModel:
    """Load an image classifier of the Hugging Face hub or of a local folder.

    Code that comes with a model is never run.

    Parameters
    ----------
    request : ModelRequest
        ``hf:ORG/NAME[@REVISION]``, or ``hf:FOLDER`` with a ``config.json``, a
        ``preprocessor_config.json`` and a ``model.safetensors``, as ``save_pretrained`` writes
        them.

    Returns
    -------
    HuggingFaceModel

    Raises
    ------
    MissingExtraError
        When Transformers is not installed.
    SpecError
        When there is no such folder.
    ModelError
        When the model cannot be had, needs code of its own, is not an image classifier, or its
        processor does what `Preprocessing` cannot.
    """
    request.refuse("weights")
    transformers = _import_transformers()
    source = _Source(request.spec, *_place(request.name))
    with visiting_hub(fetching=not os.path.isdir(source.place)):
        config = source.load(transformers.AutoConfig)
        _check_kind(transformers, config, request.spec)
        processor = request.preprocess or _processor(transformers, source)
        model = _model(transformers, source, config, pretrained=request.pretrained)
    said = _origin(config, preprocessing=_configuration_of(processor), labels=None)
    return HuggingFaceModel(
        model,
        processor,
        labels=request.labels,
        output=request.output or "auto",
        device=best_device(request.device),
        batch=request.batch,
        spec=request.spec,
        origin=request.origin(
            preprocessing=said.preprocessing, labels=said.labels, output=said.output
        ),
    )


def borrowed_preprocessing(spec: str) -> Preprocessing:
    """Tell how ``hf:NAME`` prepares pictures, without its weights.

    Parameters
    ----------
    spec : str
        As for `from_request`.

    Returns
    -------
    Preprocessing

    Raises
    ------
    MissingExtraError, SpecError, ModelError
        As for `from_request`.
    """
    transformers = _import_transformers()
    source = _Source(spec, *_place(spec.partition(":")[2]))
    with visiting_hub(fetching=not os.path.isdir(source.place)):
        config = source.load(transformers.AutoConfig)
        processor = _processor(transformers, source)
    channels = int(getattr(config, "num_channels", None) or 3)
    return processor_preprocessing(processor, channels=channels, name=spec)


def _import_transformers() -> Any:
    with needing("hf"):
        import_torchvision()  # Transformers does too, and would stumble over a half-fitting one
    try:
        return import_module("transformers")
    except ModuleNotFoundError as error:
        if error.name != "transformers":
            raise
        raise MissingExtraError(
            'this model needs Transformers, which is not installed: pip install "seewhy[hf]".'
        ) from error


def _place(name: str) -> tuple[str, str | None]:
    """Folder, or name and revision on the hub."""
    folder = model_folder(name)
    if folder is not None:
        return str(folder), None
    place, _, revision = name.partition("@")
    if not place:
        raise SpecError(f"'hf:{name}' names no model; write hf:ORG/NAME or hf:FOLDER.")
    if os.path.isdir(place):  # Transformers would look into it rather than on the hub
        lack = "revisions" if model_folder(place) else CONFIGURATION
        raise SpecError(
            f"the folder {place!r} has no {lack}, and hides a model of that name on the "
            "hub; give the folder that save_pretrained wrote, or start from another directory."
        )
    if place.count("/") > 1:
        raise SpecError(f"there is no folder {name!r}; a model of the hub is written hf:ORG/NAME.")
    return place, revision or None


def _check_kind(transformers: Any, config: Any, spec: str) -> None:
    if type(config) not in transformers.MODEL_FOR_IMAGE_CLASSIFICATION_MAPPING:
        raise ModelError(
            f"{spec} is a {config.model_type} network, which Transformers cannot use as an image "
            "classifier; name one that was trained to classify."
        )


def _processor(transformers: Any, source: _Source) -> Any:
    """The one that resizes with Pillow, as everything did when most models were trained."""
    current = int(transformers.__version__.partition(".")[0]) >= 5
    settings = {"backend": "pil"} if current else {"use_fast": False}
    try:
        return transformers.AutoImageProcessor.from_pretrained(
            source.place, revision=source.revision, trust_remote_code=False, **settings
        )
    except Exception as error:  # whatever the many parts of Transformers raise
        why = source.failure(error) or "it has no preprocessor_config.json that can be used"
        raise ModelError(
            f"how {source.spec} prepares pictures is not known: {why}; say it with --preprocess "
            "FILE.json (in Python preprocess=)."
        ) from error


def _model(transformers: Any, source: _Source, config: Any, *, pretrained: bool) -> Any:
    family = transformers.AutoModelForImageClassification
    with torch.random.fork_rng(devices=[]):  # weights are drawn even when they are read then
        torch.manual_seed(0)
        if not pretrained:
            return family.from_config(config, trust_remote_code=False).eval()
        model, report = source.load(
            family, config=config, output_loading_info=True, ignore_mismatched_sizes=True
        )
    absent = sorted(report["missing_keys"])
    if absent:
        raise ModelError(
            f"{source.spec} has no weights for {absent[0]}{' and others' * (len(absent) > 1)}, so "
            "it is not an image classifier yet; name one that was trained to classify."
        )
    if report["mismatched_keys"]:
        first = min(report["mismatched_keys"])  # its name, with the shapes since Transformers 5
        name = first if isinstance(first, str) else first[0]
        raise ModelError(
            f"the weights of {source.spec} are not those of its {CONFIGURATION} ({name} has "
            "another shape); correct the number of labels, or whatever else was changed there."
        )
    return model.float()


@dataclass(frozen=True)
class _Source:
    """A folder, or a revision of a model on the hub."""

    spec: str
    place: str
    revision: str | None

    def load(self, family: Any, **settings: Any) -> Any:
        """Call one of Transformers' from_pretrained, its failure in one sentence."""
        try:
            return family.from_pretrained(
                self.place, revision=self.revision, trust_remote_code=False, **settings
            )
        except Exception as error:  # whatever the many parts of Transformers raise
            why = self.failure(error) or f"Transformers fails with {first_line(error)}"
            raise ModelError(f"{self.spec} cannot be loaded: {why}.") from error

    def failure(self, error: Exception) -> str | None:
        """Say what went wrong and the way out, where it is one of the usual failures."""
        if "trust_remote_code" in str(error):
            return (
                "it comes with code of its own, which Seewhy does not run; if you trust that, "
                "load it in a module of yours, model = seewhy.HuggingFaceModel(network, "
                "processor), and name that, py:module:model"
            )
        if any(isinstance(cause, pickle.UnpicklingError) for cause in causes(error)):
            return (
                "its pytorch_model.bin is refused, as it holds more than weights and reading "
                "that could run code; take a revision with a model.safetensors"
            )
        why = None if os.path.isdir(self.place) else hub_failure(error)
        return why and f"{why}; a copy that was fetched elsewhere is given as hf:FOLDER"


def _is_processor(value: Any) -> bool:
    return callable(value) and hasattr(value, "to_dict") and not isinstance(value, type)


def _configuration_of(processor: Any) -> str:
    if isinstance(processor, Preprocessing):
        return "as given"
    return CONFIGURATION if hasattr(processor, "data_config") else "preprocessor_config.json"


def _names(config: Any) -> tuple[str, ...] | None:
    """Class names, unless they say no more than a number."""
    names = tuple(str(config.id2label[index]) for index in sorted(config.id2label))
    if all(name == f"LABEL_{index}" for index, name in enumerate(names)):
        return None
    return names


def _aliases(names: Sequence[str] | None) -> Mapping[str, int] | None:
    """The other spellings of ImageNet's classes, where these are its classes."""
    aliases = imagenet_aliases()
    if names is None or len(names) != 1000:
        return None
    first = (aliases.get(name.partition(",")[0]) for name in (names[0], names[1], names[-1]))
    return aliases if tuple(first) == (0, 1, 999) else None


def _output(config: Any) -> Output:
    problem = getattr(config, "problem_type", None)
    return "raw" if problem in ("multi_label_classification", "regression") else "logits"


def _origin(config: Any, *, preprocessing: str, labels: Sequence[str] | None) -> Origin:
    """What the configuration says about labels and outputs."""
    output = "what all image classifiers of Transformers return"
    if _output(config) == "raw":
        output = f"{CONFIGURATION} (problem_type {config.problem_type})"
    if labels is not None:
        named = "as given"
    else:
        named = CONFIGURATION if _names(config) else f"numbered ({CONFIGURATION} names none)"
    return Origin(preprocessing=preprocessing, labels=named, output=output)
