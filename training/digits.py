"""Train the network behind builtin:digits, and write all that ships with it.

    pip install -e ".[torch]"
    python training/digits.py PATH/TO/mnist_full.npz

The file holds MNIST as ``x_train``, ``y_train``, ``x_test`` and ``y_test`` (uint8, 28 × 28). The
seed is fixed; on one machine with one number of threads, a second run writes the same bytes. The
last epoch counts: the test digits are looked at once, when all is over, and choose nothing.

Written into src/seewhy/models/data: digits.onnx, digits.safetensors and digits.md, the model card.
"""

from __future__ import annotations

import argparse
import copy
import time
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors.torch import save_file
from torch import nn
from torch.nn import functional

from seewhy.models.digits import MEAN, STD, onnx_model
from seewhy.models.digits_torch import DigitsNet

DATA = Path(__file__).parents[1] / "src" / "seewhy" / "models" / "data"
BATCH, PEAK_RATE, DECAY, AVERAGING = 256, 0.02, 5e-4, 0.998


def main() -> None:
    """Train, fold, measure, write."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("mnist", type=Path, help="the .npz file")
    parser.add_argument("--epochs", type=int, default=30)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--out", type=Path, default=DATA)
    asked = parser.parse_args()
    torch.manual_seed(asked.seed)
    torch.use_deterministic_algorithms(True)
    with np.load(asked.mnist) as digits:
        train, test = (
            (as_input(digits[f"x_{part}"]), torch.tensor(digits[f"y_{part}"]).long())
            for part in ("train", "test")
        )
    started = time.perf_counter()
    averaged = trained(*train, epochs=asked.epochs)
    minutes = (time.perf_counter() - started) / 60
    network = folded(averaged)
    with torch.inference_mode():
        logits = torch.cat([network(part) for part in test[0].split(1000)])
        unfolded = torch.cat([averaged(part) for part in test[0].split(1000)])
    assert float((logits - unfolded).abs().max()) < 1e-3, "folding changed the answers"
    write(network, logits, test[1], minutes, asked)


def as_input(pictures: np.ndarray) -> torch.Tensor:
    """Normalise uint8 digits (n, 28, 28) to (n, 1, 28, 28)."""
    return torch.from_numpy((pictures[:, None].astype(np.float32) / 255 - MEAN) / STD)


def trained(pictures: torch.Tensor, digits: torch.Tensor, *, epochs: int) -> DigitsNet:
    """Train on randomly moved digits; gives the moving average of the weights."""
    network = DigitsNet(with_norm).to(memory_format=torch.channels_last)
    averaged = copy.deepcopy(network).eval()
    steps = epochs * (len(pictures) // BATCH)
    optimiser = torch.optim.SGD(
        network.parameters(), lr=PEAK_RATE, momentum=0.9, nesterov=True, weight_decay=DECAY
    )
    schedule = torch.optim.lr_scheduler.OneCycleLR(
        optimiser, max_lr=PEAK_RATE * 10, total_steps=steps, pct_start=0.2
    )
    for epoch in range(epochs):
        network.train()
        order = torch.randperm(len(pictures))[: steps // epochs * BATCH]
        total = 0.0
        for rows in order.split(BATCH):
            loss = functional.cross_entropy(network(moved(pictures[rows])), digits[rows])
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()
            schedule.step()
            average(averaged, network, step=schedule.last_epoch)
            total += float(loss.detach())
        print(f"epoch {epoch + 1}/{epochs}: loss {total * BATCH / len(order):.4f}", flush=True)
    return averaged


def with_norm(channels_in: int, channels_out: int, kernel: int, stride: int) -> nn.Module:
    """Make a convolution followed by batch normalisation."""
    convolution = nn.Conv2d(
        channels_in, channels_out, kernel, stride, padding=kernel // 2, bias=False
    )
    return nn.Sequential(convolution, nn.BatchNorm2d(channels_out))


def moved(pictures: torch.Tensor) -> torch.Tensor:
    """Turn, scale, shear and shift every digit by a little; what comes in from outside is black."""
    count = len(pictures)
    angle = (torch.rand(count) - 0.5) * 2 * 0.26  # 15 degrees
    scale = 1 + (torch.rand(count, 2) - 0.5) * 2 * 0.12
    shear = (torch.rand(count) - 0.5) * 2 * 0.2
    shift = (torch.rand(count, 2) - 0.5) * 2 * (2.5 / 14)
    cos, sin = torch.cos(angle), torch.sin(angle)
    rows = (
        torch.stack([cos * scale[:, 0], -sin + shear, shift[:, 0]], dim=1),
        torch.stack([sin, cos * scale[:, 1], shift[:, 1]], dim=1),
    )
    grid = functional.affine_grid(torch.stack(rows, dim=1), list(pictures.shape), False)
    black = -MEAN / STD
    there = functional.grid_sample(pictures - black, grid, align_corners=False)
    return (there + black).contiguous(memory_format=torch.channels_last)


@torch.no_grad()
def average(averaged: nn.Module, network: nn.Module, *, step: int) -> None:
    """Let the average follow the network, closely at first, so that no initial weight stays."""
    kept_part = min(AVERAGING, step / (step + 10))
    current = network.state_dict()
    for name, kept in averaged.state_dict().items():
        if kept.is_floating_point():
            kept.lerp_(current[name], 1 - kept_part)


def folded(network: nn.Module) -> DigitsNet:
    """Fold every batch normalisation into the convolution before it."""
    plain = DigitsNet().eval()
    state: dict[str, Any] = {
        name: value.detach().clone()
        for name, value in network.head.state_dict(prefix="head.").items()
    }
    for name, part in network.named_modules():
        if isinstance(part, nn.Sequential):
            fused = nn.utils.fusion.fuse_conv_bn_eval(part[0], part[1])
            state |= {
                f"{name}.{key}": value.detach().clone(memory_format=torch.contiguous_format)
                for key, value in fused.state_dict().items()
            }
    plain.load_state_dict(state)
    return plain


def write(
    network: nn.Module, logits: torch.Tensor, truth: torch.Tensor, minutes: float, asked: Any
) -> None:
    """Write the network twice, and what it is."""
    state = {name: value.contiguous() for name, value in network.state_dict().items()}
    content = onnx_model({name: value.numpy() for name, value in state.items()})
    asked.out.mkdir(parents=True, exist_ok=True)
    (asked.out / "digits.onnx").write_bytes(content)
    save_file(state, asked.out / "digits.safetensors")
    card = model_card(network, logits, truth, minutes, asked)
    (asked.out / "digits.md").write_text(card, encoding="utf-8")
    print(f"{float((logits.argmax(dim=1) == truth).float().mean()):.2%} of the test digits right")


def model_card(
    network: nn.Module, logits: torch.Tensor, truth: torch.Tensor, minutes: float, asked: Any
) -> str:
    """Describe the network in figures."""
    said = logits.argmax(dim=1)
    wrong = [int(index) for index in (said != truth).nonzero()]
    chance = logits.softmax(dim=1).amax(dim=1)
    parameters = sum(value.numel() for value in network.parameters())
    errors = ", ".join(f"{index} ({truth[index]} as {said[index]})" for index in wrong)
    likelihood = float(functional.cross_entropy(logits, truth))
    return CARD.format(
        parameters=f"{parameters:,}".replace(",", " "),
        accuracy=f"{1 - len(wrong) / len(truth):.2%}",
        count=f"{len(truth):,}".replace(",", " "),
        loss=f"{likelihood:.4f}",
        confidence=f"{float(chance.mean()):.2%}",
        wrong=len(wrong),
        errors=errors,
        epochs=asked.epochs,
        seed=asked.seed,
        minutes=f"{minutes:.0f}",
        threads=torch.get_num_threads(),
        torch=torch.__version__,
    )


CARD = """# builtin:digits

