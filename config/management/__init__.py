"""Commands that set up and run the whole."""
