"""What happened: operations, history, timelines and seals. Knows no other app."""
