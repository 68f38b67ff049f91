"""Fakes and contract suites for authors of adapters; nothing in the package imports them."""
