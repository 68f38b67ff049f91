"""Which candidates are kept and may become parents."""
