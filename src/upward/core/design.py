"""How the trials of a comparison are laid out."""

from enum import StrEnum


class Design(StrEnum):
    """How the two arms of a comparison are laid out, fixed before its first trial."""

    POOLED = "pooled"  # every trial on a seed of its own; the arms are two samples
    MIXED = "mixed"  # both arms on the same seeds; half of the bet is on the pairs
    PAIRED = "paired"  # the same, with most of the bet on the pairs: earlier ones share their luck
    INTERLEAVED = "interleaved"  # timings: on the same seeds side by side, compared as ratios


# designs in which the arms run on the same seeds, so that trials are matched by theirs
SHARED = (Design.MIXED, Design.PAIRED, Design.INTERLEAVED)
