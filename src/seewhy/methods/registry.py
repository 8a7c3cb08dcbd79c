"""Methods by the names under which the command line and documents know them."""

from __future__ import annotations

from dataclasses import fields
from importlib import import_module
from typing import Any

from seewhy.errors import InputError, SpecError, did_you_mean
from seewhy.methods.explanation import Method

_HOME = {
    "lime": ("seewhy.methods.lime", "Lime"),
    "kernel-shap": ("seewhy.methods.kernel_shap", "KernelShap"),
    "partition-shap": ("seewhy.methods.partition_shap", "PartitionShap"),
    "permutation-shap": ("seewhy.methods.permutation_shap", "PermutationShap"),
    "banzhaf": ("seewhy.methods.banzhaf", "Banzhaf"),
    "rise": ("seewhy.methods.rise", "Rise"),
    "occlusion": ("seewhy.methods.occlusion", "Occlusion"),
    "anchors": ("seewhy.methods.anchors", "Anchors"),
    "counterfactual": ("seewhy.methods.counterfactual", "Counterfactual"),
    "gradient-shap": ("seewhy.methods.gradients.gradient_shap", "GradientShap"),
    "deep-shap": ("seewhy.methods.gradients.deep_shap", "DeepShap"),
    "integrated-gradients": (
        "seewhy.methods.gradients.integrated_gradients",
        "IntegratedGradients",
    ),
    "grad-cam": ("seewhy.methods.gradients.grad_cam", "GradCam"),
}
METHOD_NAMES = tuple(_HOME)


def method_class(key: str) -> type[Any]:
    """Return a method's class by its name; gradient methods are imported when asked for.

    Raises
    ------
    SpecError
        A name that nobody knows.
    """
    if key not in _HOME:
        raise SpecError(
            f"method must be one of {', '.join(METHOD_NAMES)}; got {key!r}"
            f"{did_you_mean(key, METHOD_NAMES)}"
        )
    module, name = _HOME[key]
    found: type[Any] = getattr(import_module(module), name)
    return found


def method_key(method: Method) -> str:
    """Return the name under which a method's class is known, whatever the method is called."""
    kind = type(method)
    return next(key for key, home in _HOME.items() if home == (kind.__module__, kind.__name__))


def parse_methods(spec: str) -> tuple[Method, ...]:
    """Turn comma-separated names into methods.

    Parameters
    ----------
    spec : str
        Such as "lime,kernel-shap"; settings follow a name after colons, as in
        "gradient-shap:reference=black:samples=64".

    Raises
    ------
    SpecError
        A name or a setting that nobody knows.
    InputError
        A setting with a value it cannot have.

    Examples
    --------
    >>> [method.name for method in parse_methods("lime,kernel-shap:budget=512")]
    ['lime', 'kernel-shap']
    """
    return tuple(_parse_one(part.strip()) for part in spec.split(",") if part.strip())


def _parse_one(spec: str) -> Method:
    key, *pairs = spec.split(":")
    kind = method_class(key.strip().lower())
    known = [field.name for field in fields(kind)]
    settings: dict[str, Any] = {}
    for pair in pairs:
        name, equals, value = pair.partition("=")
        name = name.strip().replace("-", "_")
        if not equals or name not in known:
            raise SpecError(
                f"settings of {key} must be one of {', '.join(known)}, as in {key}:{known[0]}=…; "
                f"got {pair!r}{did_you_mean(name, known)}"
            )
        settings[name] = _parsed(value.strip())
    try:
        method: Method = kind(**settings)
    except TypeError as wrong:
        raise InputError(f"--method {spec}: {wrong}") from wrong
    return method


def _parsed(text: str) -> int | float | bool | str:
    """A number where it reads as one; words stay words."""
    if text.lower() in ("true", "false"):
        return text.lower() == "true"
    for kind in (int, float):
        try:
            return kind(text)
        except ValueError:
            continue
    return text
