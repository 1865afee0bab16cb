"""Measurements against the smallest SQL that could do the same: `python -m tests.benchmarks`.

A Django app, for guardian's ordinary tables and the command that measures; only its own settings
install it.
"""
