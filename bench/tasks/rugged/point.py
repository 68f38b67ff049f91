"""A point in a space of numbers, switches and choices; the scorer knows what it costs."""

import json
from pathlib import Path

RATE = 0.02
DECAY = 0.3
MOMENTUM = 0.9
TEMPERATURE = 4.0
WIDTH = 24
DEPTH = 2
STEPS = 200
SCHEDULE = "constant"  # choices: constant, linear, cosine
KERNEL = "flat"  # choices: flat, ring, star, comb
CENTERED = False
TIED = True
GATED = False
CLIPPED = False

if __name__ == "__main__":
    point = {name.lower(): value for name, value in globals().items() if name.isupper()}
    Path("point.json").write_text(json.dumps(point))
