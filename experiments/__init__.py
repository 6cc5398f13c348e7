"""The entry points: run, reproduce, and the figures."""
