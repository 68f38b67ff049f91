"""Cost of a point: a bent valley, ripples, switches that interact, and noise from the seed."""

import json
import math
import random
import sys
from pathlib import Path

SCHEDULES = {"constant": 0.0, "linear": -0.3, "cosine": -0.5}
KERNELS = {"flat": 0.0, "ring": 0.8, "star": -0.6, "comb": 0.3}


def valley(p: dict) -> float:
    """Where the numbers should be, and how they lean on each other."""
    rate = math.log(p["rate"] / 0.15)
    decay = math.log(p["decay"] / 0.05)
    width = math.log(p["width"] / 96)
    cost = 0.25 * (rate + 0.5 * width) ** 2 + 0.08 * decay**2
    cost += 0.2 * width**2 + 0.15 * (p["depth"] - 5) ** 2 * 0.5
    cost += 0.5 * math.log((1 - p["momentum"]) / 0.03) ** 2 * 0.3
    cost += 0.1 * math.log(p["temperature"] / 1.5) ** 2
    cost += 0.12 * math.log(p["steps"] / 500) ** 2
    return cost + 0.1 * (1 - math.cos(4 * rate)) + 0.05 * (1 - math.cos(5 * decay))


def switches(p: dict) -> float:
    """Switches and choices; two of them help only together."""
    cost = SCHEDULES[p["schedule"]] + KERNELS[p["kernel"]]
    cost += (0.6 if p["centered"] else 0.0) + (0.3 if p["tied"] else 0.0)
    cost += {(0, 0): 0.0, (1, 0): 0.15, (0, 1): -0.2, (1, 1): -0.9}[
        int(p["gated"]), int(p["clipped"])
    ]
    return cost


def main() -> None:
    """Read the point, write its cost."""
    point = json.loads(Path("outputs/point.json").read_text())
    if point["rate"] > 3 or point["depth"] > 30:
        sys.exit("diverged")
    seed = json.loads(sys.stdin.readline())["seed"]
    noise = random.Random(seed).gauss(0.0, 0.08)
    print(json.dumps({"cost": 3.0 + valley(point) + switches(point) + noise}))


if __name__ == "__main__":
    main()
