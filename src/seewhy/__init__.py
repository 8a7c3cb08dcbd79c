"""Why did the classifier say that? LIME, Anchors and SHAP on one image, with error bars.

Names are loaded when first used, so that ``import seewhy`` costs next to
nothing.

Examples
--------
>>> import seewhy as sw
>>> sw.Slic(60).count
60
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"

_HOME = {
    "explain": "seewhy.run.explain",
    "Explained": "seewhy.run.explained",
    "compare": "seewhy.run.compare",
    "compare_many": "seewhy.run.compare_many",
    "Comparison": "seewhy.run.comparison",
    "Field": "seewhy.run.field",
    "write_report": "seewhy.run.reporting",
    "Protocol": "seewhy.metrics.protocol",
    "planted": "seewhy.metrics.planted",
    "Lime": "seewhy.methods.lime",
    "KernelShap": "seewhy.methods.kernel_shap",
    "PartitionShap": "seewhy.methods.partition_shap",
    "PermutationShap": "seewhy.methods.permutation_shap",
    "Banzhaf": "seewhy.methods.banzhaf",
    "Rise": "seewhy.methods.rise",
    "Occlusion": "seewhy.methods.occlusion",
    "Anchors": "seewhy.methods.anchors",
    "Counterfactual": "seewhy.methods.counterfactual",
    "GradientShap": "seewhy.methods.gradients.gradient_shap",
    "DeepShap": "seewhy.methods.gradients.deep_shap",
    "IntegratedGradients": "seewhy.methods.gradients.integrated_gradients",
    "GradCam": "seewhy.methods.gradients.grad_cam",
    "Hierarchy": "seewhy.game.hierarchy",
    "Attribution": "seewhy.methods.explanation",
    "Rule": "seewhy.methods.rule",
    "Change": "seewhy.methods.change",
    "Game": "seewhy.game.game",
    "View": "seewhy.game.game",
    "Progress": "seewhy.game.driver",
    "read_image": "seewhy.image.read",
    "Picture": "seewhy.image.read",
    "Segmentation": "seewhy.image.segmentation",
    "Slic": "seewhy.image.segmenters",
    "Quickshift": "seewhy.image.segmenters",
    "Felzenszwalb": "seewhy.image.segmenters",
    "Watershed": "seewhy.image.segmenters",
    "Grid": "seewhy.image.segmenters",
    "MeanFill": "seewhy.image.fill",
    "MeanColourFill": "seewhy.image.fill",
    "GreyFill": "seewhy.image.fill",
    "BlackFill": "seewhy.image.fill",
    "BlurFill": "seewhy.image.fill",
    "NoiseFill": "seewhy.image.fill",
    "PictureFill": "seewhy.image.fill",
    "load_model": "seewhy.models.spec",
    "masking_game": "seewhy.models.masking_game",
    "Preprocessing": "seewhy.models.preprocessing",
    "CallableModel": "seewhy.models.callable_model",
    "OnnxModel": "seewhy.models.onnx_model",
    "TorchModel": "seewhy.models.torch_model",
    "HuggingFaceModel": "seewhy.models.huggingface",
    "KerasModel": "seewhy.models.keras_model",
    "SklearnModel": "seewhy.models.sklearn_model",
    "V2Model": "seewhy.models.v2_model",
    "doctor": "seewhy.run.doctor",
    "SeewhyError": "seewhy.errors",
    "InputError": "seewhy.errors",
    "ImageError": "seewhy.errors",
    "SpecError": "seewhy.errors",
    "ModelError": "seewhy.errors",
    "MissingExtraError": "seewhy.errors",
    "StoreError": "seewhy.errors",
}

__all__ = [*_HOME, "__version__"]

if TYPE_CHECKING:
    from seewhy.errors import (
        ImageError,
        InputError,
        MissingExtraError,
        ModelError,
        SeewhyError,
        SpecError,
        StoreError,
    )
    from seewhy.game.driver import Progress
    from seewhy.game.game import Game, View
    from seewhy.game.hierarchy import Hierarchy
    from seewhy.image.fill import (
        BlackFill,
        BlurFill,
        GreyFill,
        MeanColourFill,
        MeanFill,
        NoiseFill,
        PictureFill,
    )
    from seewhy.image.read import Picture, read_image
    from seewhy.image.segmentation import Segmentation
    from seewhy.image.segmenters import Felzenszwalb, Grid, Quickshift, Slic, Watershed
    from seewhy.methods.anchors import Anchors
    from seewhy.methods.banzhaf import Banzhaf
    from seewhy.methods.change import Change
    from seewhy.methods.counterfactual import Counterfactual
    from seewhy.methods.explanation import Attribution
    from seewhy.methods.gradients.deep_shap import DeepShap
    from seewhy.methods.gradients.grad_cam import GradCam
    from seewhy.methods.gradients.gradient_shap import GradientShap
    from seewhy.methods.gradients.integrated_gradients import IntegratedGradients
    from seewhy.methods.kernel_shap import KernelShap
    from seewhy.methods.lime import Lime
    from seewhy.methods.occlusion import Occlusion
    from seewhy.methods.partition_shap import PartitionShap
    from seewhy.methods.permutation_shap import PermutationShap
    from seewhy.methods.rise import Rise
    from seewhy.methods.rule import Rule
    from seewhy.metrics.planted import planted
    from seewhy.metrics.protocol import Protocol
    from seewhy.models.callable_model import CallableModel
    from seewhy.models.huggingface import HuggingFaceModel
    from seewhy.models.keras_model import KerasModel
    from seewhy.models.masking_game import masking_game
    from seewhy.models.onnx_model import OnnxModel
    from seewhy.models.preprocessing import Preprocessing
    from seewhy.models.sklearn_model import SklearnModel
    from seewhy.models.spec import load_model
    from seewhy.models.torch_model import TorchModel
    from seewhy.models.v2_model import V2Model
    from seewhy.run.compare import compare
    from seewhy.run.compare_many import compare_many
    from seewhy.run.comparison import Comparison
    from seewhy.run.doctor import doctor
    from seewhy.run.explain import explain
    from seewhy.run.explained import Explained
    from seewhy.run.field import Field
    from seewhy.run.reporting import write_report


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module 'seewhy' has no attribute {name!r}")
    value = getattr(import_module(_HOME[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted(__all__)
