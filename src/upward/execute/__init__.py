"""Turns a trial into an outcome: run the candidate, collect, score."""
