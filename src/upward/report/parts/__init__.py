"""The parts of the page, top to bottom."""
