"""Upward: runs the AI-research loop and keeps only what it can prove."""
