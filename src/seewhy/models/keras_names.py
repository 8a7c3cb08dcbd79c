"""Which network of `keras.applications` a network is: by its name and by those of its layers."""

from __future__ import annotations

import re
from typing import Any

_SIZE = r"_\d\.\d\d_(\d+|none)"  # of MobileNets: their width and the side of their pictures
# What Keras calls its networks, the module that each comes from, and names of layers that it has
# whether its end was taken or left
_APPLICATIONS = (
    (r"resnet(50|101|152)v2", "resnet_v2", {"conv1_conv", "conv2_block1_preact_bn"}),
    (r"resnet(50|101|152)", "resnet", {"conv1_conv", "conv2_block1_1_conv", "conv5_block3_out"}),
    (r"vgg16", "vgg16", {"block1_conv1", "block5_conv3", "block5_pool"}),
    (r"vgg19", "vgg19", {"block1_conv1", "block5_conv4", "block5_pool"}),
    (r"inception_v3", "inception_v3", {"mixed0", "mixed9_1", "mixed10"}),
    (r"inception_resnet_v2", "inception_resnet_v2", {"mixed_5b", "mixed_6a", "conv_7b"}),
    (r"xception", "xception", {"block1_conv1", "block1_conv1_bn", "block14_sepconv2"}),
    (r"densenet(121|169|201)", "densenet", {"conv1_conv", "conv2_block1_0_bn", "pool2_conv"}),
    (r"mobilenet" + _SIZE, "mobilenet", {"conv1", "conv_dw_1", "conv_pw_13"}),
    (r"mobilenetv2" + _SIZE, "mobilenet_v2", {"Conv1", "bn_Conv1", "block_16_project"}),
    (r"mobilenetv3(small|large)", "mobilenet_v3", {"conv", "conv_bn", "conv_1"}),
    (r"nasnet(_mobile|_large)?", "nasnet", {"stem_conv1", "stem_bn1", "reduction_conv_1_stem_1"}),
    (r"efficientnetb[0-7]", "efficientnet", {"stem_conv", "block1a_dwconv", "top_conv"}),
    (
        r"efficientnetv2-(b[0-3]|s|m|l)",
        "efficientnet_v2",
        {"stem_conv", "block1a_project_conv", "top_conv"},
    ),
    (r"(convnext_(tiny|small|base|large|xlarge))", "convnext", {r"\1_stem"}),
)


def application_of(network: Any) -> str | None:
    """Tell which module of `keras.applications` a network comes from.

    Parameters
    ----------
    network : keras.Model
        Any.

    Returns
    -------
    str or None
        ``"mobilenet_v2"``; None for a network of another name, and for one of that name that is
        made of other layers.
    """
    for pattern, module, marks in _APPLICATIONS:
        match = re.fullmatch(pattern, str(network.name), re.IGNORECASE)
        if match is None:
            continue
        layers = {str(layer.name) for layer in network.layers}
        return module if {match.expand(mark) for mark in marks} <= layers else None
    return None
