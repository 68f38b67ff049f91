"""The ledger and artifacts on this machine: SQLite, blobs, the right to write."""
