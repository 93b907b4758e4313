"""Measurements an operator can repeat: `voice-ai bench`."""
