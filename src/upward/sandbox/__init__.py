"""Runs commands that are not trusted, and says what really holds."""
