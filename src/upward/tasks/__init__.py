"""Finding, reading, checking and preparing tasks."""
