"""A small GPT over bytes: tokens in, scores of the next byte out.

`train.py` makes it and saves it; the scorer copies this file and rebuilds the model from
``model.safetensors`` alone, so everything that shapes the model is a constant here.
"""

from pathlib import Path

import numpy as np
import torch
from counts import CountPrior
from safetensors.torch import load_file, save_file
from torch import Tensor, nn
from torch.nn import functional

D_MODEL = 64  # choices: 32, 48, 64, 80, 96, 128, 160
N_LAYERS = 2  # range: 1..8
N_HEADS = 4  # choices: 1, 2, 4, 8
MLP_RATIO = 4.0  # range: 1.0..8.0
SEQ_LEN = 64  # choices: 32, 64, 128, 256
LOOPS = 1  # range: 1..4
ACTIVATION = "gelu"  # choices: "gelu", "relu_squared"
NORM = "layer"  # choices: "layer", "rms"
QK_NORM = False
ZERO_INIT = False
TOKEN_SHIFT = False
VALUE_EMBEDDINGS = False
INIT_STD = 0.06  # range: 0.01..0.3
DROPOUT = 0.0  # range: 0.0..0.3
LOGIT_SOFTCAP = 0.0  # choices: 0.0, 8.0, 15.0, 30.0
HASH_ROWS = 0  # choices: 0, 1024, 4096, 16384
PRIOR_ORDER = 0  # choices: 0, 3, 5, 7


def make_norm(width: int) -> nn.Module:
    """Return the normalisation layer that NORM names."""
    return nn.RMSNorm(width) if NORM == "rms" else nn.LayerNorm(width)


def activate(x: Tensor) -> Tensor:
    """Apply the non-linearity that ACTIVATION names."""
    return functional.relu(x).square() if ACTIVATION == "relu_squared" else functional.gelu(x)


class TokenShift(nn.Module):
    """Lets each channel look at the position before, by an amount that is learned (0 at first).

    Source: Peng et al. (2023), RWKV, arXiv:2305.13048.
    """

    def __init__(self) -> None:
        super().__init__()
        self.mix = nn.Parameter(torch.zeros(D_MODEL))

    def forward(self, x: Tensor) -> Tensor:
        """Mix x, shape (batch, time, width), with itself one step earlier."""
        return x + self.mix * (functional.pad(x, (0, 0, 1, -1)) - x)


