"""The store of a lab: artifacts under content keys, the chain of a run's artifacts, and checks of what is there."""
