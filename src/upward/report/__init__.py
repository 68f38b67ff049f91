"""One self-contained page that shows a study with its evidence."""
