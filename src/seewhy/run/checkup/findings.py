"""What a check found, in one sentence."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeAlias

Verdict: TypeAlias = Literal["ok", "advice", "fault", "not judged"]


@dataclass(frozen=True)
class Finding:
    """What one check found.

    Attributes
    ----------
    check : str
        What was looked at, in a word or two: ``"colour order"``.
    verdict : {"ok", "advice", "fault", "not judged"}
        A fault makes explanations wrong; advice may be heeded or not.
    says : str
        What was found, and the way out, in a sentence.
    """

    check: str
    verdict: Verdict
    says: str
