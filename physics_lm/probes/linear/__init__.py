"""Linear probes: low-rank embedding updates, norms and linear layers trained on a frozen model."""
