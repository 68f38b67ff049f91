"""Train a network with one hidden layer on small images of digits; stops after MAX_CPU_S."""

import json
import sys
import time
from pathlib import Path

import numpy as np

WIDTH = 24
ACTIVATION = "tanh"  # choices: tanh, relu, sine
INIT_SCALE = 1.0
LEARNING_RATE = 0.02
MOMENTUM = 0.5
WEIGHT_DECAY = 1e-3
BATCH = 128
EPOCHS = 6
WARMUP_FRAC = 0.0
COOLDOWN_FRAC = 0.0
LABEL_SMOOTHING = 0.1
DROPOUT = 0.2
SHIFT = False
CENTER = False
NESTEROV = False
AVERAGE = False
MAX_CPU_S = 0.5  # fixed

NONLINEAR = {
    "tanh": (np.tanh, lambda h: 1 - np.tanh(h) ** 2),
    "relu": (lambda h: np.maximum(h, 0), lambda h: (h > 0).astype(h.dtype)),
    "sine": (np.sin, np.cos),
}


def softmax(z):
    """Rows that sum to one."""
    e = np.exp(z - z.max(1, keepdims=True))
    return e / e.sum(1, keepdims=True)


def shifted(x, rng):
    """Move every image by at most one pixel."""
    images = x.reshape(-1, 8, 8)
    dy, dx = rng.integers(-1, 2, 2)
    return np.roll(images, (dy, dx), axis=(1, 2)).reshape(len(x), 64)


def pace(done):
    """Share of the learning rate after a share of the training."""
    if done < WARMUP_FRAC:
        return done / WARMUP_FRAC
    return min(1.0, (1.0 - done) / COOLDOWN_FRAC) if COOLDOWN_FRAC else 1.0


def gradients(w, x, target, rng):
    """Gradient of the loss by every weight."""
    act, slope = NONLINEAR[ACTIVATION]
    h = x @ w[0] + w[1]
    keep = (rng.random(h.shape) >= DROPOUT) / max(1 - DROPOUT, 1e-3)
    a = act(h) * keep
    d = (softmax(a @ w[2] + w[3]) - target) / len(x)
    back = d @ w[2].T * keep * slope(h)
    return [x.T @ back, back.sum(0), a.T @ d, d.sum(0)]


def train(x, y, rng):
    """Stochastic gradient descent with momentum."""
    w = [
        rng.normal(size=(64, WIDTH)) * INIT_SCALE / 8,
        np.zeros(WIDTH),
        rng.normal(size=(WIDTH, 10)) * INIT_SCALE / np.sqrt(WIDTH),
        np.zeros(10),
    ]
    v = [np.zeros_like(p) for p in w]
    mean = [p.copy() for p in w]
    target = np.eye(10)[y] * (1 - LABEL_SMOOTHING) + LABEL_SMOOTHING / 10
    steps = EPOCHS * max(1, len(x) // BATCH)
    for step in range(steps):
        if time.process_time() > MAX_CPU_S:
            break
        rows = rng.integers(len(x), size=BATCH)
        batch = shifted(x[rows], rng) if SHIFT else x[rows]
        rate = LEARNING_RATE * pace(step / steps)
        for i, g in enumerate(gradients(w, batch, target[rows], rng)):
            v[i] = MOMENTUM * v[i] + g + WEIGHT_DECAY * w[i]
            w[i] = w[i] - rate * (g + MOMENTUM * v[i] if NESTEROV else v[i])
            mean[i] += (w[i] - mean[i]) * 0.05
    return mean if AVERAGE else w


def main():
    """Read the data, train, write probabilities for the unseen images."""
    rng = np.random.default_rng(json.loads(sys.stdin.readline())["seed"])
    data = np.load("data/digits.npz")
    x, x_test = data["x"] / 16.0, data["x_test"] / 16.0
    if CENTER:
        x, x_test = x - x.mean(0), x_test - x.mean(0)
    w = train(x, data["y"], rng)
    act = NONLINEAR[ACTIVATION][0]
    p = softmax(act(x_test @ w[0] + w[1]) @ w[2] + w[3])
    if not np.isfinite(p).all():
        sys.exit("diverged")
    Path("probabilities.json").write_text(json.dumps(p.tolist()))


if __name__ == "__main__":
    main()