A small residual network ({parameters} parameters) that reads one handwritten digit.

- **Input**: 28 × 28, grey, the digit white on black, as in MNIST; pixels in [0, 1], mean {mean},
  standard deviation {std}. A picture of another size is stretched.
- **Output**: ten logits, 0 to 9.
- **Trained** on the 60 000 training digits of MNIST (Y. LeCun, C. Cortes, C. Burges; CC BY-SA 3.0)
  by `training/digits.py`: {epochs} epochs, seed {seed}, {minutes} minutes on {threads} CPU threads,
  torch {torch}. Digits were turned by up to 15 degrees, scaled, sheared and shifted by up to 2.5
  pixels; the weights are a moving average.
- **Measured** once, on the {count} test digits: **{accuracy}** right, cross-entropy {loss}, mean
  confidence {confidence}.
- **Meant for** trying explanations out. It has seen nothing but digits: on any other picture, on
  digits dark on light, or on several digits at once, its answers mean nothing.
- **Files**: `digits.onnx` and `digits.safetensors`, the same weights, batch normalisation folded.
- **Licence** of the weights: MIT, as Seewhy.

The {wrong} test digits that it gets wrong (index, digit, as what): {errors}.
""".replace("{mean}", str(MEAN)).replace("{std}", str(STD))


if __name__ == "__main__":
    main()
