"""Several models of one shape trained together in one process."""
