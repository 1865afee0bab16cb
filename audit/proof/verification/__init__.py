"""Verification: whether operations and history are still what the seals say that they were."""
