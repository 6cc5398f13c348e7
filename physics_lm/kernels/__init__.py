"""Faster implementations of what a training step computes, and torch.compile."""
