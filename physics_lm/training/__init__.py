"""The training loop, its optimisers and schedule, and several processes or models that train together."""
