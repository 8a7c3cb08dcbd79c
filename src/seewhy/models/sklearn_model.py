"""scikit-learn estimators as models: every pixel a feature."""

from __future__ import annotations

from collections.abc import Sequence
from math import isqrt
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Float32

from seewhy.errors import InputError, ModelError, what_happened
from seewhy.models.array_model import ArrayModel, fingerprint_of
from seewhy.models.batching import Batch, Batcher, Forward, resolve_batch
from seewhy.models.origin import Origin
from seewhy.models.preprocessing import Preprocessing
from seewhy.models.protocol import Output

_AT_224 = 256  # pictures of 224² per call; what an estimator does with one is little


def is_estimator(candidate: object) -> bool:
    """Tell whether an object looks like a classifier of scikit-learn, fitted or not."""
    asked_for = ("fit", "predict", "get_params")
    return not isinstance(candidate, type) and all(hasattr(candidate, name) for name in asked_for)


class SklearnModel(ArrayModel):
    """Explain a fitted scikit-learn classifier, or a pipeline that ends in one.

    Its features are the pixels of a picture, row by row, the channels of a pixel together:
    ``images.reshape(n, -1)``.

    Parameters
    ----------
    estimator : scikit-learn classifier
        Fitted. Its ``predict_proba`` is asked; without one, its ``decision_function``, whose
        margins count as raw outputs.
    input_size : (h, w) or (h, w, c), optional
        Of the pictures. Default: square and grey, or square and RGB, if the number of features
        allows it.
    labels : sequence of str, optional
        Class names instead of ``estimator.classes_``.
    preprocess : Preprocessing, str or Path, optional
        The object, a JSON file, or a model whose preprocessing it shares. Default: stretched to
        `input_size`, pixels in [0, 1]. For features from 0 to 16, as those of ``load_digits``, give
        a std of 1/16.
    batch : int or "auto"
        Pictures per call.
    name : str, optional
        How the model is named in results.

    Raises
    ------
    InputError
        When it is not fitted, is no classifier, or takes another number of features.
    ModelError
        When its answers make no sense.
    """

    def __init__(
        self,
        estimator: Any,
        *,
        input_size: tuple[int, ...] | None = None,
        labels: Sequence[str] | None = None,
        preprocess: Preprocessing | str | Path | None = None,
        batch: Batch = "auto",
        name: str | None = None,
    ) -> None:
        kind = type(estimator).__name__
        _check_fitted(estimator, kind)
        said = _preprocessing_of(estimator, input_size, preprocess)
        _check_features(estimator, said, kind)
        output, forward = _asked(estimator, kind)
        spec = name or kind
        from joblib import hash as digest  # it comes with scikit-learn

        super().__init__(
            forward,
            spec=spec,
            framework="scikit-learn",
            labels=_names(estimator, output) if labels is None else labels,
            output=output,
            preprocessing=said,
            fingerprint=fingerprint_of(
                [str(digest(estimator)).encode()], preprocessing=said, output=output
            ),
            batcher=Batcher(resolve_batch(batch, said.input_size, at_224=_AT_224), name=spec),
            origin=Origin(
                preprocessing="as given" if preprocess else "its number of features",
                labels="its classes_" if labels is None else "as given",
                output="predict_proba" if output == "probabilities" else "decision_function",
            ),
        )


def _check_fitted(estimator: Any, kind: str) -> None:
    if hasattr(estimator, "classes_"):
        return
    from sklearn.base import RegressorMixin

    if isinstance(estimator, RegressorMixin):
        raise InputError(
            f"estimator must be a classifier, with classes to tell apart; got the {kind}: wrap its "
            "predict in a CallableModel with output='raw'."
        )
    raise InputError(
        f"estimator must be a classifier that is fitted; this {kind} is not: call its fit, or load "
        "a fitted one with skops or joblib."
    )


def _preprocessing_of(
    estimator: Any,
    input_size: tuple[int, ...] | None,
    preprocess: Preprocessing | str | Path | None,
) -> Preprocessing:
    if preprocess is None:
        return Preprocessing.stretched(_size_of(estimator, input_size))
    from seewhy.models.spec import resolve_preprocessing

    said = resolve_preprocessing(preprocess)
    if input_size is not None and said.input_size[: len(input_size)] != tuple(input_size):
        raise InputError(
            f"input_size is {tuple(input_size)}, but preprocess brings pictures to "
            f"{said.input_size}; they must agree."
        )
    return said


def _size_of(estimator: Any, given: tuple[int, ...] | None) -> tuple[int, ...]:
    features = int(getattr(estimator, "n_features_in_", 0))
    if given is not None:
        Preprocessing.stretched(given)  # refuses what is no size
        grey = len(given) == 2 and features == given[0] * given[1]
        return (*given, 1) if grey else tuple(given)
    for channels in (1, 3):
        side = isqrt(features // channels)
        if features and side * side * channels == features:
            return side, side, channels
    raise InputError(
        f"input_size must say how the {features} features make a picture, which is not square: "
        "give (height, width, channels)."
    )


def _check_features(estimator: Any, preprocessing: Preprocessing, kind: str) -> None:
    height, width, channels = preprocessing.input_size
    wanted = int(getattr(estimator, "n_features_in_", height * width * channels))
    if height * width * channels != wanted:
        raise InputError(
            f"input_size must make {wanted} features for this {kind}; {height} × {width} × "
            f"{channels} makes {height * width * channels}."
        )


def _asked(estimator: Any, kind: str) -> tuple[Output, Forward]:
    """Which method answers, and what kind of numbers it gives."""
    output: Output = "probabilities" if hasattr(estimator, "predict_proba") else "raw"
    method = "predict_proba" if output == "probabilities" else "decision_function"
    if not hasattr(estimator, method):
        raise InputError(
            f"estimator must have predict_proba or decision_function; this {kind} has neither: "
            "wrap it in a CalibratedClassifierCV, or give a function instead."
        )
    answer = getattr(estimator, method)

    def forward(inputs: Float32[np.ndarray, "b h w c"]) -> np.ndarray:
        try:
            return np.asarray(answer(inputs.reshape(len(inputs), -1)))
        except Exception as error:  # whatever an estimator or a step of its pipeline raises
            raise ModelError(
                f"{kind}.{method} failed on {len(inputs)} pictures: {what_happened(error)}."
            ) from error

    return output, forward


def _names(estimator: Any, output: Output) -> list[str]:
    names = [str(label) for label in estimator.classes_]
    # of two classes a decision_function gives one margin, that of the second
    return names[1:] if output == "raw" and len(names) == 2 else names
