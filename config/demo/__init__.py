"""The demo: an estate of about 2,000 tasks that has been lived in."""
