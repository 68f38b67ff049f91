"""Trains the model on ``data/train.txt`` until its CPU time is used up, and saves it."""

import json
import math
import sys
import time
from pathlib import Path

import numpy as np
import torch
from counts import CountPrior
from model import PRIOR_ORDER, SEQ_LEN, Model, save
from torch import Tensor, nn
from torch.nn import functional

LEARNING_RATE = 3e-3  # range: 3e-4..1e-2
BATCH_SIZE = 8  # choices: 2, 4, 8, 16, 32
BATCH_START = 1.0  # range: 0.25..1.0
WARMUP = 0.05  # range: 0.0..0.3
DECAY = 0.5  # range: 0.1..1.0
DECAY_SHAPE = "cosine"  # choices: "cosine", "linear"
FINAL_RATE = 0.05  # range: 0.0..0.3
BETA1 = 0.9  # range: 0.8..0.95
BETA2 = 0.95  # range: 0.9..0.999
WEIGHT_DECAY = 0.1  # range: 0.0..0.5
GRAD_CLIP = 1.0  # range: 0.1..4.0
MUON_RATE = 0.0  # choices: 0.0, 0.003, 0.01, 0.03
TAIL_AVERAGE = 0.0  # range: 0.0..0.5


class CpuClock:
    """The share of the training time that is used up, by CPU time of this process.

    The limit counts everything from the start of the process, so it includes importing torch. A
    part of it is left for saving.
    """

    def __init__(self, limit_s: float) -> None:
        self._start_s = time.process_time()
        self._end_s = limit_s - max(1.5, 0.08 * limit_s)

    def progress(self) -> float:
        """Return a number from 0 at the start to 1 (or more) at the end."""
        left_s = self._end_s - self._start_s
        return (time.process_time() - self._start_s) / left_s if left_s > 0 else 1.0


def rate_at(progress: float) -> float:
    """Return the share of the full learning rate: warm up, stay, decay to FINAL_RATE."""
    if progress < WARMUP:
        return progress / WARMUP
    if progress < 1 - DECAY:
        return 1.0
    left = max(0.0, (1 - progress) / DECAY)
    if DECAY_SHAPE == "cosine":
        left = (1 - math.cos(math.pi * left)) / 2
    return FINAL_RATE + (1 - FINAL_RATE) * left


def batch_size_at(progress: float) -> int:
    """Return the number of windows in a batch: it grows from BATCH_START of BATCH_SIZE to all."""
    return max(1, round(BATCH_SIZE * (BATCH_START + (1 - BATCH_START) * progress)))


def make_optimizers(model: Model) -> list[torch.optim.Optimizer]:
    """Return AdamW for everything; if MUON_RATE is not zero, Muon for the blocks' matrices."""
    matrices = [m.weight for m in model.blocks.modules() if isinstance(m, nn.Linear)]
    matrices = matrices if MUON_RATE else []
    taken = {id(weight) for weight in matrices}
    rest = [weight for weight in model.parameters() if id(weight) not in taken]
    groups = [
        {"params": [w for w in rest if w.dim() >= 2], "weight_decay": WEIGHT_DECAY},
        {"params": [w for w in rest if w.dim() < 2], "weight_decay": 0.0},
    ]
    optimizers: list[torch.optim.Optimizer] = [
        torch.optim.AdamW(groups, lr=LEARNING_RATE, betas=(BETA1, BETA2), fused=True)
    ]
    if matrices:
        muon = torch.optim.Muon(
            matrices, lr=MUON_RATE, weight_decay=WEIGHT_DECAY, adjust_lr_fn="match_rms_adamw"
        )
        optimizers.append(muon)
    for optimizer in optimizers:
        for group in optimizer.param_groups:
            group["full_lr"] = group["lr"]
    return optimizers


class Average:
    """The mean of a model's weights over the last steps of training."""

    def __init__(self, model: nn.Module) -> None:
        self._weights = list(model.parameters())
        self._means = [torch.zeros_like(weight) for weight in self._weights]
        self._steps = 0

    @torch.no_grad()
    def add(self) -> None:
        """Take the weights of now into the mean."""
        self._steps += 1
        torch._foreach_lerp_(self._means, self._weights, 1 / self._steps)

    @torch.no_grad()
    def use(self) -> None:
        """Put the mean into the model, if there is one."""
        if self._steps:
            torch._foreach_copy_(self._weights, self._means)


def draw_batch(text: Tensor, size: int) -> tuple[Tensor, Tensor]:
    """Return random windows of the text and the bytes that follow, shape (size, SEQ_LEN) each."""
    starts = torch.randint(len(text) - SEQ_LEN, (size, 1))
    windows = text[starts + torch.arange(SEQ_LEN + 1)]
    return windows[:, :-1], windows[:, 1:]


def step(model: Model, optimizers: list[torch.optim.Optimizer], text: Tensor, at: float) -> Tensor:
    """Do one step of training at progress `at` and return its loss, in nats per byte."""
    tokens, targets = draw_batch(text, batch_size_at(at))
    loss = functional.cross_entropy(model(tokens, targets).flatten(0, 1), targets.flatten())
    loss.backward()
    nn.utils.clip_grad_norm_(model.parameters(), GRAD_CLIP)
    for optimizer in optimizers:
        for group in optimizer.param_groups:
            group["lr"] = group["full_lr"] * rate_at(at)
        optimizer.step()
        optimizer.zero_grad()
    return loss.detach()


def train(model: Model, text: Tensor, clock: CpuClock) -> None:
    """Train until the clock says 1, printing the loss every 200 steps."""
    optimizers = make_optimizers(model)
    average, steps = Average(model), 0
    while (progress := clock.progress()) < 1:
        loss = step(model, optimizers, text, progress)
        if progress >= 1 - TAIL_AVERAGE:
            average.add()
        steps += 1
        if steps % 200 == 0:
            print(f"step {steps}: {loss.item() / math.log(2):.3f} bits/byte")
    average.use()
    print(f"{steps} steps, {sum(w.numel() for w in model.parameters())} parameters")


def main() -> None:
    """Read the orders from standard input, train, and save."""
    orders = json.loads(sys.stdin.readline())
    clock = CpuClock(orders["cpu_s"])
    torch.manual_seed(orders["seed"])
    torch.set_num_threads(1)
    text = np.fromfile("data/train.txt", np.uint8)
    model = Model(CountPrior.from_text(text, PRIOR_ORDER) if PRIOR_ORDER else None)
    train(model, torch.from_numpy(text.astype(np.int64)), clock)
    save(model, Path("model.safetensors"))


if __name__ == "__main__":
    main()
