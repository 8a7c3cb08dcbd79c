"""What `doctor` returns: everything found about a model, as one frozen value."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from seewhy.models.differentiable import is_differentiable
from seewhy.models.origin import origin_of
from seewhy.models.protocol import Model
from seewhy.models.shuffled import can_be_shuffled
from seewhy.run.checkup.costs import Cost
from seewhy.run.checkup.findings import MARKS, Finding
from seewhy.run.checkup.measuring import Speed, best_batch
from seewhy.run.provenance import Prediction


@dataclass(frozen=True)
class Inferred:
    """What was found out about a model without asking it, and where from.

    Attributes
    ----------
    spec, framework : str
    classes : int
    input : (h, w, c)
    preprocessing : mapping
        As in a sidecar.
    output : str
    origin : mapping of str to str, or None
        Where preprocessing, labels and output come from; None for a model built in Python.
    fingerprint : str
    gradients : str
        ``"yes"``, ``"by a twin in PyTorch"`` or ``"no"``.
    weights : bool
        Whether they can be reached, for the sanity check that shuffles them.
    batch : int
    """

    spec: str
    framework: str
    classes: int
    input: tuple[int, int, int]
    preprocessing: Mapping[str, Any]
    output: str
    origin: Mapping[str, str] | None
    fingerprint: str
    gradients: str
    weights: bool
    batch: int

    @classmethod
    def of(cls, model: Model) -> Inferred:
        """Describe a model."""
        origin = origin_of(model)
        twin = getattr(model, "twin", None) is not None
        return cls(
            spec=model.spec,
            framework=model.framework,
            classes=len(model.labels),
            input=model.input_size,
            preprocessing=model.preprocessing.to_json(),
            output=model.output,
            origin=None if origin is None else asdict(origin),
            fingerprint=model.fingerprint,
            gradients=(
                "yes" if is_differentiable(model) else "by a twin in PyTorch" if twin else "no"
            ),
            weights=can_be_shuffled(model),
            batch=model.batch_size,
        )


@dataclass(frozen=True)
class Seen:
    """What a model says about one picture: its likeliest classes."""

    name: str
    predictions: tuple[Prediction, ...]


@dataclass(frozen=True)
class Checkup:
    """What `doctor` found about a model.

    Attributes
    ----------
    model : Inferred or None
        None when the model could not be loaded.
    seen : tuple of Seen
        The picture that was given, or the sample photos.
    findings : tuple of Finding
        One for each check.
    speeds : tuple of Speed
        By batch size, smallest first.
    costs : tuple of Cost
        An estimate for every method.
    asked : int
        Pictures that the model was asked about in all.
    seconds : float
        That it took.
    """

    model: Inferred | None
    seen: tuple[Seen, ...] = ()
    findings: tuple[Finding, ...] = ()
    speeds: tuple[Speed, ...] = ()
    costs: tuple[Cost, ...] = ()
    asked: int = 0
    seconds: float = 0.0

    @property
    def ok(self) -> bool:
        """Whether no fault was found; there may be advice."""
        return not self.faults

    @property
    def faults(self) -> tuple[Finding, ...]:
        """What makes explanations wrong."""
        return tuple(finding for finding in self.findings if finding.verdict == "fault")

    @property
    def remedy(self) -> Mapping[str, Any] | None:
        """The preprocessing to declare instead, if a finding knows one."""
        return next((each.remedy for each in self.findings if each.remedy is not None), None)

    @property
    def best_batch(self) -> int | None:
        """The smallest batch that is about as fast as the fastest; None when none was timed."""
        return best_batch(self.speeds) if self.speeds else None

    def to_json(self) -> dict[str, Any]:
        """Write everything as a document of plain values."""
        return {
            "schema": 1,
            "ok": self.ok,
            "model": None if self.model is None else asdict(self.model),
            "seen": [asdict(each) for each in self.seen],
            "findings": [asdict(each) for each in self.findings],
            "speeds": [asdict(each) for each in self.speeds],
            "best_batch": self.best_batch,
            "costs": [asdict(each) for each in self.costs],
            "asked": self.asked,
            "seconds": self.seconds,
        }

    def __str__(self) -> str:
        """One line for each finding."""
        lines = [f"{MARKS[each.verdict]} {each.check}: {each.says}" for each in self.findings]
        if self.remedy is not None:
            lines.append(f"remedy: {json.dumps(self.remedy)}")
        return "\n".join(lines)
