"""What torch's functions are called, and which of them change nothing but linearly."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from seewhy.models.torch_extra import torch


def words(text: str) -> frozenset[str]:
    """Take a text apart into the names in it.

    Parameters
    ----------
    text : str
        Names with white space between them.

    Returns
    -------
    frozenset of str
    """
    return frozenset(text.split())


LINEAR = (
    # seen otherwise: views, copies, other number types
    words(
        """
        view reshape view_as reshape_as flatten unflatten ravel permute transpose t adjoint
        swapaxes swapdims movedim moveaxis squeeze unsqueeze expand expand_as broadcast_to
        broadcast_tensors repeat tile repeat_interleave narrow narrow_copy select unbind chunk
        split split_with_sizes tensor_split hsplit vsplit dsplit unsafe_chunk unsafe_split
        unsafe_split_with_sizes as_strided as_subclass contiguous clone alias positive to type
        type_as float double half bfloat16 cpu cuda real resolve_conj resolve_neg conj
        view_as_real view_as_complex pos requires_grad retain_grad atleast_1d atleast_2d
        atleast_3d lift_fresh
        """
    )
    # put together and taken apart
    | words(
        """
        cat concat concatenate stack hstack vstack dstack column_stack row_stack roll flip fliplr
        flipud rot90 diagonal diag diag_embed diagflat tril triu block_diag getitem setitem index
        take masked_select index_put index_copy index_add index_fill copy copy fill zero scatter
        scatter_add select_scatter slice_scatter diagonal_scatter meshgrid cartesian_prod unfold
        fold im2col col2im pixel_shuffle pixel_unshuffle channel_shuffle native_channel_shuffle
        pad constant_pad_nd _pad_circular embedding
        """
    )
    # sums and means
    | words(
        """
        add sub subtract rsub neg negative sum nansum mean nanmean cumsum trace diff
        cumulative_trapezoid trapezoid avg_pool1d avg_pool2d avg_pool3d adaptive_avg_pool1d
        _adaptive_avg_pool2d adaptive_avg_pool2d _adaptive_avg_pool3d adaptive_avg_pool3d
        upsample_nearest1d upsample_nearest2d upsample_nearest3d _upsample_nearest_exact1d
        _upsample_nearest_exact2d _upsample_nearest_exact3d upsample_linear1d upsample_bilinear2d
        upsample_trilinear3d upsample_bicubic2d _upsample_bilinear2d_aa _upsample_bicubic2d_aa
        fft_fft fft_ifft fft_rfft fft_irfft fft_fft2 fft_ifft2 fft_rfft2 fft_irfft2 fft_fftn
        fft_ifftn fft_rfftn fft_irfftn fft_fftshift fft_ifftshift stft istft imag
        """
    )
)
"""Linear in all their tensors together."""

LINEAR_IN_FIRST = words("grid_sampler grid_sampler_2d grid_sampler_3d affine_grid_generator")
"""Linear as long as only the first tensor depends on pixels."""

RANDOM = words("dropout feature_dropout alpha_dropout feature_alpha_dropout native_dropout")
"""The identity in evaluation mode."""

CHOOSING = words("where masked_fill gather take_along_dim index_select")
"""Linear as long as the image and its references choose alike."""

_SAME = {
    "multiply": "mul",
    "divide": "div",
    "true_divide": "div",
    "truediv": "div",
    "clip": "clamp",
    "absolute": "abs",
    "special_expit": "sigmoid",
    "special_logsumexp": "logsumexp",
    "special_softmax": "softmax",
    "special_log_softmax": "log_softmax",
    "special_erf": "erf",
    "special_erfc": "erfc",
    "special_expm1": "expm1",
    "special_exp2": "exp2",
    "special_log1p": "log1p",
    "arcsin": "asin",
    "arctan": "atan",
    "arctanh": "atanh",
    "arcsinh": "asinh",
    "arccosh": "acosh",
    "arccos": "acos",
    "linalg_matmul": "matmul",
    "_softmax": "softmax",
    "_log_softmax": "log_softmax",
    "idiv": "div",
    "xor": "bitwise_xor",
}


def plain_name(function: Callable[..., Any]) -> tuple[str, bool]:
    """Tell what a function of torch does, whichever way it is spelt, and whether in place.

    Parameters
    ----------
    function : callable
        As a function mode gets it.

    Returns
    -------
    str
        One name for `torch.mul`, `Tensor.mul_`, `Tensor.__rmul__`, `torch.multiply`, ….
    bool
        True for ``mul_`` and ``__imul__``.

    Examples
    --------
    >>> plain_name(torch.Tensor.__iadd__), plain_name(torch.multiply)
    (('add', True), ('mul', False))
    """
    name = getattr(function, "__name__", "") or type(function).__name__
    if name.startswith("__") and name.endswith("__"):
        bare = name[2:-2]
        in_place = bare in _AUGMENTED
        if in_place or bare in _REFLECTED:
            bare = bare[1:]
        return _SAME.get(bare, bare), in_place
    in_place = name.endswith("_")
    bare = name.rstrip("_") if in_place else name
    return _SAME.get(bare, bare), in_place


def out_of_place(function: Callable[..., Any]) -> Callable[..., Any]:
    """Find the variant of an in-place function that returns a new tensor.

    Parameters
    ----------
    function : callable
        Such as `torch.relu_` or `Tensor.__iadd__`.

    Returns
    -------
    callable
        The function itself when it has no such variant.
    """
    name = getattr(function, "__name__", "")
    plain, _ = plain_name(function)
    bare = f"__{name[3:]}" if name.startswith("__") else name.rstrip("_")
    for holder in (torch, torch._C._nn, torch.Tensor):
        for candidate in (bare, plain):
            if (found := getattr(holder, candidate, None)) is not None:
                return found
    return function


_AUGMENTED = words("iadd isub imul idiv itruediv ipow imatmul ifloordiv imod")
_REFLECTED = words("radd rsub rmul rdiv rtruediv rpow rmatmul")
