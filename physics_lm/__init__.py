"""What learns and what is measured: tokenizers, models, training, probes, the store, results."""
