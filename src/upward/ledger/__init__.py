"""Hash chain, checkpoint, replay and audit: pure functions over entries."""
