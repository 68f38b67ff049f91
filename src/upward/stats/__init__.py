"""Noise, evidence and verdicts: arrays in, numbers out."""
