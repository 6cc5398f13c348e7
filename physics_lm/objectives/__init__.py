"""Training losses: next-token prediction and the restoration of masked tokens."""
