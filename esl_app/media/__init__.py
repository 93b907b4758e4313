"""Audio to and from a leg, and the files it lies in."""
