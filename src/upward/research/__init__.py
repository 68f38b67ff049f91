"""Researchers: whoever proposes."""
