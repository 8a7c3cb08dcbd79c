"""SklearnModel: a fitted estimator, as it is, and by its Python name."""

from __future__ import annotations

import sys

import numpy as np
import pytest

import seewhy as sw
from seewhy.errors import InputError, ModelError
from seewhy.models.preprocessing import Preprocessing
from seewhy.models.sklearn_model import SklearnModel
from seewhy.models.spec import load_model

sklearn = pytest.importorskip("sklearn")
from sklearn.datasets import load_digits  # noqa: E402
from sklearn.linear_model import LogisticRegression, Ridge  # noqa: E402
from sklearn.pipeline import make_pipeline  # noqa: E402
from sklearn.preprocessing import StandardScaler  # noqa: E402
from sklearn.svm import LinearSVC  # noqa: E402

SIXTEENTHS = Preprocessing((8, 8), mean=(0,), std=(1 / 16,), channels="L")


@pytest.fixture(scope="module")
def digits():
    found = load_digits()
    return found.data[:600], found.target[:600]


@pytest.fixture(scope="module")
def fitted(digits):
    return make_pipeline(StandardScaler(), LogisticRegression(max_iter=300)).fit(*digits)


def pictures(digits, count=5):
    return (digits[0][:count].reshape(-1, 8, 8, 1) / 16).astype(np.float32)


def test_answers_are_the_pipelines_own(digits, fitted):
    model = SklearnModel(fitted, preprocess=SIXTEENTHS)
    assert np.abs(model(pictures(digits)) - fitted.predict_proba(digits[0][:5])).max() < 1e-5
    assert model.labels == tuple("0123456789")
    assert model.output == "probabilities"
    assert (
        str(model.origin) == "preprocessing: as given; labels: its classes_; output: predict_proba"
    )


def test_it_is_explained(digits, fitted):
    model = SklearnModel(fitted, preprocess=SIXTEENTHS)
    found = sw.explain(pictures(digits)[0], model, segments="grid:4", top=1, budget=200)
    assert found.predictions[0].label == str(digits[1][0])


def test_margins_are_raw(digits):
    model = SklearnModel(LinearSVC(max_iter=20000).fit(digits[0] / 16, digits[1]))
    assert model.output == "raw"
    assert len(model.labels) == 10


def test_two_classes_have_one_margin(digits):
    data, target = digits
    svm = LinearSVC(max_iter=20000).fit(data / 16, target > 4)
    model = SklearnModel(svm)
    assert model.labels == ("True",)
    assert np.abs(model(pictures(digits))[:, 0] - svm.decision_function(data[:5] / 16)).max() < 1e-5


def test_two_classes_have_two_probabilities(digits):
    data, target = digits
    model = SklearnModel(LogisticRegression(max_iter=300).fit(data / 16, target > 4))
    assert model.labels == ("False", "True")
    assert model(pictures(digits)).shape == (5, 2)


@pytest.mark.parametrize(
    ("features", "given", "size"),
    [
        (64, None, (8, 8, 1)),
        (48, None, (4, 4, 3)),
        (24, (4, 6), (4, 6, 1)),
        (24, (4, 2), (4, 2, 3)),
        (40, (2, 4, 5), (2, 4, 5)),
    ],
)
def test_the_number_of_features_tells_the_size(features, given, size):
    rng = np.random.default_rng(0)
    model = SklearnModel(
        LogisticRegression().fit(rng.random((20, features)), np.arange(20) % 2), input_size=given
    )
    assert model.input_size == size


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"input_size": (8, 7)}, "must make 64 features .* 8 × 7 × 3 makes 168"),
        ({"input_size": (64,)}, "input_size must be"),
        ({"preprocess": Preprocessing((8, 8))}, "8 × 8 × 3 makes 192"),
        ({"labels": ["a"]}, "10 outputs but 1 label"),
        ({"labels": "0123456789"}, "got the text '0123456789'"),
        ({"input_size": 8}, "input_size must be"),
        ({"preprocess": SIXTEENTHS, "input_size": (4, 16)}, "they must agree"),
    ],
)
def test_mistakes_are_named(fitted, change, said):
    with pytest.raises((InputError, ModelError), match=said):
        SklearnModel(fitted, **change)


def test_names_may_be_numbers(fitted, digits, tmp_path):
    model = SklearnModel(fitted, labels=np.arange(10), preprocess=SIXTEENTHS)
    assert model.labels == tuple("0123456789")
    sw.explain(pictures(digits)[0], model, segments="grid:2", top=1, budget=30).save(tmp_path / "r")


def test_other_estimators_are_refused(digits):
    with pytest.raises(InputError, match="LogisticRegression is not: call its fit"):
        SklearnModel(LogisticRegression())
    with pytest.raises(
        InputError, match="must be a classifier, with classes to tell apart; got the Ridge"
    ):
        SklearnModel(Ridge().fit(*digits))
    rng = np.random.default_rng(0)
    narrow = LogisticRegression().fit(rng.random((20, 10)), np.arange(20) % 2)
    with pytest.raises(InputError, match="how the 10 features make a picture"):
        SklearnModel(narrow)


def test_the_fingerprint_follows_the_weights(digits, fitted):
    again = make_pipeline(StandardScaler(), LogisticRegression(max_iter=300)).fit(*digits)
    other = make_pipeline(StandardScaler(), LogisticRegression(C=9, max_iter=300)).fit(*digits)
    same, twin, different = (
        SklearnModel(estimator, preprocess=SIXTEENTHS).fingerprint
        for estimator in (fitted, again, other)
    )
    assert same == twin != different
    assert SklearnModel(fitted).fingerprint != same


MODULE = """
from sklearn.datasets import load_digits
from sklearn.linear_model import LogisticRegression
import seewhy as sw

data, target = load_digits(return_X_y=True)
reader = LogisticRegression(max_iter=300).fit(data[:200], target[:200])
preprocess = sw.Preprocessing((8, 8), mean=(0,), std=(1 / 16,), channels="L")
unfitted = LogisticRegression()
"""


@pytest.mark.filterwarnings("ignore:lbfgs failed to converge")
def test_by_its_name(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", [*sys.path])
    (tmp_path / "readers_of_digits.py").write_text(MODULE)
    try:
        model = load_model("py:readers_of_digits:reader", labels=[f"digit {i}" for i in range(10)])
        assert model.spec == "py:readers_of_digits:reader"
        assert model.preprocessing == SIXTEENTHS
        assert model.labels[3] == "digit 3"
        with pytest.raises(InputError, match="call its fit"):
            load_model("py:readers_of_digits:unfitted")
        with pytest.raises(
            InputError, match=r"output='logits' \(--returns logits\) does not go with"
        ):
            load_model("py:readers_of_digits:reader", output="logits")
    finally:
        sys.modules.pop("readers_of_digits", None)
