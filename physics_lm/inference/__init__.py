"""Reading answers out of a model: scores in one forward pass, and greedy or sampled generation."""
