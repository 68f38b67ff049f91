"""What all tests share: Hypothesis without a deadline, because machines are shared and noisy."""

from hypothesis import settings

settings.register_profile("upward", deadline=None)
settings.load_profile("upward")