class Attention(nn.Module):
    """Causal self-attention with N_HEADS heads."""

    def __init__(self) -> None:
        super().__init__()
        self.head_width = max(1, D_MODEL // N_HEADS)
        inner = N_HEADS * self.head_width
        self.queries_keys_values = nn.Linear(D_MODEL, 3 * inner, bias=False)
        self.out = nn.Linear(inner, D_MODEL, bias=False)
        if QK_NORM:
            self.sharpness = nn.Parameter(torch.full((N_HEADS, 1, 1), self.head_width**0.5))
        if VALUE_EMBEDDINGS:
            self.value_embedding = nn.Embedding(256, inner)

    def forward(self, x: Tensor, tokens: Tensor) -> Tensor:
        """Return what each position gathers from itself and earlier ones, shape as x."""
        qkv = self.queries_keys_values(x)
        if VALUE_EMBEDDINGS:
            queries_keys, values = qkv.split((2 * qkv.shape[2] // 3, qkv.shape[2] // 3), dim=2)
            qkv = torch.cat((queries_keys, values + self.value_embedding(tokens)), dim=2)
        q, k, v = qkv.unflatten(2, (3, N_HEADS, self.head_width)).permute(2, 0, 3, 1, 4)
        if QK_NORM:
            q = functional.normalize(q, dim=-1) * self.sharpness * self.head_width**0.5
            k = functional.normalize(k, dim=-1)
        mixed = functional.scaled_dot_product_attention(q, k, v, is_causal=True)
        return self.out(mixed.transpose(1, 2).flatten(2))


class Block(nn.Module):
    """Attention, then a two-layer network for each position; both add to the stream."""

    def __init__(self) -> None:
        super().__init__()
        hidden = max(1, round(MLP_RATIO * D_MODEL))
        self.norm1, self.norm2 = make_norm(D_MODEL), make_norm(D_MODEL)
        self.shift1, self.shift2 = (
            TokenShift() if TOKEN_SHIFT else nn.Identity() for _ in range(2)
        )
        self.attention = Attention()
        self.up = nn.Linear(D_MODEL, hidden, bias=False)
        self.down = nn.Linear(hidden, D_MODEL, bias=False)
        self.dropout = nn.Dropout(DROPOUT)

    def forward(self, x: Tensor, tokens: Tensor) -> Tensor:
        """Return the stream x, shape (batch, time, width), after this block."""
        x = x + self.dropout(self.attention(self.shift1(self.norm1(x)), tokens))
        return x + self.dropout(self.down(activate(self.up(self.shift2(self.norm2(x))))))


class HashedNgrams(nn.Module):
    """Embeddings of the last two and the last three bytes, in tables of HASH_ROWS rows each.

    Different n-grams may share a row; the tables start at zero.
    Source: Svenstrup et al. (2017), Hash Embeddings, arXiv:1709.03933.
    """

    def __init__(self) -> None:
        super().__init__()
        self.tables = nn.ModuleList(nn.Embedding(HASH_ROWS, D_MODEL) for _ in range(2))

    def forward(self, tokens: Tensor) -> Tensor:
        """Return the sum of both embeddings, shape (batch, time, width)."""
        code, total = tokens, 0
        for back, table in enumerate(self.tables, start=1):
            code = code * 257 + functional.pad(tokens, (back, -back)) + 1
            total = total + table((code * 0x9E3779B1 >> 16) % HASH_ROWS)
        return total


class Model(nn.Module):
    """The whole network; with a `prior` its scores are added to the prior's, which it weighs."""

    def __init__(self, prior: CountPrior | None = None) -> None:
        super().__init__()
        self.prior = prior
        self.bytes = nn.Embedding(256, D_MODEL)
        self.positions = nn.Embedding(SEQ_LEN, D_MODEL)
        self.hashed = HashedNgrams() if HASH_ROWS else None
        self.dropout = nn.Dropout(DROPOUT)
        self.blocks = nn.ModuleList(Block() for _ in range(N_LAYERS))
        self.norm = make_norm(D_MODEL)
        self.head = nn.Linear(D_MODEL, 256)
        self.gate = nn.Linear(D_MODEL, 1) if prior else None
        self._start()

    def _start(self) -> None:
        """Draw the first weights."""
        for module in self.modules():
            if isinstance(module, nn.Linear | nn.Embedding):
                nn.init.normal_(module.weight, std=INIT_STD)
            if isinstance(module, nn.Linear) and module.bias is not None:
                nn.init.zeros_(module.bias)
        late = [self.head] if ZERO_INIT or self.prior else []
        late += [m for b in self.blocks for m in (b.attention.out, b.down)] if ZERO_INIT else []
        late += list(self.hashed.tables) if self.hashed else []
        for module in late:
            nn.init.zeros_(module.weight)
        if self.gate:
            nn.init.zeros_(self.gate.weight)
            nn.init.ones_(self.gate.bias)

    def forward(self, tokens: Tensor, targets: Tensor | None = None) -> Tensor:
        """Return scores of the next byte.

        Args:
            tokens: shape (batch, time), int64, time at most SEQ_LEN.
            targets: the next bytes, when training: a prior must forget them before it predicts.

        Returns:
            shape (batch, time, 256); a softmax makes them probabilities.
        """
        x = self.bytes(tokens) + self.positions.weight[: tokens.shape[1]]
        if self.hashed:
            x = x + self.hashed(tokens)
        x = self.dropout(x)
        for _ in range(LOOPS):
            for block in self.blocks:
                x = block(x, tokens)
        x = self.norm(x)
        scores = self.head(x)
        if LOGIT_SOFTCAP:
            scores = LOGIT_SOFTCAP * torch.tanh(scores / LOGIT_SOFTCAP)
        if self.gate:
            scores = scores + self.gate(x) * self.prior.log_probs(tokens, targets)
        return scores


def save(model: Model, path: Path) -> None:
    """Write the weights, and the counts of the prior if there is one."""
    counts = model.prior.tables if model.prior else {}
    tensors = model.state_dict() | {f"prior.{name}": table for name, table in counts.items()}
    save_file({name: tensor.contiguous() for name, tensor in tensors.items()}, path)


class Predictor:
    """A trained model that answers the scorer's questions."""

    def __init__(self, model: Model) -> None:
        self._model = model.eval()

    @torch.inference_mode()
    def scores(self, tokens: np.ndarray) -> np.ndarray:
        """Return scores of the byte after each position, from that position and earlier ones.

        Args:
            tokens: shape (batch, time), uint8. What is longer than SEQ_LEN is read in overlapping
                pieces, so that every position has at least SEQ_LEN / 2 bytes of context.

        Returns:
            shape (batch, time, 256), float32.
        """
        text = torch.from_numpy(tokens.astype(np.int64))
        pieces, done = [], 0
        while done < text.shape[1]:
            start = max(0, done - SEQ_LEN // 2)
            pieces.append(self._model(text[:, start : start + SEQ_LEN])[:, done - start :])
            done = start + SEQ_LEN
        return torch.cat(pieces, dim=1).float().numpy()


def load(folder: Path) -> Predictor:
    """Rebuild the model from ``model.safetensors`` in `folder`."""
    tensors = load_file(folder / "model.safetensors")
    counts = {k.removeprefix("prior."): v for k, v in tensors.items() if k.startswith("prior.")}
    model = Model(CountPrior(counts) if counts else None)
    model.load_state_dict({k: v for k, v in tensors.items() if not k.startswith("prior.")})
    return Predictor(model)
