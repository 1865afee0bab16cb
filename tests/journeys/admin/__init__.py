"""Journeys through the admin, in a real browser, against a real server and worker."""
