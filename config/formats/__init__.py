"""How values are written, per language."""
