"""Models: one module for each kind, and checkpoints."""
