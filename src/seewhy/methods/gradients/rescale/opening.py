"""Functions of torch that are written in Python, opened up: their own calls are seen one by one."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from types import FunctionType
from typing import Any

_QUESTIONS = ("has_torch_function", "has_torch_function_unary", "has_torch_function_variadic")


@lru_cache(maxsize=256)
def opened(function: FunctionType) -> Callable[..., Any]:
    """Copy a Python function of torch so that it runs its body under a function mode.

    Such functions begin by asking whether somebody wants to override them, and hand themselves
    over if a mode is on; a mode that called them again would never see their body. The copy is
    told that nobody does. The functions that it calls are the usual ones.

    Parameters
    ----------
    function : function
        Stays as it is.

    Returns
    -------
    callable
    """
    names = dict(function.__globals__)
    names.update((question, _nobody) for question in _QUESTIONS if question in names)
    copy = FunctionType(
        function.__code__, names, function.__name__, function.__defaults__, function.__closure__
    )
    copy.__kwdefaults__ = function.__kwdefaults__
    return copy


def _nobody(*_: Any) -> bool:
    return False
