"""Make the data once per study: public/ is what a trial sees as data/, hidden/ is the scorer's."""

from pathlib import Path

import numpy as np

TRAIN, TEST, NOISE = 400, 2000, 0.1


def main():
    """Draw points in the square [-2, 2] x [-2, 2] and the surface's values at them."""
    rng = np.random.default_rng(20_240_607)
    points = rng.uniform(-2.0, 2.0, (TRAIN + TEST, 2))
    values = surface(points)
    noisy = values[:TRAIN] + rng.normal(0.0, NOISE, TRAIN)
    for folder in ("public", "hidden"):
        Path(folder).mkdir()
    np.savez("public/train.npz", points=points[:TRAIN], values=noisy)
    np.save("public/test_points.npy", points[TRAIN:])
    np.save("hidden/test_values.npy", values[TRAIN:])


def surface(points):
    """Return the values to be learned, shape (points,)."""
    x, y = points.T
    return np.sin(3.0 * x) * np.cos(2.0 * y) + 0.5 * np.exp(-4.0 * ((x - 0.5) ** 2 + y**2))


if __name__ == "__main__":
    main()
