"""The study as a state machine over the ledger; knows ports, no adapter."""
