"""Frozen records, canonical bytes, content ids, errors and ports: pure, standard library only."""
