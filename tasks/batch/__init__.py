"""The one door through which many tasks change: parse → resolve → authorize → plan → apply → record."""
