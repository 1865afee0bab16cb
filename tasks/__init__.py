"""What is governed, and the one door through which many tasks change."""
