"""Fakes and contract suites, shipped for authors of adapters; nothing in the package imports them."""
