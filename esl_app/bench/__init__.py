"""Measurements an operator can repeat: `voice-ai bench`."""


class BenchError(Exception):
    """What a measurement was given to work on cannot be used; the message names it."""
