"""What happened: operations, history rows, and the one writer of both."""
